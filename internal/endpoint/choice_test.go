package endpoint

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

// at returns a position whose likely tokens have these probabilities. The first
// token is the chosen one.
func at(pairs ...any) wirePosition {
	var p wirePosition
	for i := 0; i < len(pairs); i += 2 {
		p.Top = append(p.Top, wireLogprob{pairs[i].(string), math.Log(pairs[i+1].(float64))})
	}
	p.wireLogprob = p.Top[0]
	return p
}

func TestLabelScores(t *testing.T) {
	tests := []struct {
		name      string
		positions []wirePosition
		labels    []string
		chat      bool
		want      []float64 // probabilities; nil means no scores
	}{
		{"first tokens", []wirePosition{at("positive", .6, "negative", .3, "the", .1)}, []string{"positive", "negative"}, true, []float64{.6, .3}},
		{"pieces, capitals and spaces", []wirePosition{at("pos", .5, " pos", .1, "Neg", .2, "neg", .1)}, []string{"positive", "negative"}, true, []float64{.6, .3}},
		{"capitals tell labels apart", []wirePosition{at("A", .5, "a", .3)}, []string{"A", "a"}, true, []float64{.5, .3}},
		{"an unlikely label has the least", []wirePosition{at("a", .7, "x", .1)}, []string{"a", "b"}, true, []float64{.7, .1}},
		{"shared beginning", []wirePosition{at("pos", .8, "no", .1), at("sible", .9, "itive", .1)}, []string{"positive", "possible", "no"}, true, []float64{.08, .72, .1}},
		{"a label begins another", []wirePosition{at("good", .8, "bad", .2), at("\n", .7, " enough", .2)}, []string{"good", "good enough", "bad"}, true, []float64{.64, .16, .2}},
		{"ended after the label", []wirePosition{at("good", .8, "bad", .2)}, []string{"good", "good enough", "bad"}, true, []float64{.8, .2, .2}},
		{"white space first", []wirePosition{at("\n", .5, "a", .2), at("a", .5, "b", .5)}, []string{"a", "b"}, true, []float64{.45, .25}},
		{"a token that ends the label", []wirePosition{at("no.", .6, "not", .3, "yes", .1)}, []string{"no", "yes"}, true, []float64{.6, .1}},
		{"something else", []wirePosition{at("The", .995, "a", .001)}, []string{"a", "b"}, true, nil},
		{"plain, to the letter", []wirePosition{at(" a", .5, "a", .3, " b", .2)}, []string{" a", " b"}, false, []float64{.5, .2}},
		{"plain, unlikely", []wirePosition{at("The", .99, " b", .001)}, []string{" a", " b"}, false, []float64{.001, .001}},
		{"nothing", nil, []string{"a"}, true, nil},
	}
	for _, test := range tests {
		got := labelScores(test.positions, test.labels, test.chat)
		if (got == nil) != (test.want == nil) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
			continue
		}
		for i, w := range test.want {
			if math.Abs(math.Exp(got[i])-w) > 1e-9 {
				t.Errorf("%s: label %q has %.4f, want %.4f", test.name, test.labels[i], math.Exp(got[i]), w)
			}
		}
	}
}

func TestTelling(t *testing.T) {
	for _, test := range []struct {
		labels []string
		plain  bool
		want   int
	}{
		{[]string{"a", "b"}, true, 1}, {[]string{" yes", " no"}, true, 1}, {[]string{"a", "b"}, false, 2},
		{[]string{"good", "good enough"}, true, 3}, {[]string{"only"}, true, 1},
	} {
		if got := distinguishingTokens(test.labels, test.plain); got != test.want {
			t.Errorf("%q: %d tokens, want %d", test.labels, got, test.want)
		}
	}
}

// offering makes s support the given features and answer choices with "b".
func offering(s *server, logprobs, schema, object, completions bool) {
	s.serve = func(w http.ResponseWriter, a asked) {
		plain := len(a.body.Messages) == 0
		switch f := a.body.ResponseFormat; {
		case plain && !completions:
			refuse(w, 404, "no such path")
			return
		case a.body.Logprobs != nil && !logprobs:
			refuse(w, 400, "logprobs are not supported")
			return
		case f != nil && (f.Type == "json_schema" && !schema || f.Type == "json_object" && !object):
			refuse(w, 400, "this response_format is not supported")
			return
		}
		text := "B."
		if a.body.ResponseFormat != nil {
			text = `{"label": "b"}`
		}
		s.charge(a.text)
		var v map[string]any
		json.Unmarshal(body(a, text, 7, 1), &v)
		if a.body.Logprobs != nil {
			space := ""
			if plain {
				space = " "
			}
			top := []any{map[string]any{"token": space + "b", "logprob": -.5}, map[string]any{"token": space + "a", "logprob": -1.5}}
			v["choices"].([]any)[0].(map[string]any)["logprobs"] = map[string]any{"content": []any{map[string]any{"token": space + "b", "logprob": -.5, "top_logprobs": top}}}
		}
		json.NewEncoder(w).Encode(v)
	}
}

func TestChoiceByFeatures(t *testing.T) {
	labels := []string{"a", "b"}
	for _, test := range []struct {
		name                                  string
		logprobs, schema, object, completions bool
		scored                                bool
		requests                              int // probes included
	}{
		{"all", true, true, true, true, true, 2 + 2},
		{"schema", false, true, true, false, false, 2 + 1 + 2},
		{"words", false, false, false, false, false, 2 + 2 + 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			offering(s, test.logprobs, test.schema, test.object, test.completions)
			e := s.open(t, Options{})
			r := do(t, e,
				llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "a or b?"}}, Constraint: llm.Choice{Labels: labels}},
				llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "b or a?"}}, Constraint: llm.Choice{Labels: labels}})
			for _, r := range r {
				if r.Err != nil || r.Text != "b" || (r.Scores != nil) != test.scored {
					t.Errorf("%+v", r)
				}
			}
			if test.scored && (r[0].Scores[0] != -1.5 || r[0].Scores[1] != -.5) {
				t.Errorf("scores %v", r[0].Scores)
			}
			// If log probabilities are supported, one probe succeeds; otherwise
			// the probes for 20 and for 5 are refused.
			want := test.requests
			if test.scored {
				want = 1 + 2
			}
			if len(s.arrived) != want {
				t.Errorf("%d requests, want %d", len(s.arrived), want)
			}
			before := len(s.arrived)
			plain := do(t, e, llm.Request{Prefix: "Letters.\n", Text: "Letter:", Constraint: llm.Choice{Labels: []string{" a", " b"}}})[0]
			if plain.Err != nil || plain.Text != " b" || (plain.Scores != nil) != test.scored {
				t.Errorf("plain: %+v", plain)
			}
			if got := len(s.arrived) - before; got != 2 {
				t.Errorf("plain text took %d requests, want a probe and a request", got)
			}
		})
	}
}

func TestChoiceMistakes(t *testing.T) {
	s := newServer(t)
	e := s.open(t, Options{})
	for _, r := range []llm.Request{
		{}, {Text: "x", Constraint: llm.Choice{}}, {Text: "x", Constraint: llm.Choice{Labels: []string{"a", " "}}},
		{Text: "x", MaxTokens: -1}, {Text: "x", Constraint: llm.Pattern{Expr: "("}}, {Text: "x", Constraint: llm.Pattern{Expr: "a)|(b"}},
		{Text: "x", Constraint: llm.JSON{Schema: "{"}}, {Text: "x", Constraint: llm.JSON{Schema: `{"$ref":"https://elsewhere.example/s"}`}},
	} {
		if got := do(t, e, r)[0]; !errors.Is(got.Err, llm.ErrRequest) {
			t.Errorf("%+v: %v", r, got.Err)
		}
	}
	if len(s.arrived) > 0 {
		t.Errorf("%d requests were sent", len(s.arrived))
	}
}

func TestOneOf(t *testing.T) {
	o := oneOf{[]string{" yes", "no", "No way", "x", "X"}, []string{"yes", "no", "No way", "x", "X"}}
	for in, want := range map[string]string{
		"yes": " yes", " Yes.\n": " yes", `"no"`: "no", `{"label":"No way"}`: "No way", "**no**": "no", "X": "X", "x": "x",
		"maybe": "", "": "", "yes or no": "", `{"label":3}`: "", "x.": "",
	} {
		got, problem := o.check(in)
		if got != want || (problem == nil) != (want != "") {
			t.Errorf("%q is %q (%v), want %q", in, got, problem, want)
		}
	}
}

// TestReasks checks that the model is asked to correct an answer, a bounded
// number of times.
func TestReasks(t *testing.T) {
	s := newServer(t)
	s.serve = func(w http.ResponseWriter, a asked) {
		n := len(a.body.Messages)
		text := []string{"I think 12", "12 or so", "1234"}[n/2]
		if strings.Contains(a.body.Messages[0].Content, "never") {
			text = "no"
		}
		s.good(w, a, text)
	}
	e := s.open(t, Options{})
	ask := func(text string) llm.Result {
		return do(t, e, llm.Request{Messages: []llm.Message{{Role: llm.User, Text: text}}, Constraint: llm.Pattern{Expr: `\d{4}`}})[0]
	}
	r := ask("a number")
	if r.Err != nil || r.Text != "1234" || r.PromptTokens != 21 || e.Totals().Reasks != 2 {
		t.Errorf("%+v, %+v", r, e.Totals())
	}
	before := len(s.arrived)
	if r = ask("never"); !errors.Is(r.Err, llm.ErrModel) || r.Text != "" || len(s.arrived)-before != 3 {
		t.Errorf("%+v after %d requests", r, len(s.arrived)-before)
	}
}
