package eval

import "math"

// Bin holds the answers whose probabilities lie in (Low, High]; the first bin
// holds 0 too.
type Bin struct {
	Low, High  float64
	Rows       int
	Confidence float64 // mean probability; NaN without rows
	Accuracy   float64 // share that is right; NaN without rows
}

func binOf(probability float64, bins int) int {
	return max(0, min(bins-1, int(math.Ceil(probability*float64(bins)))-1))
}

// Reliability bins answers by the probability that the model gave them.
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

// Calibration measures whether probabilities can be believed: the expected
// calibration error (Naeini 2015, Guo 2017), which is the mean distance between
// confidence and accuracy over the bins, weighted by their rows; and the Brier
// score of "this answer is right". Small is good. The error's resamples lie
// higher than itself where bins hold few rows: it is biased upwards.
func Calibration(right []bool, probability []float64, bins int) *Statistics {
	sameLength("probabilities", len(right), len(probability))
	// Sums: rows, squared errors, then each bin's confidence less right answers.
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
