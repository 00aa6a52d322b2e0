package metric

import (
	"cmp"
	"math"
	"slices"
)

// Ranks compares predicted numbers with expected ones: Spearman's correlation, which
// is that of the ranks (equal numbers share the mean of their ranks), and Pearson's.
// Intervals and tests draw rows with their ranks among all rows. NaN stands for a row
// without an answer, whose rank is the lowest.
func Ranks(predicted, expected []float64) *Statistics {
	sameLength("expected numbers", len(predicted), len(expected))
	lowest := 0.0
	for _, v := range predicted {
		if !math.IsNaN(v) {
			lowest = min(lowest, v)
		}
	}
	predicted = slices.Clone(predicted)
	for i, v := range predicted {
		if math.IsNaN(v) {
			predicted[i] = lowest
		}
	}
	// Sums of each correlation: rows, x, y, xx, yy, xy.
	const sums = 6
	s := &Statistics{sums: 2 * sums, names: []string{"Spearman", "Pearson"}}
	px, py := ranks(predicted), ranks(expected)
	for i := range predicted {
		var row []term
		for at, pair := range [][2]float64{{px[i], py[i]}, {predicted[i], expected[i]}} {
			x, y := pair[0], pair[1]
			for k, v := range []float64{1, x, y, x * x, y * y, x * y} {
				row = append(row, term{at*sums + k, v})
			}
		}
		s.rows = append(s.rows, row)
	}
	s.figure = func(all, out []float64) {
		for at := range out {
			out[at] = correlation(all[at*sums : (at+1)*sums])
		}
	}
	return s
}

// correlation is Pearson's, of sums as in Ranks. It is NaN if all x or all y are
// equal.
func correlation(s []float64) float64 {
	n, x, y, xx, yy, xy := s[0], s[1], s[2], s[3], s[4], s[5]
	vx, vy := n*xx-x*x, n*yy-y*y
	if vx <= 0 || vy <= 0 {
		return math.NaN()
	}
	return (n*xy - x*y) / math.Sqrt(vx*vy)
}

// ranks returns the rank of each number, centred: the ranks of n numbers are
// -(n-1)/2 to (n-1)/2.
func ranks(numbers []float64) []float64 {
	order := make([]int, len(numbers))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(numbers[a], numbers[b]) })
	ranked := make([]float64, len(numbers))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && numbers[order[to]] == numbers[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			ranked[i] = float64(from+to-1)/2 - float64(len(numbers)-1)/2
		}
		from = to
	}
	return ranked
}
