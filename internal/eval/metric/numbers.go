package metric

import "math"

// Numbers compares predicted numbers with gold numbers: the mean absolute error, the
// root of the mean squared error, and R², the share of the variance that is
// explained, which is 0 for the mean and below for worse predictions.
func Numbers(gold, predicted []float64) *Statistics {
	sameLength("predictions", len(gold), len(predicted))
	// The mean is subtracted, because sums of squares of large numbers lose digits.
	mean := 0.0
	for _, g := range gold {
		mean += g / float64(len(gold))
	}
	s := &Statistics{sums: 5, names: []string{"mean absolute error", "root mean squared error", "R²"}}
	for i, g := range gold {
		e, c := predicted[i]-g, g-mean
		s.rows = append(s.rows, []term{{0, 1}, {1, math.Abs(e)}, {2, e * e}, {3, c}, {4, c * c}})
	}
	s.figure = func(sums, out []float64) {
		n := sums[0]
		out[0], out[1] = ratio(sums[1], n), math.Sqrt(ratio(sums[2], n))
		out[2] = 1 - ratio(sums[2], sums[4]-sums[3]*sums[3]/n)
	}
	return s
}
