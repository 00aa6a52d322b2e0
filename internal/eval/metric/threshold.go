package metric

import (
	"cmp"
	"math"
	"slices"
)

// LowerBound is the exact lower bound of Clopper and Pearson (1934) of the share of right answers: with
// probability 1-delta over samples of rows, the share is at least the bound.
func LowerBound(right, rows int, delta float64) float64 {
	if right == 0 {
		return 0
	}
	low, high := 0.0, float64(right)/float64(rows)
	for range 60 {
		p := (low + high) / 2
		if binomialTail(right, rows, p) < delta {
			low = p
		} else {
			high = p
		}
	}
	return low
}

// binomialTail is the probability of at least k successes in n trials.
func binomialTail(k, n int, p float64) float64 {
	sum := 0.0
	for i := k; i <= n; i++ {
		sum += math.Exp(logChoose(n, i) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return min(1, sum)
}

// Kept are the answers from a probability on.
type Kept struct {
	Threshold   float64
	Rows, Right int
	Bound       float64 // lower bound of the share of right answers
}

// Shares of the rows at which sequences of tests begin, and the number of steps to all rows.
var sequenceStarts = []float64{0.125, 0.25, 0.5, 0.75}

const sequenceSteps = 40

// KeepAccuracy returns the most answers, those of the highest probabilities, whose share of right answers is
// at least target with probability 1-delta over samples of the rows. ok is false if there are none.
//
// It tests growing numbers of answers in a fixed order and stops at the first that fails, so that a
// sequence errs with its delta for all its tests (fixed-sequence testing, as in Learn then Test, Angelopoulos
// 2021). Each of four sequences, from an eighth, a quarter, a half and three quarters of the rows on, has a quarter of
// delta: an early error among few answers does not end the others.
func KeepAccuracy(right []bool, probability []float64, target, delta float64) (best Kept, ok bool) {
	sameLength("probabilities", len(right), len(probability))
	order := make([]int, len(right))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(probability[b], probability[a]) })
	n := len(order)
	counts := make([]int, n+1) // right answers among the first
	for i, at := range order {
		if counts[i+1] = counts[i]; right[at] {
			counts[i+1]++
		}
	}
	each := delta / float64(len(sequenceStarts))
	for _, start := range sequenceStarts {
		for rows := start * float64(n); rows < float64(n)+0.5; rows += max(1, float64(n)/sequenceSteps) {
			k := min(n, int(math.Ceil(rows)))
			for k > 0 && k < n && probability[order[k]] == probability[order[k-1]] {
				k++ // equal probabilities are kept together
			}
			if k == 0 {
				continue
			}
			// The bound is at least the target.
			if binomialTail(counts[k], k, target) > each {
				break
			}
			if k > best.Rows {
				best, ok = Kept{Threshold: probability[order[k-1]], Rows: k, Right: counts[k]}, true
			}
		}
	}
	if ok {
		best.Bound = LowerBound(best.Right, best.Rows, each)
	}
	return best, ok
}
