package fit

import (
	"math"

	"github.com/firesteel/firesteel/llm"
)

// The name of a label says what its rows are about. With few rows of each label, a model that is drawn to the
// similarity of texts and names, instead of to zero, is better: see docs/decisions/2026-12-01-names-as-prior.md.

// namesBelow is the mean number of rows of a label from which names are not read.
const namesBelow = 20

// ReadsNames reports whether Fit reads Options.Names for a number of rows and labels. It also reads them if there
// are labels without rows.
func ReadsNames(kind llm.PredictionKind, rows, labels int) bool {
	return kind == llm.PredictsLabel && rows < namesBelow*labels
}

// namesWeights are the weights of names that cross-validation compares, in standard deviations of the
// similarities of a text to the names.
var namesWeights = []float64{1, 2}

// spreadRows bounds the rows of which the standard deviation is taken.
const spreadRows = 256

// readNames sets the similarity to the names as parameters of the model, on a scale on which the scores of a
// row have the standard deviation 1. It does nothing without names.
func (p *predictor) readNames(names map[string][]float32) {
	if _, unseen := p.rare(); len(names) == 0 || unseen == 0 && !ReadsNames(p.kind, len(p.rows), len(p.labels)) {
		return
	}
	d := p.linear.D
	prior := make([]float64, p.logistic.Params())
	for k, label := range p.labels {
		v := names[label]
		if len(v) != d {
			return
		}
		length := 0.0
		for _, x := range v {
			length += float64(x) * float64(x)
		}
		for i, x := range v {
			prior[k*(d+1)+i] = float64(x) / math.Sqrt(max(length, math.SmallestNonzeroFloat64))
		}
	}
	n := min(len(p.rows), spreadRows)
	sum := 0.0
	for _, row := range p.rows[:n] {
		mean, square := 0.0, 0.0
		for k := range p.labels {
			s := 0.0
			for i, x := range row.Vector {
				s += (float64(x) - p.linear.Mean[i]) * prior[k*(d+1)+i]
			}
			mean += s / float64(len(p.labels))
			square += s * s / float64(len(p.labels))
		}
		sum += math.Sqrt(max(0, square-mean*mean)) / float64(n)
	}
	if sum == 0 {
		return
	}
	for i := range prior {
		prior[i] /= sum
	}
	p.names = prior
}

// prior returns the parameters of names with a weight; nil stands for weight 0.
func (p *predictor) prior(weight float64) []float64 {
	if weight == 0 {
		return nil
	}
	prior := make([]float64, len(p.names))
	for i, v := range p.names {
		prior[i] = weight * v
	}
	return prior
}
