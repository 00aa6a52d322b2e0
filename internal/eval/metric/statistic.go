// Package metric computes the quality of predicted labels, texts and spans: each
// figure with a bootstrap interval, and the difference of two systems with a
// paired test.
//
// All figures but correlations lie between 0 and 1, including ROUGE and chrF, which other programs
// multiply by 100.
package metric

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// term adds a value to one of the sums.
type term struct {
	sum   int
	value float64
}

// Statistics holds figures that are functions of sums over rows, so that they can
// be computed for any sample of the rows.
type Statistics struct {
	names  []string // of the figures
	sums   int
	rows   [][]term
	figure func(sums, out []float64) // out[i] belongs to names[i]; NaN if undefined
	// exact means that the first figure is the share of correct rows, which has
	// an exact paired test.
	exact bool
}

// Score is a figure with its bootstrap interval.
type Score struct {
	Name             string
	Value, Low, High float64 // NaN if undefined
}

// Resampling configures intervals and tests. Equal values of Resampling give
// equal results.
type Resampling struct {
	Seed    uint64
	Samples int     // 0 stands for 1,000
	Level   float64 // of the intervals; 0 stands for 0.95
}

func (r Resampling) samples() int {
	if r.Samples == 0 {
		return 1000
	}
	return r.Samples
}

// interval returns the percentile interval of values, without undefined ones. It
// sorts values.
func (r Resampling) interval(values []float64) (low, high float64) {
	level := r.Level
	if level == 0 {
		level = 0.95
	}
	values = slices.DeleteFunc(values, math.IsNaN)
	slices.Sort(values)
	return quantile(values, (1-level)/2), quantile(values, (1+level)/2)
}

// quantile interpolates linearly between sorted values (type 7 of Hyndman and
// Fan 1996, the default of NumPy and R).
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	below := int(at)
	if below+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[below] + (at-float64(below))*(sorted[below+1]-sorted[below])
}

// source returns the sequence of random numbers from its start.
func (r Resampling) source() *rand.Rand { return rand.New(rand.NewPCG(r.Seed, 0x66697265)) }

func (s *Statistics) add(sums []float64, row int) {
	for _, t := range s.rows[row] {
		sums[t.sum] += t.value
	}
}

func (s *Statistics) values() []float64 {
	sums, out := make([]float64, s.sums), make([]float64, len(s.names))
	for row := range s.rows {
		s.add(sums, row)
	}
	s.figure(sums, out)
	return out
}

// drawn returns the value of each figure in each sample. Statistics with the same
// number of rows get the same samples, so that their values are paired.
func (s *Statistics) drawn(r Resampling) [][]float64 {
	random := r.source()
	drawn := make([][]float64, len(s.names))
	sums, out := make([]float64, s.sums), make([]float64, len(s.names))
	for range r.samples() {
		clear(sums)
		for range s.rows {
			s.add(sums, random.IntN(len(s.rows)))
		}
		s.figure(sums, out)
		for i, v := range out {
			drawn[i] = append(drawn[i], v)
		}
	}
	return drawn
}

// Scores returns all figures with their percentile intervals (Efron 1979). A
// sample has as many rows as the data, drawn with replacement.
func (s *Statistics) Scores(r Resampling) []Score {
	scores := make([]Score, len(s.names))
	drawn := s.drawn(r)
	for i, v := range s.values() {
		scores[i] = Score{Name: s.names[i], Value: v}
		scores[i].Low, scores[i].High = r.interval(drawn[i])
	}
	return scores
}

// ratio is a/b, or NaN if b is 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

// f1 is the harmonic mean of precision and recall, or NaN if nothing was wanted
// and nothing found.
func f1(right, found, wanted float64) float64 { return ratio(2*right, found+wanted) }

func sameLength(what string, a, b int) {
	if a != b {
		panic(fmt.Sprintf("metric: %d rows, but %d %s", a, b, what))
	}
}
