package ai

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

func TestExtract(t *testing.T) {
	m := &fake{score: func(_, label string) float64 {
		return map[string]float64{" Paris": -9, " none": -6}[label]
	}, reply: func(r llm.Request) llm.Result {
		c, ok := r.Constraint.(llm.JSON)
		source := c.Source
		switch {
		case !ok: // it is doubted
			return llm.Result{}
		case strings.Contains(source, "Paris"):
			return llm.Result{Text: `{"from": "Paris", "to": "Nice"}`}
		case strings.Contains(source, "Oslo"):
			return llm.Result{Text: ` {"from": "Oslo", "to": ""} `}
		case strings.Contains(source, "Rome"):
			return llm.Result{Text: `{"to": "Rome", "from": "Rome"}`}
		case strings.Contains(source, "invented"):
			return llm.Result{Text: `{"from": "Bergen", "to": ""}`}
		case strings.Contains(source, "broken"):
			return llm.Result{Text: `{"from": "brok`}
		case strings.Contains(source, "wanting"):
			return llm.Result{Text: `{"from": ""}`}
		}
		return llm.Result{}
	}}
	labels := []string{" from", "to"}
	answers := eval(t, extract, m.source, Row{"From Oslo\nto ?", labels}, Row{"it is invented", labels}, Row{"it is broken", labels}, Row{"is wanting", labels}, Row{"nothing", labels}, Row{"Paris is Nice", labels})
	if want := (Map{{"from", "Oslo"}, {"to", nil}}); !reflect.DeepEqual(answers[0].Value, want) || answers[0].Raw != `{"from": "Oslo", "to": ""}` {
		t.Errorf("%+v", answers[0])
	}
	for i, want := range []string{`"Bergen" does not occur in the text`, "invalid JSON", "not valid under the schema"} {
		if a := answers[i+1]; a.Value != nil || !errors.Is(a.Err, llm.ErrModel) || !strings.Contains(sensitive.Shown(a.Err), want) {
			t.Errorf("%+v, want an error with %q", a, want)
		}
	}
	if want := (Map{{"from", nil}, {"to", nil}}); !reflect.DeepEqual(answers[4].Value, want) {
		t.Errorf("%+v", answers[4])
	}
	// A value that is less likely than none is none.
	if want := (Map{{"from", nil}, {"to", "Nice"}}); !reflect.DeepEqual(answers[5].Value, want) {
		t.Errorf("%+v", answers[5])
	}
	r := m.requests[0]
	want := llm.JSON{Source: "From Oslo to ?", Schema: `{"type":"object","properties":{"from":{"type":"string"},"to":{"type":"string"}},"required":["from","to"],"additionalProperties":false}`}
	if r.Constraint != want || !strings.HasSuffix(rendered(r), "Find: from, to\nText: From Oslo to ?\n") {
		t.Errorf("asked %+v", r)
	}

	// A long text: what is found first, of all its parts.
	long := strings.Repeat("Many words. ", 100) + "From Oslo. " + strings.Repeat("Many words. ", 100) + "To Rome."
	for f, want := range map[*Function]any{extract: Map{{"from", "Oslo"}, {"to", "Rome"}}, extractJSON: `{"from": "Oslo", "to": "Rome"}`} {
		if a := eval(t, f, m.source, Row{long, labels})[0]; !reflect.DeepEqual(a.Value, want) || a.Err != nil || a.Cut {
			t.Errorf("%s: %+v", f.Name, a)
		}
	}
	// Values that need not be in the text.
	m.reply = func(llm.Request) llm.Result { return llm.Result{Text: `{"from": "Bergen", "to": ""}`} }
	a := eval(t, extract, m.source, Row{"invented", labels, `{"spans": "false", "instructions": "Trips."}`})[0]
	if r := m.requests[len(m.requests)-1]; a.Err != nil || r.Constraint.(llm.JSON).Source != "" || !strings.Contains(rendered(r), "Trips.\nFind: from, to") {
		t.Errorf("%+v, asked %+v", a, r)
	}
}

func TestExtractBySchema(t *testing.T) {
	schema := `{"type": "object", "properties": {"total": {"type": "number", "description": "in euros"}, "paid": {"type": "boolean"}, "by": {"type": "string"}}, "required": ["total"]}`
	m := &fake{reply: func(r llm.Request) llm.Result {
		if strings.Contains(rendered(r), "wrong") {
			return llm.Result{Text: `{"total": "seven"}`}
		}
		return llm.Result{Text: `{"by": "Ann", "total": 7.50}`}
	}}
	row := Row{"Ann: 7.50", schema}
	if a := eval(t, extractJSON, m.source, row)[0]; a.Value != `{"by": "Ann", "total": 7.50}` {
		t.Errorf("%+v", a)
	}
	if a := eval(t, extract, m.source, row)[0]; !reflect.DeepEqual(a.Value, Map{{"total", "7.50"}, {"paid", nil}, {"by", "Ann"}}) {
		t.Errorf("%+v", a)
	}
	if r := m.requests[0]; r.Constraint.(llm.JSON).Schema != schema || !strings.Contains(rendered(r), "Find: total (in euros), paid, by\n") {
		t.Errorf("asked %+v", r)
	}
	if a := eval(t, extractJSON, m.source, Row{"wrong", schema})[0]; a.Value != nil || !strings.Contains(a.Err.Error(), "not valid under the schema") {
		t.Errorf("%+v", a)
	}
	long := strings.Repeat("Many words. ", 100)
	if a := eval(t, extractJSON, m.source, Row{long, schema})[0]; !a.Cut || !strings.Contains(a.Note, "first 48 tokens") {
		t.Errorf("a long text: %+v", a)
	}
	for _, bad := range []string{`{"type": "object", "properties": 7}`, `{"type": "object", "$ref": "http://x/y"}`, `{"$schema": 1}`, `{"type": "object"`, `{"type": "object", "pattern": "("}`,
		`{"type": "object", "description": "` + strings.Repeat("x", maxSchemaBytes) + `"}`} {
		_, err := extractJSON.Eval(t.Context(), closed, []Row{{"x", bad}})
		var wrong *ArgumentError
		if !errors.As(err, &wrong) || wrong.Param != "labels" {
			t.Errorf("%.60s: %v", bad, err)
		}
	}
	if _, err := extract.Eval(t.Context(), closed, []Row{{"x", []string{"a"}, nil, []Example{{"a text", `{"b": 1}`}}}}); err == nil || !strings.Contains(err.Error(), "example 1") {
		t.Errorf("an example that is not valid: %v", err)
	}
}

// Exact rules and the tagger find the values of their labels, and the text model those of the others.
func TestExtractKnown(t *testing.T) {
	const text = "Ann\nLee (Ann Lee, ann@example.com) lives at 17 Elm Street, Oslo."
	for _, c := range []struct {
		f      *Function
		labels any
		want   any
	}{
		{extract, []string{"email"}, Map{{"email", "ann@example.com"}}},
		{extract, []string{"person", "city", "Email", "iban"}, Map{{"person", "Ann"}, {"city", "Oslo"}, {"Email", "ann@example.com"}, {"iban", nil}}},
		{extract, []string{"surname", "address", "passport"}, Map{{"surname", "Lee"}, {"address", "17 Elm Street, Oslo"}, {"passport", nil}}},
		{extractJSON, `["name", "country"]`, `{"name": "Ann", "country": ""}`},
	} {
		if a := eval(t, c.f, tagAndText(namesTagger(), nil), Row{text, c.labels})[0]; a.Err != nil || !reflect.DeepEqual(a.Value, c.want) {
			t.Errorf("%v: %+v, want %v", c.labels, a, c.want)
		}
	}
	if a := eval(t, extract, closed, Row{text, []string{"email", "phone"}})[0]; a.Err != nil || !reflect.DeepEqual(a.Value, Map{{"email", "ann@example.com"}, {"phone", nil}}) {
		t.Errorf("%+v", a)
	}

	m := &fake{reply: func(r llm.Request) llm.Result {
		if _, ok := r.Constraint.(llm.JSON); ok {
			if strings.Contains(r.Constraint.(llm.JSON).Schema, "person") {
				return llm.Result{Text: `{"person":"Lee"}`}
			}
			return llm.Result{Text: `{"street type":"Street"}`}
		}
		return llm.Result{Scores: []float64{0, 1}}
	}}
	a := eval(t, extract, tagAndText(namesTagger(), m), Row{text, []string{"person", "street type", "city"}})[0]
	if want := (Map{{"person", "Ann"}, {"street type", "Street"}, {"city", "Oslo"}}); a.Err != nil || !reflect.DeepEqual(a.Value, want) {
		t.Errorf("%+v", a)
	}
	// The text model finds what the user describes, and what the tagger does not have.
	for _, row := range []Row{
		{text, `{"person": "the customer"}`},
		{text, []string{"person"}, map[string]string{"instructions": "the customer"}},
		{text, []string{"person"}, nil, []Example{{"Bo left.", `{"person":"Bo"}`}}},
	} {
		if a := eval(t, extract, tagAndText(nil, m), row)[0]; a.Err != nil || !reflect.DeepEqual(a.Value, Map{{"person", "Lee"}}) {
			t.Errorf("%v: %+v", row, a)
		}
	}
	if a := eval(t, extract, tagAndText(&fakeTagger{labels: []string{"O"}}, m), Row{text, []string{"person"}})[0]; a.Err != nil || !reflect.DeepEqual(a.Value, Map{{"person", "Lee"}}) {
		t.Errorf("a tagger without persons: %+v", a)
	}
	tagger := namesTagger()
	tagger.err = llm.ErrTooLong
	if a := eval(t, extract, tagAndText(tagger, m), Row{text, []string{"person", "street type"}})[0]; a.Value != nil || !errors.Is(a.Err, llm.ErrTooLong) {
		t.Errorf("%+v", a)
	}
}
