package metric

import (
	"math"
	"slices"
)

// Comparison is a figure of two systems over the same rows.
type Comparison struct {
	Name string
	A, B float64
	// Difference is A - B with its interval. Both systems have the same samples.
	Difference Score
	// P is the two-sided p-value of the difference, or NaN if the difference is
	// undefined. It is not corrected for the number of figures.
	P    float64
	Test string // the test of P
}

// Compare tests two systems over the same rows. For a share of correct rows the
// test is the exact test of McNemar. For other figures it is approximate
// randomisation (Noreen 1989), which swaps the outcomes of a row with probability
// 1/2.
func Compare(a, b *Statistics, r Resampling) []Comparison {
	sameLength("in the other system", len(a.rows), len(b.rows))
	drawnA, drawnB := a.drawn(r), b.drawn(r)
	valuesA, valuesB := a.values(), b.values()
	var all []Comparison
	var pairs [][2]int // indexes of the figures that both have
	for i, name := range a.names {
		j := slices.Index(b.names, name)
		if j < 0 {
			continue
		}
		c := Comparison{Name: name, A: valuesA[i], B: valuesB[j], Test: "approximate randomisation"}
		differences := make([]float64, len(drawnA[i]))
		for k := range differences {
			differences[k] = drawnA[i][k] - drawnB[j][k]
		}
		c.Difference = Score{Name: name, Value: c.A - c.B}
		c.Difference.Low, c.Difference.High = r.interval(differences)
		all = append(all, c)
		pairs = append(pairs, [2]int{i, j})
	}
	for k, p := range randomised(a, b, pairs, all, r) {
		all[k].P = p
		if math.IsNaN(all[k].Difference.Value) {
			all[k].P = math.NaN()
		}
	}
	if a.exact && b.exact && len(all) > 0 {
		onlyA, onlyB := discordant(a, b)
		all[0].P, all[0].Test = McNemar(onlyA, onlyB), "McNemar, exact"
	}
	return all
}

// randomised returns the p-value of each pair of figures: the share of assignments
// whose difference is at least as large as the observed one, which counts as one
// of the assignments.
func randomised(a, b *Statistics, pairs [][2]int, observed []Comparison, r Resampling) []float64 {
	random := r.source()
	sumsA, sumsB := make([]float64, a.sums), make([]float64, b.sums)
	outA, outB := make([]float64, len(a.names)), make([]float64, len(b.names))
	// Both systems have the same gold rows, so a sum has the same index in both.
	reached := make([]float64, len(pairs))
	for range r.samples() {
		clear(sumsA)
		clear(sumsB)
		for row := range a.rows {
			if random.Uint64()&1 == 0 {
				a.add(sumsA, row)
				b.add(sumsB, row)
			} else {
				b.add(sumsA, row)
				a.add(sumsB, row)
			}
		}
		a.figure(sumsA, outA)
		b.figure(sumsB, outB)
		for k, p := range pairs {
			difference := math.Abs(outA[p[0]] - outB[p[1]])
			if !(difference < math.Abs(observed[k].A-observed[k].B)-1e-12) {
				reached[k]++
			}
		}
	}
	ps := make([]float64, len(pairs))
	for k := range ps {
		ps[k] = (reached[k] + 1) / float64(r.samples()+1)
	}
	return ps
}

// discordant counts the rows that only one system answers correctly.
func discordant(a, b *Statistics) (onlyA, onlyB int) {
	for row := range a.rows {
		switch rightA, rightB := a.right(row), b.right(row); {
		case rightA && !rightB:
			onlyA++
		case rightB && !rightA:
			onlyB++
		}
	}
	return onlyA, onlyB
}

// right reports whether a row is correct. In exact statistics such a row adds to
// sum 0.
func (s *Statistics) right(row int) bool {
	for _, t := range s.rows[row] {
		if t.sum == 0 && t.value > 0 {
			return true
		}
	}
	return false
}

// McNemar is the exact two-sided p-value of McNemar's test. onlyA and onlyB count
// the rows that only system A and only system B answers correctly.
func McNemar(onlyA, onlyB int) float64 {
	n, few := onlyA+onlyB, min(onlyA, onlyB)
	p := 0.0
	for k := range few + 1 {
		p += math.Exp(logChoose(n, k) - float64(n)*math.Ln2)
	}
	return min(1, 2*p)
}

func logChoose(n, k int) float64 {
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x + 1)); return v }
	return lg(n) - lg(k) - lg(n-k)
}
