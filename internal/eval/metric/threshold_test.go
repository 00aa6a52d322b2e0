package metric

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestLowerBound(t *testing.T) {
	// scipy.stats.binomtest(k, n).proportion_ci(0.9, 'exact').low, a bound with delta 0.05.
	for _, c := range []struct {
		right, rows int
		want        float64
	}{{59, 59, 0.950494}, {95, 100, 0.897747}, {0, 10, 0}, {450, 500, 0.874966}} {
		if got := LowerBound(c.right, c.rows, 0.05); math.Abs(got-c.want) > 2e-4 {
			t.Errorf("%d of %d: %g, want %g", c.right, c.rows, got, c.want)
		}
	}
}

// Over 200 samples, the accuracy of what is kept misses the target in at most delta of them. The true
// accuracy is known: the probabilities are uniform from 0.4 to 1, and an answer is right with a power of its
// probability, so that the model is too sure or not sure enough.
func TestKeepAccuracy(t *testing.T) {
	const samples, rows, target, delta = 200, 1500, 0.9, 0.05
	for _, power := range []float64{0.5, 1, 2} {
		// The mean of p^power from t to 1.
		accuracy := func(from float64) float64 {
			return (1 - math.Pow(from, power+1)) / (power + 1) / (1 - from)
		}
		missed, found, kept := 0, 0, 0.0
		for sample := range samples {
			random := rand.New(rand.NewPCG(uint64(sample), 9))
			right, sure := make([]bool, rows), make([]float64, rows)
			for i := range right {
				sure[i] = 0.4 + 0.6*random.Float64()
				right[i] = random.Float64() < math.Pow(sure[i], power)
			}
			k, ok := KeepAccuracy(right, sure, target, delta)
			if !ok {
				continue
			}
			found++
			kept += float64(k.Rows) / rows
			if accuracy(k.Threshold) < target {
				missed++
			}
		}
		t.Logf("power %g: found in %d of %d samples, which keep %.2f of the rows; %d miss the target", power, found, samples, kept/float64(max(1, found)), missed)
		if float64(missed) > delta*samples {
			t.Errorf("power %g: %d of %d samples miss the target", power, missed, samples)
		}
		if power < 2 && found < samples/2 {
			t.Errorf("power %g: a threshold is found in %d of %d samples only", power, found, samples)
		}
	}
	if _, ok := KeepAccuracy([]bool{true, true, true}, []float64{1, 1, 1}, 0.9, 0.05); ok {
		t.Error("three rows keep a promise")
	}
}
