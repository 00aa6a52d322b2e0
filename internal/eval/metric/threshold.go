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
	Rows, Right int     // of the answers that are counted
	Bound       float64 // lower bound of the figure
}

// Promise is what the share of right answers refers to.
type Promise uint8

const (
	// OfKept is the share among the answers that are kept: accuracy, or with the answers of one label, precision.
	OfKept Promise = iota
	// OfAll is the share among all answers, of which those that are not kept count as right: with the rows of
	// one label, recall.
	OfAll
)

// Shares of the rows at which sequences of tests begin, and the number of steps to all rows.
var sequenceStarts = []float64{0.125, 0.25, 0.5, 0.75}

const sequenceSteps = 40

// Goal is what Keep looks for.
type Goal struct {
	Target, Delta float64
	From          float64 // the smallest probability
}

// Keep returns the most answers, those of the highest probabilities, whose share of right answers is
// at least the target with probability 1-delta over samples of the rows. ok is false if there are none.
//
// It tests growing numbers of answers in a fixed order and stops at the first that fails, so that a
// sequence errs with its delta for all its tests (fixed-sequence testing, as in Learn then Test, Angelopoulos
// 2021). Each of four sequences, from an eighth, a quarter, a half and three quarters of the rows on, has a quarter of
// delta: an early error among few answers does not end the others.
func Keep(right []bool, probability []float64, of Promise, goal Goal) (best Kept, ok bool) {
	sameLength("probabilities", len(right), len(probability))
	order := make([]int, len(right))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(probability[b], probability[a]) })
	n := len(order)
	wrong := make([]int, n+1) // among the first
	for i, at := range order {
		if wrong[i+1] = wrong[i]; !right[at] {
			wrong[i+1]++
		}
	}
	each := goal.Delta / float64(len(sequenceStarts))
	rightOf := func(k int) (right, rows int) {
		if of == OfAll {
			return n - wrong[k], n
		}
		return k - wrong[k], k
	}
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
			if right, rows := rightOf(k); binomialTail(right, rows, goal.Target) > each {
				break
			}
			if k > best.Rows && probability[order[k-1]] >= goal.From {
				best, ok = Kept{Threshold: probability[order[k-1]], Rows: k, Right: k - wrong[k]}, true
			}
		}
	}
	if ok {
		right, rows := rightOf(best.Rows)
		best.Bound = LowerBound(right, rows, each)
	}
	return best, ok
}
