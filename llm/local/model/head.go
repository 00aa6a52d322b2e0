package model

import (
	"github.com/firesteel/firesteel/llm/local/kernel"
	"github.com/firesteel/firesteel/llm/local/nn"
)

// head is what ends a network: it normalises the E numbers of a row, and makes
// of them the scores of V tokens.
type head struct {
	norm    []float32 // E
	epsilon float32
	scale   float32    // of what is normalised; 0 for none
	output  *nn.Linear // V x E
}

// headRows is how many rows of logits are computed at a time: those of a large
// vocabulary take more memory than all the rest.
const headRows = 48

// wanted is a row whose logits or state are asked for.
type wanted struct {
	at, span, row int
	want          Want
}

// headState is a head's memory. It serves one goroutine.
type headState struct {
	normed []float32 // headRows x E, kernel.Stride apart
	logits []float32 // headRows x V, kernel.Stride apart
}

func (h *head) newState() headState {
	return headState{make([]float32, headRows*kernel.Stride(h.output.K)), make([]float32, headRows*kernel.Stride(h.output.N))}
}

// run computes what is wanted of the rows x, E numbers each.
func (h *head) run(s *headState, kernels *kernel.Set, scratch *nn.Scratch, x []float32, all []wanted, stop func() bool, emit func(span, row int, values []float32)) error {
	e, apart, width := h.output.K, kernel.Stride(h.output.K), kernel.Stride(h.output.N)
	for first := 0; first < len(all); first += headRows {
		if stop() {
			return ErrStopped
		}
		some := all[first:min(first+headRows, len(all))]
		scores := false
		for i, w := range some {
			row := s.normed[i*apart : i*apart+e]
			kernels.RMSNorm(row, x[w.at*e:(w.at+1)*e], h.norm, h.epsilon)
			if h.scale != 0 {
				for j := range row {
					row[j] *= h.scale
				}
			}
			scores = scores || w.want == Logits
		}
		if scores {
			h.output.Mul(kernels, scratch, len(some), s.normed, apart, s.logits, width, false)
		}
		for i, w := range some {
			if w.want == Hidden {
				emit(w.span, w.row, s.normed[i*apart:i*apart+e])
			} else {
				emit(w.span, w.row, s.logits[i*width:i*width+h.output.N])
			}
		}
	}
	return nil
}

// normalise normalises rows of as many numbers as there are weights. Those of
// dst lie stride numbers apart.
func normalise(kernels *kernel.Set, rows int, dst []float32, stride int, x, weight []float32, epsilon float32) {
	e := len(weight)
	for i := range rows {
		kernels.RMSNorm(dst[i*stride:i*stride+e], x[i*e:(i+1)*e], weight, epsilon)
	}
}
