package ai

import (
	"encoding/json"
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
		{"Dr Ann Lee\nSmith left.", both, []string{"Ann Lee Smith"}, "Dr [MASKED] left."},
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
	if a := eval(t, mask, m.source, Row{"Ann left", []string{"person"}})[0]; a.Value != nil || a.Err == nil {
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
