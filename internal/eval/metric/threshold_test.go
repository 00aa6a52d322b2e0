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

// Over 200 samples, what is kept misses the target in at most delta of them. The true shares are known: the
// probabilities are uniform from 0.4 to 1, and an answer is right with a power of its probability, so that the model
// is too sure or not sure enough.
func TestKeep(t *testing.T) {
	const samples, rows, target, delta = 200, 1500, 0.9, 0.05
	for _, of := range []Promise{OfKept, OfAll} {
		for _, power := range []float64{0.5, 1, 2} {
			// The mean of p^power from t to 1, and one minus the wrong ones from t to 1 among all from 0.4 to 1.
			share := func(from float64) float64 {
				mean := (1 - math.Pow(from, power+1)) / (power + 1) / (1 - from)
				if of == OfAll {
					return 1 - (1-mean)*(1-from)/0.6
				}
				return mean
			}
			missed, found, kept := 0, 0, 0.0
			for sample := range samples {
				random := rand.New(rand.NewPCG(uint64(sample), 9))
				right, sure := make([]bool, rows), make([]float64, rows)
				for i := range right {
					sure[i] = 0.4 + 0.6*random.Float64()
					right[i] = random.Float64() < math.Pow(sure[i], power)
				}
				k, ok := Keep(right, sure, of, Goal{Target: target, Delta: delta})
				if !ok {
					continue
				}
				found++
				kept += float64(k.Rows) / rows
				if share(k.Threshold) < target {
					missed++
				}
			}
			t.Logf("promise %d, power %g: found in %d of %d samples, which keep %.2f of the rows; %d miss the target", of, power, found, samples, kept/float64(max(1, found)), missed)
			if float64(missed) > delta*samples {
				t.Errorf("promise %d, power %g: %d of %d samples miss the target", of, power, missed, samples)
			}
			if (power < 2 || of == OfAll) && found < samples/2 {
				t.Errorf("promise %d, power %g: a threshold is found in %d of %d samples only", of, power, found, samples)
			}
		}
	}
	if _, ok := Keep([]bool{true, true, true}, []float64{1, 1, 1}, OfKept, Goal{Target: 0.9, Delta: 0.05}); ok {
		t.Error("three rows keep a promise")
	}
	if _, ok := Keep(nil, nil, OfAll, Goal{Target: 0.9, Delta: 0.05}); ok {
		t.Error("no row keeps a promise")
	}
}
