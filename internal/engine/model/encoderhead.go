package model

import (
	"github.com/firesteel/firesteel/internal/engine/kernel"
)

// encoderHead is the end of an encoder: it computes logits of classes from hidden states. Without
// classes the hidden states are the output. C is the number of classes.
type encoderHead struct {
	kind Head
	mean bool // a text is represented by the mean of its states instead of the first one
	// dense, its activation and norm are applied before the classifier. dense.Linear is nil if the
	// head does not have them, and norm may be nil.
	dense      biased // E x E
	activation activation
	norm       *layerNorm
	classifier biased // C x E
}

// encoderHeadState is the memory of a head for headRows rows.
type encoderHeadState struct {
	in, dense []float32 // headRows x E, stride kernel.Stride(E)
	logits    []float32 // headRows x C, stride kernel.Stride(C)
}

// emit computes the outputs of all texts.
func (s *encoderState) emit(texts []EncoderInput, emit func(text int, rows Rows)) {
	e, stride := s.embedding, s.stride()
	h := &s.encoder.head
	if h.kind != HiddenStates && s.head.logits == nil {
		s.head = encoderHeadState{
			in:     make([]float32, headRows*stride),
			dense:  make([]float32, headRows*stride),
			logits: make([]float32, headRows*kernel.Stride(h.classifier.N)),
		}
	}
	at := 0
	for i, t := range texts {
		n := len(t.Tokens)
		states := Rows{n, e, s.x[at*stride:], stride}
		at += n
		switch h.kind {
		case HiddenStates:
			emit(i, states)
		case SequenceLogits:
			in := s.head.in[:e]
			copy(in, states.Row(0))
			if h.mean {
				mean(in, states)
			}
			emit(i, s.classify(1, s.head.in))
		case TokenLogits:
			all := Rows{N: n, Size: h.classifier.N, stride: h.classifier.N}
			all.data = make([]float32, n*all.Size)
			for first := 0; first < n; first += headRows {
				part := s.classify(min(headRows, n-first), states.data[first*stride:])
				for j := range part.N {
					copy(all.Row(first+j), part.Row(j))
				}
			}
			emit(i, all)
		}
	}
}

// classify computes the logits of up to headRows states with the stride of x.
func (s *encoderState) classify(n int, states []float32) Rows {
	e, stride := s.embedding, s.stride()
	h := &s.encoder.head
	if h.dense.Linear != nil {
		s.mul(h.dense, n, states, stride, s.head.dense, stride, false)
		states = s.head.dense
		for i := range n {
			row := states[i*stride : i*stride+e]
			s.activate(h.activation, row)
			if h.norm != nil {
				s.kernels.LayerNorm(row, row, h.norm.weight, h.norm.bias, s.epsilon)
			}
		}
	}
	width := kernel.Stride(h.classifier.N)
	s.mul(h.classifier, n, states, stride, s.head.logits, width, false)
	return Rows{n, h.classifier.N, s.head.logits, width}
}

// mean sets dst to the mean of rows.
func mean(dst []float32, rows Rows) {
	for j := range dst {
		sum := 0.0
		for i := range rows.N {
			sum += float64(rows.Row(i)[j])
		}
		dst[j] = float32(sum / float64(rows.N))
	}
}
