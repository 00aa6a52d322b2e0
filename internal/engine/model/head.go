package model

import (
	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
)

// head is what ends a network: it normalises the E numbers of a row, and makes
// of them the scores of V tokens.
type head struct {
	norm      []float32 // E
	epsilon   float32
	scale     float32    // of what is normalised; 0 for none
	output    *nn.Linear // V x E; nil for a network that gives hidden states only
	lacks     string     // why it does
	shortlist *shortlist // nil in 8 bits
}

// headRows is how many rows of logits are computed at a time, at most: those of
// a large vocabulary take more memory than all the rest.
const headRows = 32

// wanted is a row whose logits or state are asked for.
type wanted struct {
	at, span, row int
	want          Want
}

// headState is a head's memory. It serves one goroutine.
type headState struct {
	normed []float32 // headRows x E, kernel.Stride apart
	logits []float32 // headRows x V, kernel.Stride apart
	tokens int       // of V, that may be the best
}

func (h *head) newState(tokens int) headState {
	s := headState{normed: make([]float32, headRows*kernel.Stride(len(h.norm))), tokens: tokens}
	if h.output != nil {
		s.logits = make([]float32, headRows*kernel.Stride(h.output.N))
	}
	return s
}

// run computes what is wanted of the rows x, E numbers each.
func (h *head) run(s *headState, kernels *kernel.Set, scratch *nn.Scratch, x []float32, all []wanted, stop func() bool, emit func(span, row int, out Out)) error {
	e, apart, scores := len(h.norm), kernel.Stride(len(h.norm)), 0
	if h.output != nil {
		scores = h.output.N
	}
	width := kernel.Stride(scores)
	for first, parts := 0, (len(all)+headRows-1)/headRows; parts > 0; parts-- {
		if stop() {
			return ErrStopped
		}
		some := all[first : first+(len(all)-first)/parts]
		first += len(some)
		anyLogits, anyBest := false, false
		for i, w := range some {
			anyLogits, anyBest = anyLogits || w.want == Logits, anyBest || w.want == Best
			row := s.normed[i*apart : i*apart+e]
			kernels.RMSNorm(row, x[w.at*e:(w.at+1)*e], h.norm, h.epsilon)
			if h.scale != 0 {
				for j := range row {
					row[j] *= h.scale
				}
			}
		}
		weights, short := h.output, h.shortlist
		if anyLogits {
			short = nil
		}
		if short != nil {
			weights = short.eight
		}
		if anyLogits || anyBest {
			weights.Mul(kernels, scratch, len(some), s.normed, apart, s.logits, width, false)
		}
		for i, w := range some {
			row, logits := s.normed[i*apart:i*apart+e], s.logits[min(i*width, len(s.logits)):min(i*width+scores, len(s.logits))]
			var out Out
			switch w.want {
			case Hidden:
				out.Values = row
			case Logits:
				out.Values = logits
				fallthrough
			case Best:
				out.Best = best(kernels, short, row, logits[:s.tokens])
			}
			emit(w.span, w.row, out)
		}
	}
	return nil
}

// best gives the token of the greatest logit, -1 if they are not finite. With
// a shortlist logits are those in 8 bits, of the inputs row.
func best(kernels *kernel.Set, short *shortlist, row, logits []float32) int32 {
	var token int
	var finite bool
	if short != nil {
		token, finite = short.best(kernels, row, logits)
	} else {
		token, finite = kernels.ArgMax(logits)
	}
	if !finite {
		return -1
	}
	return int32(token)
}

// normalise normalises rows of as many numbers as there are weights. Those of
// dst lie stride numbers apart.
func normalise(kernels *kernel.Set, rows int, dst []float32, stride int, x, weight []float32, epsilon float32) {
	e := len(weight)
	for i := range rows {
		kernels.RMSNorm(dst[i*stride:i*stride+e], x[i*e:(i+1)*e], weight, epsilon)
	}
}
