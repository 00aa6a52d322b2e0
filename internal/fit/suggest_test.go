package fit

import (
	"testing"

	"github.com/firesteel/firesteel/internal/head"
	"github.com/firesteel/firesteel/llm"
)

func TestSuggest(t *testing.T) {
	h := &head.Head{Description: head.Description{Predicts: llm.PredictsLabel, Labels: []string{"x", "y"}, Temperature: 0.1, Threshold: 0.5, Embedder: head.Embedder{Dimensions: 2}},
		Weights: []float32{1, 0, 0, 1}, Bias: []float32{0, 0}}
	rows := []Row{{Number: 1, Vector: []float32{1, 0}}, {Number: 2, Vector: []float32{0.72, 0.69}}, {Number: 3, Vector: []float32{0.7, 0.71}}, {Number: 4, Vector: []float32{0.3, 0.95}}}
	numbers := func(all []Suggestion) (n []int) {
		for _, s := range all {
			n = append(n, s.Row.Number)
		}
		return n
	}
	// Rows 2 and 3 are alike, so the first two are one of them and the next doubtful one.
	if got := numbers(Suggest(h, rows, 2)); len(got) != 2 || got[0] != 3 || got[1] != 4 {
		t.Errorf("%v", got)
	}
	if got := numbers(Suggest(h, rows, 9)); len(got) != 4 || got[3] != 2 {
		t.Errorf("%v: a similar row comes after the others", got)
	}
	h.Predicts = llm.PredictsLabels
	if got := Suggest(h, rows[:1], 5); len(got) != 1 || got[0].Label != "x" {
		t.Errorf("%v", got)
	}
}
