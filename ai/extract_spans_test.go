package ai

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

func TestExtractSpans(t *testing.T) {
	m := &fake{reply: func(r llm.Request) llm.Result {
		c, ok := r.Constraint.(llm.JSON)
		switch {
		case !ok:
			return llm.Result{}
		case strings.Contains(c.Source, "tea"):
			return llm.Result{Text: `{"drink": " tea", "food": "pie"}`}
		}
		return llm.Result{}
	}, score: func(_, label string) float64 {
		return map[string]float64{" none": -4, " tea": -2, " pie": -5}[label]
	}}
	labels := []string{"food", "person", "drink", "email"}
	content := "Steak 😀 and\ntea, says Ann (an@b.org), and pie."
	rows := eval(t, extractPlaces, tagAndText(namesTagger(), m), Row{content, labels}, Row{"nothing", labels}, Row{nil, labels}, Row{" ", labels}, Row{"x", nil})
	if rows[0].Err != nil {
		t.Fatal(rows[0].Err)
	}
	list := rows[0].Value.([]any)
	var got [][]any
	for _, f := range list {
		got = append(got, f.([]any)[:4])
	}
	// Steak has tea within a word, so the place is the one after it.
	want := [][]any{{"food", "pie", int64(43), int64(46)}, {"person", "Ann", int64(23), int64(26)}, {"drink", "tea", int64(13), int64(16)}, {"email", "an@b.org", int64(28), int64(36)}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	runes := []rune(content)
	for _, f := range list {
		v := f.([]any)
		if text := string(runes[v[2].(int64)-1 : v[3].(int64)-1]); text != v[1] {
			t.Errorf("%v is at %q", v, text)
		}
		if c := v[4].(float64); c <= 0 || c > 1 {
			t.Errorf("%v has no confidence from 0 to 1", v)
		}
	}
	if pie, tea := list[0].([]any)[4].(float64), list[2].([]any)[4].(float64); pie >= tea {
		t.Errorf("the confidence of a value less likely than none is %v, and of a more likely one %v", pie, tea)
	}
	// The second question is about the value's label only.
	if !slices.ContainsFunc(m.requests, func(r llm.Request) bool {
		c, ok := r.Constraint.(llm.Choice)
		return ok && slices.Equal(c.Labels, []string{`{"drink":""}`, `{"drink":"tea"}`}) && strings.Contains(rendered(r), "Find: drink\n")
	}) {
		t.Errorf("asked %+v", m.requests)
	}
	// A server gives no probabilities.
	server := &fake{reply: m.reply}
	a := eval(t, extractPlaces, tagAndText(namesTagger(), server), Row{content, labels})[0]
	if text, ok := extractPlaces.Keep(a); ok {
		if back, err := extractPlaces.Kept(text); err != nil || !reflect.DeepEqual(back.Value, a.Value) {
			t.Errorf("kept as %s, read as %v: %v", text, back, err)
		}
	} else {
		t.Error("not kept")
	}
	for _, f := range a.Value.([]any) {
		if v := f.([]any); (v[4] == nil) != (v[0] == "food" || v[0] == "drink") {
			t.Errorf("without probabilities: %v", v)
		}
	}
	if none, ok := rows[1].Value.([]any); !ok || len(none) != 0 || rows[2].Value != nil || rows[3].Value != nil || rows[4].Value != nil {
		t.Errorf("%+v", rows[1:])
	}

	// The values are those of ai_extract.
	found := eval(t, extract, tagAndText(namesTagger(), m), Row{content, labels})[0].Value
	if want := (Map{{"food", "pie"}, {"person", "Ann"}, {"drink", " tea"}, {"email", "an@b.org"}}); !reflect.DeepEqual(found, want) {
		t.Errorf("ai_extract finds %v", found)
	}

	for _, f := range []*Function{extractPlaces, lookup(t, "try_ai_extract_spans")} {
		a := eval(t, f, tagAndText(namesTagger(), m), Row{"Ann", []string{"person"}})[0]
		text, ok := f.Keep(a)
		if back, err := f.Kept(text); !ok || err != nil || !reflect.DeepEqual(back.Value, a.Value) {
			t.Errorf("%s: kept as %s, read as %v: %v", f.Name, text, back, err)
		}
	}
}

func TestExtractSpansRefuses(t *testing.T) {
	for _, row := range []Row{
		{"x", `{"type": "object", "properties": {"total": {"type": "number"}}}`},
		{"x", []string{"total"}, map[string]string{"spans": "false"}},
		{"x", []string{"total"}, map[string]string{"offsets": "true"}},
	} {
		for len(row) < len(extractPlaces.Params) {
			row = append(row, nil)
		}
		var argument *ArgumentError
		if _, err := extractPlaces.Eval(t.Context(), (&fake{}).source, []Row{row}); !errors.As(err, &argument) {
			t.Errorf("%v: %v", row, err)
		}
	}
}
