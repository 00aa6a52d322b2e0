package ai

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

func TestReadScale(t *testing.T) {
	for _, c := range []struct {
		criteria, criterion string
		levels              []level
		places              []float64
	}{
		{"how happy\n the writer is. ", "how happy the writer is", nil, nil},
		{"urgency; 3: now!; 1: it can wait; 2 = this week", "urgency", []level{{1, "it can wait"}, {2, "this week"}, {3, "now"}}, []float64{0, .5, 1}},
		{"0: bad\n10: good\n2.5: poor", "", []level{{0, "bad"}, {2.5, "poor"}, {10, "good"}}, []float64{0, .25, 1}},
		{"5: is a number", "5: is a number", nil, nil}, // one level is no rubric
		{"-1: against; 1: for", "", []level{{-1, "against"}, {1, "for"}}, []float64{0, 1}},
	} {
		s, err := readScale(c.criteria)
		if err != nil || s.criterion != c.criterion || !slices.Equal(s.levels, c.levels) {
			t.Errorf("%q: %+v, %v", c.criteria, s, err)
		} else if len(s.levels) > 0 && !slices.Equal(s.places(), c.places) {
			t.Errorf("%q: %v", c.criteria, s.places())
		}
	}
}

func TestPoles(t *testing.T) {
	for criterion, want := range map[string]string{
		"how satisfied the customer is":                   "the customer is not satisfied | the customer is very satisfied",
		"How well written it is":                          "it is not well written | it is very well written",
		"how similar the two sentences are in meaning":    "the two sentences are not similar in meaning | the two sentences are very similar in meaning",
		"how urgent is the request":                       "the request is not urgent | the request is very urgent",
		"how angry the people who write such letters are": "the people who write such letters are not angry | the people who write such letters are very angry",
		"how much the writer is in love":                  "",
		"relevance to travel":                             "",
		"the customer is satisfied":                       "",
	} {
		low, high, ok := poles(criterion)
		if got := low + " | " + high; ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q", criterion, got)
		}
	}
}

// How a model is asked depends on its size and on the criteria, as scoreQuestions says.
func TestScoreQuestions(t *testing.T) {
	const how, rubric = "how late it is", "the hour; 1: early; 2: late"
	examples := []Example{{"so slow", "0.9"}, {"so fast", "0"}}
	for _, c := range []struct {
		name     string
		m        *fake
		criteria string
		examples any
		first    string   // how the first prompt begins
		labels   []string // its first labels
		requests int      // for the row, without those for biases
	}{
		{"a small model", fakeOf(135e6, true), how, nil, "system: You say in a few words what is true", []string{"Statement: it is not late", "Statement: it is very late"}, 2},
		{"a topic", fakeOf(135e6, true), "relevance to time", nil, "system: You say in a few words what is true", []string{"Statement: it is about something else", "Statement: the person says hello"}, 1},
		{"a rubric", fakeOf(135e6, true), rubric, nil, "system: You say in a few words what is true", []string{"Statement: early", "Statement: late"}, 1},
		{"a small model with examples", fakeOf(135e6, true), how, examples, "system: You say in a few words what is true", []string{"Statement: it is not late", "Statement: it is very late"}, 3},
		{"a large model", fakeOf(15e8, true), how, nil, "system: You score a text by a criterion from 1 to 5.\n", []string{"Score: 1", "Score: 2"}, 1},
		{"a large model with a rubric", fakeOf(15e8, true), rubric, nil, "system: You score a text by a criterion from 1 to 2. 1: early. 2: late.\n", []string{"Score: 1", "Score: 2"}, 1},
		{"a server", &fake{}, how, examples, "Text: I never got", []string{" 1", " 2"}, 1},
	} {
		c.m.score = func(prompt, label string) float64 { return -1 }
		if a := eval(t, score, c.m.source, Row{"the text", c.criteria, nil, c.examples})[0]; a.Err != nil || math.Abs(a.Value.(float64)-.5) > .25 {
			t.Errorf("%s: %+v", c.name, a)
		}
		asked := 0
		for _, r := range c.m.requests {
			if about(rendered(r), "the text") {
				asked++
			}
		}
		first := c.m.requests[0]
		if labels := words(first); !strings.HasPrefix(rendered(first), c.first) || !slices.Equal(labels[:2], c.labels) || asked != c.requests {
			t.Errorf("%s: %d requests, the first %q with %q", c.name, asked, rendered(first), labels)
		}
	}
	server := &fake{score: func(string, string) float64 { return -1 }}
	eval(t, score, server.source, Row{"the text", how, nil, examples})
	if prompt := rendered(server.requests[0]); !strings.Contains(prompt, "Text: so slow\nCriterion: how late it is\nScore from 1 to 5: 5\n") || !strings.Contains(prompt, "Text: so fast\nCriterion: how late it is\nScore from 1 to 5: 1\n") {
		t.Errorf("the examples are not in %q", prompt)
	}
}

// The score is the expected value over the levels, after calibration.
func TestScoreValue(t *testing.T) {
	scores := func(m *fake, criteria string, options any) (late, early float64) {
		answers := eval(t, score, m.source, Row{"late", criteria, options}, Row{"early", criteria, options})
		return answers[0].Value.(float64), answers[1].Value.(float64)
	}
	large := fakeOf(15e8, true)
	large.score = func(prompt, label string) float64 {
		if about(prompt, "late") && strings.HasSuffix(label, "5") || about(prompt, "early") && strings.HasSuffix(label, "1") {
			return 0
		}
		return -1
	}
	// Of five numbers one is e times as probable as each other.
	want := (math.E + .75 + .5 + .25) / (math.E + 4)
	if late, early := scores(large, "how late it is", nil); math.Abs(late-want) > 1e-6 || math.Abs(early-(1-want)) > 1e-6 {
		t.Errorf("%g and %g, want %g and %g", late, early, want, 1-want)
	}
	small := fakeOf(135e6, true)
	small.score = func(prompt, label string) float64 {
		if about(prompt, "late") && strings.HasSuffix(label, "very late") {
			return 0
		}
		return -4
	}
	// The upper pole has 4 more than the lower one, and 4 more than other statements, less the margin.
	want = 1 / (1 + math.Exp(-(4+(4-statementMargin)/2)/scoreTemperature))
	if late, early := scores(small, "how late it is", nil); math.Abs(late-want) > 1e-6 || early >= .5 {
		t.Errorf("%g and %g, want %g", late, early, want)
	}
	if late, early := scores(small, "time", map[string]string{"low": "not late", "high": "very late"}); math.Abs(late-1/(1+math.Exp(-4))) > 1e-6 || math.Abs(early-.5) > 1e-6 {
		t.Errorf("between low and high: %g and %g", late, early)
	}
	// A server that does not score chooses a number.
	server := &fake{reply: func(r llm.Request) llm.Result { return llm.Result{Text: " 4"} }}
	if got := eval(t, score, server.source, Row{"late", "how late it is"})[0].Value.(float64); math.Abs(got-.75) > 1e-6 {
		t.Errorf("the chosen 4 of 5 gives %g", got)
	}
}

func TestScoreArguments(t *testing.T) {
	for _, c := range []struct {
		row  Row
		want string // the error; empty stands for NULL
	}{
		{Row{nil, "p"}, ""},
		{Row{" ", "p"}, ""},
		{Row{"x", nil}, ""},
		{Row{nil, " . "}, "argument criteria: they are blank"},
		{Row{"x", strings.Repeat("p", maxAboutBytes+1)}, "argument criteria: they have 4097 bytes; the limit is 4096"},
		{Row{"x", "1: a; 1: b"}, "argument criteria: the rubric has level 1 twice"},
		{Row{"x", "1: a; 2: a."}, "have the same description"},
		{Row{"x", "1: a; 2: !"}, "level 2 of the rubric has no description"},
		{Row{"x", strings.Join(slices.Collect(func(yield func(string) bool) {
			for i := range maxScoreLevels + 1 {
				if !yield(number(float64(i)) + ": level " + number(float64(i))) {
					return
				}
			}
		}), ";")}, "the rubric has 21 levels; the limit is 20"},
		{Row{"x", "p", map[string]string{"low": "a"}}, "argument options: give both low and high"},
		{Row{"x", "1: a; 2: b", map[string]string{"low": "a", "high": "b"}}, "for criteria without a rubric"},
		{Row{"x", "p", map[string]string{"low": "a", "high": "a"}}, "the same description"},
		{Row{"x", "p", map[string]string{"top": "2"}}, "there is no option"},
		{Row{"x", "p", nil, []Example{{"a", "2"}}}, "argument examples: the answer of example 1 is \"2\"; it must be a number from 0 to 1"},
	} {
		answers, err := score.Eval(t.Context(), closed, []Row{c.row})
		var wrong *ArgumentError
		switch {
		case c.want == "" && (err != nil || answers[0].Value != nil || answers[0].Err != nil):
			t.Errorf("%.60v: %+v, %v", c.row, answers, err)
		case c.want != "" && (!errors.As(err, &wrong) || !strings.Contains(sensitive.Shown(err), c.want)):
			t.Errorf("%.60v: %v, want %q", c.row, err, c.want)
		}
	}
}
