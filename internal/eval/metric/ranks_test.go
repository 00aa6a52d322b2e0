package metric

import (
	"math"
	"testing"
)

// The expected values are those of SciPy 1.17.1's spearmanr and pearsonr.
func TestRanks(t *testing.T) {
	predicted := []float64{0.1, 0.4, 0.4, 0.35, 0.9, -0.2, 0.7}
	expected := []float64{1, 2.5, 3, 2.5, 5, 0, 2}
	got := Ranks(predicted, expected).Scores(Resampling{Seed: 1})
	for i, want := range []float64{0.7545454545454545, 0.8791691315939442} {
		if s := got[i]; math.Abs(s.Value-want) > 1e-12 || !(s.Low <= s.Value && s.Value <= s.High) || s.High > 1+1e-12 {
			t.Errorf("%+v; want %v", s, want)
		}
	}
	if s := Ranks([]float64{1, 2, 3}, []float64{30, 20, 10}).Scores(Resampling{})[0]; s.Value != -1 {
		t.Errorf("opposite orders: %+v", s)
	}
	if s := Ranks([]float64{1, 1, 1}, []float64{3, 2, 1}).Scores(Resampling{})[0]; !math.IsNaN(s.Value) {
		t.Errorf("equal numbers: %+v", s)
	}
	// A row without an answer has the lowest rank.
	missing := Ranks([]float64{math.NaN(), 0.5, 0.9}, []float64{0, 1, 2}).Scores(Resampling{})[0]
	if missing.Value != 1 {
		t.Errorf("without an answer: %+v", missing)
	}
	better := Compare(Ranks(expected, expected), Ranks(predicted, expected), Resampling{Seed: 1})
	if better[0].Name != "Spearman" || better[0].Difference.Value <= 0 {
		t.Errorf("%+v", better[0])
	}
}
