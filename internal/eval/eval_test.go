package eval

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/sensitive"
)

func lookup(t *testing.T, name string) *ai.Function {
	t.Helper()
	f, err := ai.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// labelledRows makes rows of pairs of input and label; "" is NULL.
func labelledRows(pairs ...string) []Row {
	var rows []Row
	for i := 0; i < len(pairs); i += 2 {
		row := Row{Number: i/2 + 1}
		if pairs[i] != "" {
			row.Input = &pairs[i]
		}
		if pairs[i+1] != "" {
			row.Label = &pairs[i+1]
		}
		rows = append(rows, row)
	}
	return rows
}

// upper answers each input with itself in capitals, fails for "bad", and counts its
// calls of each function.
type upper struct {
	calls map[string]int
	asked []string
}

func (u *upper) Ask(_ context.Context, f *ai.Function, columns [][]*string, _ *ai.Binding, step func(int)) ([]any, []error, error) {
	u.calls[f.Name]++
	inputs := columns[0]
	values, failures := make([]any, len(inputs)), make([]error, len(inputs))
	for i, in := range inputs {
		if in == nil {
			continue
		}
		u.asked = append(u.asked, *in)
		if values[i] = strings.ToUpper(*in); *in == "bad" {
			values[i], failures[i] = nil, errors.New("too long")
		}
		step(i + 1)
	}
	return values, failures, nil
}

func (*upper) Model() string { return "upper" }

func silent(string, int) (func(int), func()) { return func(int) {}, func() {} }

func TestEvaluation(t *testing.T) {
	e, err := New(Options{Function: lookup(t, "ai_fix_grammar"), Plain: true, Prompt: "Shout {content}: {labels}", OtherModel: "big", Worst: 5, Data: "rows"},
		labelledRows("a b", "A B", "bad", "x", "", "NULL", "c", "d", "left out", ""))
	if err != nil {
		t.Fatal(err)
	}
	u := &upper{calls: map[string]int{}}
	for _, other := range []bool{false, true} {
		if len(e.Asks(other)) == 0 {
			t.Errorf("no model is needed (%v)", other)
		}
		if err := e.Ask(t.Context(), u, other, silent); err != nil {
			t.Fatal(err)
		}
	}
	if u.calls["ai_fix_grammar"] != 2 || u.calls["ai_gen"] != 2 {
		t.Errorf("calls: %v", u.calls)
	}
	if got := strings.Join(u.asked, "|"); !strings.Contains(got, "Shout a b: ") || !strings.Contains(got, "corrected text only.\n\na b") {
		t.Errorf("asked %s", got)
	}
	e.Measure()
	var text strings.Builder
	if err := e.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"ai_fix_grammar on rows", "rows with a label: 4", "rows without a label, left out: 1", "upper; 2 answers, 2 rows without an answer",
		"exact match", "0.250", "(A) against plain prompt (B)", "(A) against own prompt (B)", "against ai_fix_grammar by big (B)",
		"3 of 4 answers are wrong; the 3 worst:", "row 2: bad", "answer: (too long)", "row 3: (NULL)",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing in\n%s", want, text.String())
		}
	}
	var page strings.Builder
	if err := e.Page().Write(&page); err != nil || !strings.Contains(page.String(), "ai_fix_grammar by big") {
		t.Errorf("the page: %v", err)
	}
}

// Answers of ai_gen are read as those to plain prompts: a label in any case, and among other words.
func TestLabelsOfGen(t *testing.T) {
	e, err := New(Options{Function: lookup(t, "ai_gen"), Kind: LabelKind}, labelledRows("it is good", "good", "bad", "poor", "Poor.", "poor", "both", "good"))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Ask(t.Context(), &upper{calls: map[string]int{}}, false, silent); err != nil {
		t.Fatal(err)
	}
	e.Measure()
	var text strings.Builder
	if err := e.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if want := "accuracy    0.500"; !strings.Contains(text.String(), want) || !strings.Contains(text.String(), "2 answers, 2 rows without an answer") {
		t.Errorf("want %q in\n%s", want, text.String())
	}
	spans := Task{Kind: ExtractKind}.ReadPlain(`Sure: {"who": "Ann", "more": {"x": "y"}}`, "Ann")
	if len(spans.Spans) != 1 || spans.Spans[0].Label != "who" {
		t.Errorf("without labels: %+v", spans)
	}
}

// half answers half of the number that the first text is, and nothing if there is no second.
type half struct{ upper }

func (half) Ask(_ context.Context, _ *ai.Function, columns [][]*string, _ *ai.Binding, _ func(int)) ([]any, []error, error) {
	values, failures := make([]any, len(columns[0])), make([]error, len(columns[0]))
	for i, second := range columns[1] {
		if second == nil {
			continue
		}
		v, err := strconv.ParseFloat(*columns[0][i], 64)
		values[i], failures[i] = v/2, err
	}
	return values, failures, nil
}

func TestScores(t *testing.T) {
	rows := labelledRows("1", "10", "2", "9", "4", "12", "3", "11", "0", "8.5")
	for i := range rows {
		rows[i].Second = new("x")
	}
	rows[4].Second = nil
	e, err := New(Options{Function: lookup(t, "ai_similarity")}, rows)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Ask(t.Context(), &half{}, false, silent); err != nil {
		t.Fatal(err)
	}
	e.Measure()
	var text strings.Builder
	if err := e.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"4 answers, 1 rows without an answer", "Spearman", "0.900", "Pearson", "1 of 5 answers are wrong"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing in\n%s", want, text.String())
		}
	}
	rows[0].Label = new("ten")
	if _, err := New(Options{Function: lookup(t, "ai_similarity")}, rows); err == nil || !strings.Contains(err.Error(), "row 1: the label: ") || !strings.Contains(err.Error(), "is not a number") {
		t.Error(err)
	}
}

func TestNewErrors(t *testing.T) {
	moods := labelledRows("a", "positive", "b", "angry")
	for _, c := range []struct {
		o    Options
		rows []Row
		want string
	}{
		{Options{Function: lookup(t, "ai_gen")}, labelledRows("a", "", "b", " "), "none of the 2 rows has a label"},
		{Options{Function: lookup(t, "ai_gen"), Arguments: "[1]"}, moods, "the arguments of the function"},
		{Options{Function: lookup(t, "ai_gen"), Arguments: `{"x": 1}`}, moods, "ai_gen: it has no parameter x"},
		{Options{Function: lookup(t, "ai_translate")}, moods, "ai_translate: the argument to_lang is missing"},
		{Options{Function: lookup(t, "ai_summarize"), Arguments: `{"max_words": "x"}`}, moods, "the argument max_words is STRING, but must be INT"},
		{Options{Function: lookup(t, "ai_classify"), Arguments: `{"labels": ["a", "a"]}`}, moods, `label "a" occurs twice`},
		{Options{Function: lookup(t, "ai_analyze_sentiment")}, moods, `row 2: ai_analyze_sentiment does not return the label "angry", only "positive, negative, neutral, mixed"`},
		{Options{Function: lookup(t, "ai_classify"), Arguments: `{"labels": ["positive"]}`}, moods, `does not return the label "angry", only "positive"`},
		{Options{Function: lookup(t, "ai_extract"), Arguments: `{"labels": ["x"]}`}, labelledRows("a", "[1]"), "row 1: the label: write spans as JSON"},
		{Options{Function: lookup(t, "ai_count_tokens")}, moods, "ai_count_tokens has no default figures"},
	} {
		if _, err := New(c.o, c.rows); err == nil || !strings.Contains(sensitive.Shown(err), c.want) {
			t.Errorf("%s %s: %v, want %s", c.o.Function.Name, c.o.Arguments, sensitive.Shown(err), c.want)
		}
	}
	_, err := New(Options{Function: lookup(t, "ai_analyze_sentiment")}, moods)
	var label *LabelError
	if !errors.As(err, &label) || label.Row != 2 || label.Label != "angry" || strings.Contains(err.Error(), "angry") {
		t.Errorf("got %v", err)
	}
}

func TestLabels(t *testing.T) {
	rows := labelledRows("x", "1", "y", "b", "z", "")
	for _, c := range []struct {
		arguments, labels, function string
	}{
		{"", "a,b", "ai_classify_score"},
		{`{"labels": ["b", "a", "c"]}`, "b,a,c", "ai_classify_score"},
		{`{"labels": {"b": "about b", "a": ""}}`, "b,a", "ai_classify_score"},
		{`{"options": "{\"multilabel\": true}"}`, "a,b", "ai_classify"},
	} {
		e, err := New(Options{Function: lookup(t, "ai_classify"), Arguments: c.arguments, Renamed: map[string]string{"1": "a"}}, rows)
		if err != nil {
			t.Errorf("%s: %v", c.arguments, err)
			continue
		}
		if got := strings.Join(e.task.Labels, ","); got != c.labels || e.function.Name != c.function {
			t.Errorf("%s: labels %s of %s, want %s of %s", c.arguments, got, e.function.Name, c.labels, c.function)
		}
	}
}

func TestRulesNeedNoModel(t *testing.T) {
	e, err := New(Options{Function: lookup(t, "ai_mask"), Arguments: `{"labels": ["email"]}`, OtherModel: "big"}, labelledRows("a@b.org", "[MASKED]", "x", "[]"))
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Asks(false))+len(e.Asks(true)) > 0 {
		t.Error("a model is needed")
	}
	if err := e.Ask(t.Context(), &Local{}, false, silent); err != nil {
		t.Fatal(err)
	}
	if o := e.systems[0].outcomes; len(o) != 2 || len(o[0].Spans) != 1 || len(o[1].Spans) != 0 || e.systems[0].model != "rules, without a model" {
		t.Errorf("got %+v", e.systems[0])
	}
}

func TestDecoded(t *testing.T) {
	m := ai.Map{{Key: "a", Value: "x"}, {Key: "b", Value: nil}}
	tried := ai.Struct(ai.Field{Name: "result", Type: ai.StringMap}, ai.Field{Name: "error", Type: ai.String})
	got, _ := json.Marshal(decoded([]any{m, nil}, tried))
	if want := `{"error":null,"result":{"a":"x","b":null}}`; string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}
