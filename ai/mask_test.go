package ai

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

// finding gives for each part of a text the values that stand in it.
func finding(label string, values ...string) *fake {
	return &fake{reply: func(r llm.Request) llm.Result {
		found := []string{}
		for _, v := range values {
			if strings.Contains(r.Constraint.(llm.JSON).Source, v) {
				found = append(found, v)
			}
		}
		text, _ := json.Marshal(map[string][]string{label: found})
		return llm.Result{Text: string(text)}
	}}
}

func TestMask(t *testing.T) {
	both := []string{"person", "email"}
	for _, c := range []struct {
		content string
		labels  any
		found   []string
		want    string
	}{
		{"Write to a.b@example.com!", []string{"email"}, nil, "Write to [MASKED]!"},
		{"Ann wrote to ann@example.com.", both, []string{"Ann"}, "[MASKED] wrote to [MASKED]."},
		// All places, but not within words; \x00 and broken UTF-8 stay.
		{"Ann, Anna and\tAnn\r\n(Ann)\x00\xff Ann's", both, []string{"Ann"}, "[MASKED], Anna and\t[MASKED]\r\n([MASKED])\x00\xff [MASKED]'s"},
		// Overlapping finds are one; a line end within a name.
		{"Dr Ann Lee\nSmith left.", both, []string{"Ann Lee Smith", "Lee", "Dr Ann"}, "[MASKED] left."},
		// What a model says that found nothing.
		{"I saw the a b.", both, []string{"I", "the", ".", "", " "}, "I saw the a b."},
		// Scripts without spaces, from right to left, and emoji.
		{"山田太郎さん 👩‍👩‍👧 שלום דנה!", both, []string{"山田太郎", "דנה"}, "[MASKED]さん 👩‍👩‍👧 שלום [MASKED]!"},
		{"Nothing here.", both, nil, "Nothing here."},
		{"Call 212-555-0143 now", `{"phone": "the customer's"}`, nil, "Call [MASKED] now"},
	} {
		m := finding("person", c.found...)
		a := eval(t, mask, m.source, Row{c.content, c.labels})[0]
		if a.Err != nil || a.Value != c.want {
			t.Errorf("%q: %+v, want %q", c.content, a, c.want)
		}
		if asked := len(m.asked) > 0; asked != strings.Contains(jsonText(c.labels), "person") {
			t.Errorf("%q: the model is asked: %v", c.content, asked)
		}
	}
	// Patterns alone need no model.
	if a := eval(t, mask, closed, Row{"a.b@example.com", []string{"email"}})[0]; a.Value != "[MASKED]" {
		t.Errorf("%+v", a)
	}
}

func TestMaskLongTexts(t *testing.T) {
	long := strings.Repeat("Some words that say nothing. ", 200) + "Ann left.\n" + strings.Repeat("And more of them. ", 200)
	m := finding("person", "Ann")
	a := eval(t, mask, m.source, Row{long, []string{"person"}})[0]
	if a.Err != nil || a.Value != strings.Replace(long, "Ann", "[MASKED]", 1) || len(m.asked) < 50 {
		t.Errorf("%d requests, %v", len(m.asked), a.Err)
	}
	// Half a masked text is never given.
	m.reply = func(r llm.Request) llm.Result {
		if strings.Contains(r.Constraint.(llm.JSON).Source, "Ann") {
			return llm.Result{Err: llm.ErrTooLong}
		}
		return llm.Result{Text: `{"person": []}`}
	}
	if a := eval(t, mask, m.source, Row{long, []string{"person"}})[0]; a.Value != nil || a.Err == nil || !strings.Contains(a.Err.Error(), "part ") {
		t.Errorf("%v", a.Err)
	}
	m.reply = func(llm.Request) llm.Result { return llm.Result{Text: "Ann"} }
	if a := eval(t, mask, m.source, Row{"Ann", []string{"person"}})[0]; a.Value != nil || a.Err == nil {
		t.Errorf("no JSON: %+v", a)
	}
}
