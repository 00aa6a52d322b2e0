package metric

import "math"

// Bin holds the answers with probabilities in (Low, High]. The first bin includes
// 0.
type Bin struct {
	Low, High  float64
	Rows       int
	Confidence float64 // mean probability; NaN if the bin is empty
	Accuracy   float64 // share of correct answers; NaN if the bin is empty
}

func binOf(probability float64, bins int) int {
	return max(0, min(bins-1, int(math.Ceil(probability*float64(bins)))-1))
}

// Reliability groups answers by their probability into bins of equal width.
// right[i] reports whether answer i is correct.
func Reliability(right []bool, probability []float64, bins int) []Bin {
	sameLength("probabilities", len(right), len(probability))
	all := make([]Bin, bins)
	for i, p := range probability {
		b := &all[binOf(p, bins)]
		b.Rows++
		b.Confidence += p
		if right[i] {
			b.Accuracy++
		}
	}
	for i := range all {
		b := &all[i]
		b.Low, b.High = float64(i)/float64(bins), float64(i+1)/float64(bins)
		b.Confidence, b.Accuracy = ratio(b.Confidence, float64(b.Rows)), ratio(b.Accuracy, float64(b.Rows))
	}
	return all
}

// Calibration compares probabilities with the share of correct answers by two
// figures, both better when smaller. The expected calibration error (Naeini 2015,
// Guo 2017) is the mean distance between confidence and accuracy over the bins,
// weighted by their rows. It is biased upwards if bins hold few rows. The Brier
// score is the mean squared error of the probability that the answer is correct.
func Calibration(right []bool, probability []float64, bins int) *Statistics {
	sameLength("probabilities", len(right), len(probability))
	// Sums: rows, squared errors, then for each bin the sum of probabilities minus correct answers.
	s := &Statistics{sums: 2 + bins, names: []string{"calibration error", "Brier score"}}
	for i, p := range probability {
		hit := 0.0
		if right[i] {
			hit = 1
		}
		s.rows = append(s.rows, []term{{0, 1}, {1, (p - hit) * (p - hit)}, {2 + binOf(p, bins), p - hit}})
	}
	s.figure = func(sums, out []float64) {
		distance := 0.0
		for _, d := range sums[2:] {
			distance += math.Abs(d)
		}
		out[0], out[1] = ratio(distance, sums[0]), ratio(sums[1], sums[0])
	}
	return s
}
