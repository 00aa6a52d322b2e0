package ai

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

// finding is a model that finds those values, and takes them for what label
// says and all others for words.
func finding(label string, values ...string) *fake {
	return &fake{reply: func(r llm.Request) llm.Result {
		c, ok := r.Constraint.(llm.JSON)
		if !ok {
			return llm.Result{}
		}
		found := []string{}
		for _, v := range values {
			if strings.Contains(c.Source, v) {
				found = append(found, v)
			}
		}
		text, _ := json.Marshal(map[string][]string{label: found})
		return llm.Result{Text: string(text)}
	}, score: func(prompt, word string) float64 {
		value := strings.TrimSuffix(prompt[strings.LastIndex(prompt, "\n")+2:], `" is a kind of:`)
		if is := slices.Contains(values, value); value != "" && is && word == " "+label || !is && word == " word" && !slices.Contains(contentFree, value) {
			return 1
		}
		return 0
	}}
}

// The text model finds the labels that the tagger does not have.
func TestMask(t *testing.T) {
	two := []string{"person", "email"}
	for _, c := range []struct {
		content string
		labels  any
		found   []string
		want    string
	}{
		{"Write to a.b@example.com!", []string{"email"}, nil, "Write to [MASKED]!"},
		{"Ann wrote to ann@example.com.", two, []string{"Ann"}, "[MASKED] wrote to [MASKED]."},
		// All places, but not within words; \x00 and broken UTF-8 stay.
		{"Ann, Anna and\tAnn\r\n(Ann)\x00\xff Ann's", two, []string{"Ann"}, "[MASKED], Anna and\t[MASKED]\r\n([MASKED])\x00\xff [MASKED]'s"},
		// Overlapping finds are one; a line end within a name.
		{"Dr Ann Lee\nSmith left.", two, []string{"Ann Lee Smith"}, "Dr [MASKED] left."},
		// What a model says that found nothing.
		{"I saw the a b.", two, []string{"I", "the", ".", "", " "}, "I saw the a b."},
		// Scripts without spaces, from right to left, and emoji.
		{"山田太郎さん 👩‍👩‍👧 שלום דנה!", two, []string{"山田太郎", "דנה"}, "[MASKED]さん 👩‍👩‍👧 שלום [MASKED]!"},
		{"Nothing here.", two, nil, "Nothing here."},
		{"Call 212-555-0143 now", `{"phone": "the customer's"}`, nil, "Call [MASKED] now"},
	} {
		m := finding("person", c.found...)
		a := eval(t, mask, tagAndText(&fakeTagger{labels: []string{"O", "B-ANIMAL"}}, m), Row{c.content, c.labels})[0]
		if a.Err != nil || a.Value != c.want {
			t.Errorf("%q: %+v, want %q", c.content, a, c.want)
		}
		for _, r := range m.requests {
			if _, generates := r.Constraint.(llm.JSON); generates && !hasCaseless(c.content) {
				t.Errorf("%q: names are to be found that capitals tell", c.content)
			}
		}
	}
	// Patterns alone need no model.
	if a := eval(t, mask, closed, Row{"a.b@example.com", []string{"email"}})[0]; a.Value != "[MASKED]" {
		t.Errorf("%+v", a)
	}
}

// namesTagger returns a tagger of private data.
func namesTagger() *fakeTagger {
	return &fakeTagger{
		labels: []string{"O", "B-GIVEN_NAME", "I-SURNAME", "B-CITY", "B-STREET_NAME", "B-BUILDING_NUMBER", "B-PASSPORT"},
		words: map[string]string{
			"Ann": "B-GIVEN_NAME", "ann": "B-GIVEN_NAME", "Lee": "I-SURNAME", "lee": "I-SURNAME", "Oslo": "B-CITY", "Elm": "B-STREET_NAME", "Street": "B-STREET_NAME",
			"17": "B-BUILDING_NUMBER", "X1234567": "B-PASSPORT", "example": "B-GIVEN_NAME",
		},
	}
}

// The tagger finds persons, places, addresses and ids; exact rules come first.
func TestMaskTagged(t *testing.T) {
	long := strings.Repeat("Some words that say nothing. ", 500)
	for _, c := range []struct {
		content string
		labels  any
		want    string
	}{
		{"Ann Lee of Oslo wrote.", []string{"person"}, "[MASKED] of Oslo wrote."},
		{"Ann Lee of Oslo wrote.", []string{"City", "last names"}, "Ann [MASKED] of [MASKED] wrote."},
		{"ann lee wrote from france.", []string{"name", "country"}, "[MASKED] wrote from [MASKED]."},
		{"Send it to 17 Elm Street,\nOslo, please.", `["postal address"]`, "Send it to [MASKED], please."},
		{"I live in Oslo.", []string{"address"}, "I live in Oslo."},
		{"My ZIP code is 11164.", []string{"address"}, "My ZIP code is [MASKED]."},
		// The tagger takes the host for a name.
		{"Ann: ann@example.com", []string{"person"}, "[MASKED]: ann@example.com"},
		{"Ann: ann@example.com", []string{"person", "email"}, "[MASKED]: [MASKED]"},
		{"The number X1234567 is on page 17.", []string{"passport"}, "The number [MASKED] is on page 17."},
		{long + "Ann\r\nLee\x00\xff", []string{"person"}, long + "[MASKED]\r\n[MASKED]\x00\xff"},
		{"Nothing here.", []string{"person", "place", "address", "id"}, "Nothing here."},
	} {
		if a := eval(t, mask, tagAndText(namesTagger(), nil), Row{c.content, c.labels})[0]; a.Err != nil || a.Value != c.want {
			t.Errorf("%q: %+v, want %q", c.content, a, c.want)
		}
	}

	// NULL and blank texts do not open a model, and one request answers all rows.
	tagger := namesTagger()
	answers := eval(t, mask, tagAndText(tagger, nil), Row{"Ann", []string{"person"}}, Row{nil, []string{"person"}}, Row{"  ", []string{"person"}}, Row{"x", []string{"person"}})
	if tagger.calls != 1 || answers[0].Value != "[MASKED]" || answers[1].Value != nil || answers[2].Value != "  " || answers[3].Value != "x" || answers[0].Raw != `"Ann": person` {
		t.Errorf("%d calls, %+v", tagger.calls, answers)
	}

	// The text model is asked for the other labels only.
	m := finding("organization", "Acme")
	a := eval(t, mask, tagAndText(namesTagger(), m), Row{"Ann Lee left Acme in Oslo.", []string{"person", "company"}})[0]
	if a.Value != "[MASKED] left [MASKED] in Oslo." {
		t.Errorf("%+v", a)
	}
	tagger = &fakeTagger{labels: []string{"O", "B-ORG"}, words: map[string]string{"Acme": "B-ORG"}}
	if a := eval(t, mask, tagAndText(tagger, nil), Row{"Ann left Acme.", []string{"company"}})[0]; a.Value != "Ann left [MASKED]." {
		t.Errorf("a tagger with organizations: %+v", a)
	}

	// A session without a tagger finds what the text model finds, but no other labels.
	none := func(_ context.Context, role llm.ModelRole, _ string) (llm.Model, error) {
		if role == llm.Tag {
			return nil, &llm.UnknownModelError{}
		}
		return m, nil
	}
	if a := eval(t, mask, none, Row{"Ann left Acme.", []string{"company"}})[0]; a.Value != "Ann left [MASKED]." {
		t.Errorf("no tagger: %+v", a)
	}
	if a := eval(t, extract, none, Row{"Ann left Acme.", []string{"company"}})[0]; a.Err == nil || errors.Is(a.Err, llm.ErrNoModel) {
		t.Errorf("no tagger: %+v", a) // the text model answers with no JSON of a map
	}
	for _, labels := range [][]string{{"person"}, {"company", "person"}, {"email", "address"}} {
		for _, f := range []*Function{mask, extract} {
			if _, err := f.Eval(t.Context(), none, []Row{{"Ann left Acme.", labels}}); !errors.Is(err, llm.ErrNoModel) {
				t.Errorf("%s without a tagger: %v", labels, err)
			}
		}
	}

	only := textModel{finding("person", "Ann")} // a session on Spark that has this model only
	if a := eval(t, mask, sourceOf(only), Row{"Ann left Acme.", []string{"person"}})[0]; a.Value != "[MASKED] left Acme." {
		t.Errorf("a text model only: %+v", a)
	}

	// A partly masked text is never returned.
	tagger = namesTagger()
	tagger.err = llm.ErrTooLong
	if a := eval(t, mask, tagAndText(tagger, m), Row{"Ann, a@example.com", []string{"person", "email", "company"}})[0]; a.Value != nil || !errors.Is(a.Err, llm.ErrTooLong) {
		t.Errorf("%+v", a)
	}
}

// Labels that are no kinds of names are searched for by the model.
func TestMaskOtherLabels(t *testing.T) {
	long := strings.Repeat("Some words that say nothing. ", 200) + "It is diabetes.\n" + strings.Repeat("And more of them. ", 200)
	m := finding("diagnosis", "diabetes")
	a := eval(t, mask, m.source, Row{long, []string{"diagnosis"}})[0]
	if a.Err != nil || a.Value != strings.Replace(long, "diabetes", "[MASKED]", 1) || len(m.requests) < 50 || !strings.Contains(a.Raw, `"diabetes": diagnosis`) {
		t.Errorf("%d requests, %v, %q", len(m.requests), a.Err, a.Raw)
	}
	// Half a masked text is never given.
	ordinary := m.reply
	m.reply = func(r llm.Request) llm.Result {
		if c, ok := r.Constraint.(llm.JSON); ok && strings.Contains(c.Source, "diabetes") {
			return llm.Result{Err: llm.ErrTooLong}
		}
		return ordinary(r)
	}
	if a := eval(t, mask, m.source, Row{long, []string{"diagnosis"}})[0]; a.Value != nil || a.Err == nil || !strings.Contains(a.Err.Error(), "part ") {
		t.Errorf("%v", a.Err)
	}
	m.reply = func(llm.Request) llm.Result { return llm.Result{Text: "diabetes"} }
	if a := eval(t, mask, m.source, Row{"diabetes", []string{"diagnosis"}})[0]; a.Value != nil || a.Err == nil {
		t.Errorf("no JSON: %+v", a)
	}
	m.reply = func(r llm.Request) llm.Result { return llm.Result{Err: llm.ErrTooLong} }
	if a := eval(t, mask, tagAndText(&fakeTagger{labels: []string{"O"}}, m), Row{"Ann left", []string{"person"}})[0]; a.Value != nil || a.Err == nil {
		t.Errorf("a name that cannot be asked about: %+v", a)
	}
}

func TestNames(t *testing.T) {
	for text, want := range map[string][]string{
		"Please ask Ludwig van Beethoven's aunt, Dr. O'Neil-Smith.": {"Ludwig van Beethoven", "O'Neil-Smith"},
		"I'd go. The end":             nil,
		"the Bank of England in Köln": {"Bank of England", "Köln"},
		"nothing":                     nil,
		"Call Ann Lee: Maria Lopez.":  {"Call Ann Lee", "Ann Lee", "Maria Lopez", "Lopez"},
		"A B1 C. A B1 C.":             {"B1 C. A B1 C"},
		"In New York. His":            {"New York"},
		"Dear Mrs. Clarke, St. Ives":  {"Clarke", "St. Ives"},
	} {
		if got := namesIn(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q", text, got)
		}
	}
	for value, want := range map[string]string{"Oslo": "b Oslo c", "x": "x"} {
		if got := excerpt("b Oslo c", value); got != want {
			t.Errorf("%q: %q", value, got)
		}
	}
	long := strings.Repeat("word ", 100) + "Oslo" + strings.Repeat(" word", 100)
	if got := excerpt(long, "Oslo"); len(got) > 210 || !strings.Contains(got, "word Oslo word") || strings.HasPrefix(got, "ord") {
		t.Errorf("%q", got)
	}
}
