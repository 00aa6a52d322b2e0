package model

import (
	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
)

// head is the end of a network: it normalizes the hidden state of a row and computes the logits of
// all tokens. E is the embedding size and V the vocabulary size.
type head struct {
	norm      []float32 // E
	epsilon   float32
	scale     float32    // applied after normalization; 0 for none
	output    *nn.Linear // V x E; nil if the network gives hidden states only
	missing   string     // if output is nil, the reason
	shortlist *shortlist // nil for 8-bit weights
}

// headRows is the maximum number of rows whose logits are computed at a time. The logits of a large
// vocabulary need more memory than the rest of a step.
const headRows = 32

// wanted is a row whose logits or hidden state are needed.
type wanted struct {
	at, span, row int
	want          Want
}

// headState is the memory of a head. It must be used by one goroutine at a time.
type headState struct {
	normed []float32 // headRows x E, stride kernel.Stride(E)
	logits []float32 // headRows x V, stride kernel.Stride(V)
	tokens int       // number of tokens, at most V, that can be the best one
}

func (h *head) newState(tokens int) headState {
	s := headState{normed: make([]float32, headRows*kernel.Stride(len(h.norm))), tokens: tokens}
	if h.output != nil {
		s.logits = make([]float32, headRows*kernel.Stride(h.output.N))
	}
	return s
}

// run computes the outputs for all of the rows in x, which have E numbers each.
func (h *head) run(s *headState, kernels *kernel.Set, scratch *nn.Scratch, x []float32, all []wanted, stop func() bool, emit func(span, row int, out Out)) error {
	e, stride, scores := len(h.norm), kernel.Stride(len(h.norm)), 0
	if h.output != nil {
		scores = h.output.N
	}
	width := kernel.Stride(scores)
	for first, parts := 0, (len(all)+headRows-1)/headRows; parts > 0; parts-- {
		if stop() {
			return ErrStopped
		}
		group := all[first : first+(len(all)-first)/parts]
		first += len(group)
		anyLogits, anyBest := false, false
		for i, w := range group {
			anyLogits, anyBest = anyLogits || w.want == Logits, anyBest || w.want == Best
			row := s.normed[i*stride : i*stride+e]
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
			weights = short.int8
		}
		if anyLogits || anyBest {
			weights.Mul(kernels, scratch, len(group), s.normed, stride, s.logits, width, false)
		}
		for i, w := range group {
			row, logits := s.normed[i*stride:i*stride+e], s.logits[min(i*width, len(s.logits)):min(i*width+scores, len(s.logits))]
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

// best returns the token with the highest logit, or -1 if the logits are not finite. If short is
// not nil, logits are those of the 8-bit weights, and row is the input of the head.
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

// normalize applies RMS normalization to rows of len(weight) numbers. The stride of the rows of dst
// is stride.
func normalize(kernels *kernel.Set, rows int, dst []float32, stride int, x, weight []float32, epsilon float32) {
	e := len(weight)
	for i := range rows {
		kernels.RMSNorm(dst[i*stride:i*stride+e], x[i*e:(i+1)*e], weight, epsilon)
	}
}
