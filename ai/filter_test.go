package ai

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// about reports whether a prompt asks about a text, as a line of its own.
func about(prompt, text string) bool { return strings.Contains(prompt+"\n", "Text: "+text+"\n") }

// How a model is asked depends on its size, as filterQuestions says.
func TestFilterQuestions(t *testing.T) {
	examples := []Example{{"so slow", "true"}, {"so fast", "false"}}
	for _, c := range []struct {
		name     string
		m        *fake
		examples any
		first    string   // how the first prompt begins
		labels   []string // its labels
		requests int      // for the row, without those for biases
	}{
		{"a small model", fakeOf(135e6, true), nil, "system: You say in a few words what is true of a text.", []string{"Statement: it is late", "Statement: it is about something else"}, 1},
		{"a small model with examples", fakeOf(135e6, true), examples, "system: You say in a few words what is true of a text.", []string{"Statement: it is late", "Statement: it is about something else"}, 2},
		{"a large model", fakeOf(15e8, true), nil, "system: You say whether a statement about a text is true.", []string{"Answer: yes", "Answer: no"}, 1},
		{"a large model with examples", fakeOf(15e8, true), examples, "system: You say whether a statement about a text is true.", []string{"Answer: yes", "Answer: no"}, 1},
		{"a server", &fake{}, nil, "Text: I never got", []string{" yes", " no"}, 1},
	} {
		c.m.score = func(prompt, label string) float64 { return -1 }
		if a := eval(t, filter, c.m.source, Row{"the text", " it is\nlate. ", nil, c.examples})[0]; a.Err != nil {
			t.Errorf("%s: %v", c.name, a.Err)
		}
		asked := 0
		for _, r := range c.m.requests {
			if about(rendered(r), "the text") {
				asked++
			}
		}
		first := c.m.requests[0]
		labels := words(first)
		if !strings.HasPrefix(rendered(first), c.first) || !slices.Equal(labels[:2], c.labels) || asked != c.requests {
			t.Errorf("%s: %d requests, the first %q with %q", c.name, asked, rendered(first), labels)
		}
	}
}

// The probability compares yes with no, or the statement with the mean of others,
// after calibration.
func TestFilterProbability(t *testing.T) {
	small := fakeOf(135e6, true)
	small.score = func(prompt, label string) float64 {
		switch {
		case about(prompt, "late") && label == "Statement: it is late":
			return -1
		case label == "Statement: it is late":
			return -9
		}
		return -5
	}
	large := fakeOf(15e8, true)
	large.score = func(prompt, label string) float64 {
		switch {
		case label == "Answer: no":
			return -3
		case about(prompt, "late"):
			return -1
		case about(prompt, "early"):
			return -5
		}
		return -4
	}
	for _, m := range []*fake{small, large} {
		p := map[string]float64{}
		for _, text := range []string{"late", "early"} {
			score := eval(t, filterScore, m.source, Row{text, "it is late"})[0]
			p[text] = score.Value.(float64)
			for threshold, want := range map[float64]bool{p[text]: true, p[text] + .01: false} {
				a := eval(t, filter, m.source, Row{text, "it is late", fmt.Sprintf(`{"threshold": %v}`, threshold)})[0]
				if a.Value != want || a.Raw != fmt.Sprintf(`{"true": %.4f}`, p[text]) {
					t.Errorf("%s at %g: %+v, want %t", text, threshold, a, want)
				}
			}
			if a := eval(t, filter, m.source, Row{text, "it is late"})[0]; a.Value != (p[text] >= .5) {
				t.Errorf("%s: %+v, but the probability is %g", text, a, p[text])
			}
		}
		if p["late"] <= .5 || p["early"] >= .5 {
			t.Errorf("the probabilities are %v", p)
		}
	}
	// A small model: 8 more than without content, less the margin, by the temperature.
	if got, want := eval(t, filterScore, small.source, Row{"late", "it is late"})[0].Value.(float64), 1/(1+math.Exp(-(8-statementMargin)/filterTemperature)); math.Abs(got-want) > 1e-6 {
		t.Errorf("the probability is %g, want %g", got, want)
	}
}

func TestFilterArguments(t *testing.T) {
	for _, c := range []struct {
		f    *Function
		row  Row
		want string // the error; empty stands for NULL
	}{
		{filter, Row{nil, "p"}, ""},
		{filter, Row{" ", "p"}, ""},
		{filter, Row{"x", nil}, ""},
		{filter, Row{"x", " . "}, "argument predicate: it is blank"},
		{filter, Row{nil, ""}, "argument predicate: it is blank"},
		{filter, Row{"x", strings.Repeat("p", maxAboutBytes+1)}, "argument predicate: it has 4097 bytes; the limit is 4096"},
		{filter, Row{"x", "p", map[string]string{"threshold": "2"}}, "argument options: threshold is \"2\"; it must be a number from 0 to 1"},
		{filter, Row{"x", "p", map[string]string{"threshold": "NaN"}}, "threshold"},
		{filter, Row{"x", "p", map[string]string{"labels": "2"}}, "there is no option"},
		{filter, Row{"x", "p", nil, []Example{{"a", "yes"}}}, "is not one of the labels"},
		{filterScore, Row{"x", "p", map[string]string{"threshold": "0.2"}}, "use ai_filter"},
	} {
		answers, err := c.f.Eval(t.Context(), closed, []Row{c.row})
		var wrong *ArgumentError
		switch {
		case c.want == "" && (err != nil || answers[0].Value != nil || answers[0].Err != nil):
			t.Errorf("%.60v: %+v, %v", c.row, answers, err)
		case c.want != "" && (!errors.As(err, &wrong) || !strings.Contains(sensitive.Shown(err), c.want)):
			t.Errorf("%.60v: %v, want %q", c.row, err, c.want)
		}
	}
}

// A large model chooses a sentiment from a list, with its bias.
func TestSentimentOfLargeModels(t *testing.T) {
	m := fakeOf(15e8, true)
	m.score = func(prompt, label string) float64 {
		if label == "Sentiment: mixed" {
			return -1 // after any text
		}
		return -2
	}
	if a := eval(t, analyzeSentiment, m.source, Row{"the text"})[0]; a.Value != "mixed" || len(m.requests) != 1+len(contentFree) {
		t.Errorf("%+v after %d requests", a, len(m.requests))
	}
	if r := m.requests[0]; r.Messages[0].Role != llm.System || !slices.Equal(words(r), []string{"Sentiment: positive", "Sentiment: negative", "Sentiment: neutral", "Sentiment: mixed"}) {
		t.Errorf("asked %+v", r)
	}
}
