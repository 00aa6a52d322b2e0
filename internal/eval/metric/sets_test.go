package metric

import (
	"math"
	"testing"
)

func TestSets(t *testing.T) {
	// By hand: a: 2 right, 2 found, 2 wanted. b: 1 right, 1 found, 2 wanted. c: 0 right, 1 found, 1 wanted. x: found, no class.
	gold := [][]string{{"a", "b"}, {"a"}, {"b", "c"}, {}}
	predicted := [][]string{{"a", "b"}, {"a", "c"}, {}, {"x"}}
	want := map[string]float64{"micro-F1": 2 * 3.0 / (5 + 5), "macro-F1": (1 + 2.0/3 + 0) / 3, "exact match": 0.25, "precision of c": 0, "recall of b": 0.5}
	for _, s := range Sets(gold, predicted).Scores(Resampling{Seed: 1}) {
		if w, ok := want[s.Name]; ok && math.Abs(s.Value-w) > 1e-12 {
			t.Errorf("%s is %g, want %g", s.Name, s.Value, w)
		}
		delete(want, s.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestNumbers(t *testing.T) {
	s := Numbers([]float64{1, 2, 3, 6}, []float64{1, 3, 3, 4}).Scores(Resampling{Seed: 1})
	for i, want := range []float64{0.75, math.Sqrt(5.0 / 4), 1 - 5.0/14} {
		if math.Abs(s[i].Value-want) > 1e-12 || !(s[i].Low <= s[i].Value && s[i].Value <= s[i].High) {
			t.Errorf("%+v, want %g", s[i], want)
		}
	}
}
