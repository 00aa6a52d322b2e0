package ai

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// aspectsModel likes the food and dislikes the waiter of the text "dinner", and is undecided
// about the wine. Its sentiment of a text is that of its first word.
func aspectsModel() *fake {
	m := fakeOf(135e6, true)
	m.score = func(prompt, word string) float64 {
		says := func(words ...string) bool {
			for _, w := range words {
				if strings.HasSuffix(word, w) {
					return true
				}
			}
			return false
		}
		good, bad := says("good", "great", "excellent"), says("bad", "poor", "terrible")
		switch {
		case !strings.Contains(prompt, "dinner"):
			return -8
		case strings.Contains(word, "the food: ") && good, strings.Contains(word, "the waiter: ") && bad, strings.Contains(word, "the wine: "):
			return -1
		case strings.Contains(word, "the food: "), strings.Contains(word, "the waiter: "):
			return -3
		case strings.HasPrefix(word, " the "):
			return -8
		case says("neutral"):
			return map[bool]float64{true: 4, false: -8}[strings.Contains(prompt, "plain dinner")]
		}
		return map[bool]float64{true: -2, false: -4}[good]
	}
	return m
}

func TestAspects(t *testing.T) {
	m := aspectsModel()
	aspects := []string{"food", "waiter", "price", "wine"}
	rows := eval(t, analyzeAspects, m.source, Row{"the dinner", aspects}, Row{"a plain dinner", aspects}, Row{nil, aspects}, Row{" ", aspects}, Row{"x", nil})
	want := Map{{"overall", "positive"}, {"food", "positive"}, {"waiter", "negative"}, {"price", "unknown"}, {"wine", "mixed"}}
	if !reflect.DeepEqual(rows[0].Value, want) {
		t.Errorf("%+v", rows[0])
	}
	want[0].Value, want[4].Value = "neutral", "neutral"
	if !reflect.DeepEqual(rows[1].Value, want) {
		t.Errorf("%+v", rows[1])
	}
	for _, a := range rows[2:] {
		if a != (Answer{}) {
			t.Errorf("%+v, want NULL", a)
		}
	}
	asked := 0
	for _, r := range m.requests {
		if strings.Contains(rendered(r), "the dinner") && strings.HasSuffix(rendered(r), "In short,") {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("the text is read %d times for its aspects", asked)
	}
	// An aspect alone, and with words of its own, has the same answer.
	one := eval(t, analyzeAspects, m.source, Row{"the dinner", `{"svc": "the waiter"}`})[0]
	if !reflect.DeepEqual(one.Value, Map{{"overall", "positive"}, {"svc", "negative"}}) {
		t.Errorf("%+v", one)
	}
	plain := eval(t, analyzeSentiment, m.source, Row{"the dinner"})[0]
	if plain.Value != "positive" {
		t.Errorf("overall differs from %v", plain.Value)
	}
}

func TestAspectsErrors(t *testing.T) {
	for _, c := range []struct {
		aspects any
		want    string
	}{
		{[]string{}, "the list of labels is empty"},
		{[]string{"food", "overall"}, `argument aspects: "overall" is the key of the whole text`},
		{[]string{"food", "food "}, "occurs twice"},
		{strings.Split(strings.Repeat("a,", 21), ","), "22 labels are given, but at most 20"},
	} {
		_, err := analyzeAspects.Eval(t.Context(), closed, []Row{{"x", c.aspects}})
		var wrong *ArgumentError
		if !errors.As(err, &wrong) || !strings.Contains(sensitive.Shown(err), c.want) {
			t.Errorf("%v: %v", c.aspects, err)
		}
	}
	server := &fake{reply: func(r llm.Request) llm.Result { return llm.Result{Text: words(r)[0]} }}
	if a := eval(t, analyzeAspects, server.source, Row{"x", []string{"food"}})[0]; !errors.Is(a.Err, llm.ErrModel) || !strings.Contains(a.Err.Error(), "no scores") {
		t.Errorf("a server that does not score: %+v", a)
	}
}

func TestSharesWord(t *testing.T) {
	for _, c := range []struct {
		words, text string
		want        bool
	}{
		{"battery", "The batteries are weak", true}, {"service of the waiters", "A rude waiter.", true}, {"price", "priceless", true},
		{"food", "Good foot", false}, {"tv", "the TV set", false}, {"camera", "Great screen", false}, {"", "x", false}, {"bed", "The bed", true}, {"bed", "bedroom", false},
	} {
		if got := sharesWord(c.words, c.text); got != c.want {
			t.Errorf("%q in %q: %t", c.words, c.text, got)
		}
	}
}

func TestClauseOf(t *testing.T) {
	for _, c := range []struct{ thing, text, want string }{
		{"waiter", "The soup was good, but the waiter was rude.", "the waiter was rude"},
		{"soup", "The soup was good but cold. I liked the soup! Cheap wine.", "The soup was good, I liked the soup"},
		{"price", "The soup was good, but the waiter was rude.", ""},
		{"soup", "The soup was good.", ""}, // all of the text
		{"soup", "", ""},
	} {
		if got := clauseOf(c.thing, c.text); got != c.want {
			t.Errorf("%s in %q: %q", c.thing, c.text, got)
		}
	}
}
