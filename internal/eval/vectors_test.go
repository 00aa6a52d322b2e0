package eval

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/ai"
)

// corners answers the vector whose numbers are the runes of the text.
type corners struct{ upper }

func (corners) Ask(_ context.Context, _ *ai.Function, columns [][]*string, call *ai.Binding, _ func(int)) ([]any, []error, error) {
	if len(columns) != 1 || len(call.Varying()) != 1 {
		return nil, nil, errors.New("ai_embed has one text")
	}
	values := make([]any, len(columns[0]))
	for i, text := range columns[0] {
		if text == nil {
			continue
		}
		var v []float32
		for _, r := range *text {
			v = append(v, float32(r-'a'))
		}
		values[i] = v
	}
	return values, make([]error, len(values)), nil
}

func TestScoresOfVectors(t *testing.T) {
	rows := labelledRows("ba", "3", "ba", "2", "ba", "1", "ba", "0")
	for i, second := range []string{"ba", "cb", "bb", "ab"} { // cosines 1, .89, .71, 0
		rows[i].Second = new(second)
	}
	e, err := New(Options{Function: lookup(t, "ai_embed")}, rows)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Ask(t.Context(), &corners{}, false, silent); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{1, 2 / math.Sqrt(5), 1 / math.Sqrt(2), 0} {
		if got := e.systems[0].outcomes[i].Score; math.Abs(got-want) > 1e-9 {
			t.Errorf("row %d: %g, want %g", i+1, got, want)
		}
	}
	e.Measure()
	var text strings.Builder
	if err := e.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"4 answers, 0 rows without an answer", "Spearman", "1.000"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing in\n%s", want, text.String())
		}
	}
}

func TestSimilarities(t *testing.T) {
	failure := errors.New("no answer")
	tried := func(result any, failed any) any { return map[string]any{"result": result, "error": failed, "raw": nil} }
	values, failures := similarities(
		[]any{[]float32{1, 0}, nil, []any{1.0, 1.0}, nil, tried([]any{0.0, 2.0}, nil), tried(nil, "too long"), "text", []float64{0},
			[]float32{1, 1}, []float32{1}, []any{1.0}, []float32{1}, tried([]any{0.0, 1.0}, nil), tried([]any{1.0}, nil), []float64{1}, []float64{1}},
		[]error{nil, nil, nil, failure, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil})
	for i, c := range []struct {
		value any
		err   string
	}{
		{math.Sqrt(0.5), ""}, {nil, ""}, {nil, "2 and 1 numbers"}, {nil, "no answer"}, {1.0, ""}, {nil, "too long"}, {nil, "as a vector"}, {0.0, ""},
	} {
		got, isNumber := values[i].(float64)
		want, wanted := c.value.(float64)
		if isNumber != wanted || math.Abs(got-want) > 1e-9 {
			t.Errorf("row %d: %v, want %v", i, values[i], c.value)
		}
		if (failures[i] != nil) != (c.err != "") || failures[i] != nil && !strings.Contains(failures[i].Error(), c.err) {
			t.Errorf("row %d: %v, want %q", i, failures[i], c.err)
		}
	}
}
