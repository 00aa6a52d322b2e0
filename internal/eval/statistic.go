// Package eval measures how good predictions are: of labels, of texts and of
// spans, each figure with a bootstrap interval, and two systems against each
// other by paired tests. It is arithmetic: it knows no model and no table.
//
// All figures lie between 0 and 1, also those that others write times 100
// (ROUGE, chrF).
package eval

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// term is one addend of a row to a sum.
type term struct {
	sum   int
	value float64
}

// Statistics holds figures that follow from sums over rows, so that any choice
// of rows has its figures too.
type Statistics struct {
	names  []string // of the figures
	sums   int
	rows   [][]term
	figure func(sums, out []float64) // out[i] is of names[i]; NaN: undefined
	// exact says that the first figure is a share of right rows, which has an
	// exact paired test.
	exact bool
}

// Score is a figure with the interval that resampling gives it.
type Score struct {
	Name             string
	Value, Low, High float64 // NaN where undefined
}

// Resampling says how intervals and tests are drawn. The same seed gives the
// same ones.
type Resampling struct {
	Seed    uint64
	Samples int     // 0 takes 1,000
	Level   float64 // of the intervals; 0 takes 0.95
}

func (r Resampling) samples() int {
	if r.Samples == 0 {
		return 1000
	}
	return r.Samples
}

// interval gives the bootstrap's percentile interval of values, and sorts them.
// Undefined values are left out.
func (r Resampling) interval(values []float64) (low, high float64) {
	level := r.Level
	if level == 0 {
		level = 0.95
	}
	values = slices.DeleteFunc(values, math.IsNaN)
	slices.Sort(values)
	return quantile(values, (1-level)/2), quantile(values, (1+level)/2)
}

// quantile interpolates linearly between the sorted values (type 7 of Hyndman
// and Fan 1996, as NumPy and R have it).
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

// source gives the resampling's random numbers, always from their beginning.
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

// drawn gives each figure's value in each sample. Statistics of as many rows
// get the same samples, which pairs them.
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

// Scores gives all figures with their percentile intervals (Efron 1979): rows
// are drawn with replacement, as many as there are.
func (s *Statistics) Scores(r Resampling) []Score {
	scores := make([]Score, len(s.names))
	drawn := s.drawn(r)
	for i, v := range s.values() {
		scores[i] = Score{Name: s.names[i], Value: v}
		scores[i].Low, scores[i].High = r.interval(drawn[i])
	}
	return scores
}

// ratio is a/b, and undefined for 0/0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

// f1 is the harmonic mean of precision and recall from counts; undefined where
// there is nothing to find and nothing was found.
func f1(right, found, wanted float64) float64 { return ratio(2*right, found+wanted) }

func sameLength(what string, a, b int) {
	if a != b {
		panic(fmt.Sprintf("eval: %d rows, but %d %s", a, b, what))
	}
}
