package head

import (
	"math"

	"github.com/firesteel/firesteel/llm"
)

// Apply returns the probability of each label, or the number, for a vector. The sums are in 64 bits
// and in the order of the dimensions.
func (h *Head) Apply(vector []float32) []float64 {
	scores := make([]float64, len(h.Bias))
	for k := range scores {
		row := h.Weights[k*len(vector) : (k+1)*len(vector)]
		// Four sums, because one would wait for each addition. float64() keeps a compiler from fusing
		// product and sum, which would give other bits on other processors.
		var s [4]float64
		i := 0
		for ; i+4 <= len(vector); i += 4 {
			s[0] += float64(float64(row[i]) * float64(vector[i]))
			s[1] += float64(float64(row[i+1]) * float64(vector[i+1]))
			s[2] += float64(float64(row[i+2]) * float64(vector[i+2]))
			s[3] += float64(float64(row[i+3]) * float64(vector[i+3]))
		}
		for ; i < len(vector); i++ {
			s[0] += float64(float64(row[i]) * float64(vector[i]))
		}
		scores[k] = float64(h.Bias[k]) + s[0] + s[1] + (s[2] + s[3])
	}
	switch h.Predicts {
	case llm.PredictsLabel:
		softmax(scores, h.Temperature)
	case llm.PredictsLabels:
		for k, s := range scores {
			scores[k] = 1 / (1 + math.Exp(-s/h.Temperature))
		}
	}
	// math.Exp may differ in the last bit between processors.
	for k, s := range scores {
		scores[k] = float64(float32(s))
	}
	return scores
}

func softmax(scores []float64, temperature float64) {
	best := math.Inf(-1)
	for _, s := range scores {
		best = max(best, s)
	}
	sum := 0.0
	for k, s := range scores {
		scores[k] = math.Exp((s - best) / temperature)
		sum += scores[k]
	}
	for k := range scores {
		scores[k] /= sum
	}
}
