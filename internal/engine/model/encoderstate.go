package model

import (
	"math"
	"slices"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
)

// encoderState is the memory of a run. R is the number of rows of all texts.
type encoderState struct {
	*encoder
	attention nn.SelfAttention
	scratch   nn.Scratch
	x         []float32 // R x E, stride kernel.Stride(E): the residual stream
	normed    []float32 // the same, if layers normalize their inputs
	qkv       []float32 // the rows of some texts x 3E
	attended  []float32 // R x E, stride kernel.Stride(E)
	inner     []float32 // innerRows x F or 2F, stride kernel.Stride of that
	angles    []float32 // R x S, if positions are rotary
	local     []float32 // R x S, the angles of local layers
	ones      []float32 // max(E, F)
	head      encoderHeadState
}

// innerRows is the maximum number of rows whose inner numbers, those of the feed-forward network or
// queries, keys and values, are computed at a time, so that they stay in the second-level cache. A
// longer text has all its queries, keys and values at a time.
const innerRows = 48

func (m *encoder) NewState(team *nn.Team) EncoderState {
	return &encoderState{
		encoder:   m,
		attention: nn.SelfAttention{Kernels: m.kernels, Heads: m.heads, HeadSize: m.headSize},
		scratch:   nn.Scratch{Team: team},
		inner:     make([]float32, innerRows*m.innerStride()),
		ones:      slices.Repeat([]float32{1}, max(m.embedding, m.feedForward)),
	}
}

func (m *encoder) stride() int { return kernel.Stride(m.embedding) }

func (m *encoder) innerStride() int {
	if m.gated {
		return kernel.Stride(2 * m.feedForward)
	}
	return kernel.Stride(m.feedForward)
}

// reserve makes room for that many rows.
func (s *encoderState) reserve(rows int) {
	stride := s.stride()
	if len(s.x) >= rows*stride {
		return
	}
	s.x = make([]float32, rows*stride)
	s.attended = make([]float32, rows*stride)
	if s.normFirst {
		s.normed = make([]float32, rows*stride)
	}
	if s.rotary != nil {
		s.angles, s.local = make([]float32, rows*s.headSize), make([]float32, rows*s.headSize)
	}
}

func (s *encoderState) Run(texts []EncoderInput, stop func() bool, emit func(text int, rows Rows)) error {
	rows, longest := 0, innerRows
	for _, t := range texts {
		rows += len(t.Tokens)
		longest = max(longest, len(t.Tokens))
	}
	if n := longest * 3 * s.embedding; len(s.qkv) < n {
		s.qkv = make([]float32, n)
	}
	s.reserve(rows)
	s.embed(texts)
	for i := range s.layers {
		if stop() {
			return ErrStopped
		}
		s.attend(&s.layers[i], texts, rows)
		s.feedForwardLayer(&s.layers[i], rows)
	}
	if s.finalNorm != nil {
		s.normalize(s.finalNorm, rows, s.x, s.x)
	}
	s.emit(texts, emit)
	return nil
}

// embed sets x to the sum of the embeddings of the tokens, their positions and their types.
func (s *encoderState) embed(texts []EncoderInput) {
	e, stride := s.embedding, s.stride()
	at := 0
	for _, t := range texts {
		for i, token := range t.Tokens {
			x := s.x[at*stride : at*stride+e]
			s.lookUp(x, token)
			if s.types != nil {
				kind := 0
				if t.Types != nil {
					kind = min(int(t.Types[i]), s.typeCount-1)
				}
				s.kernels.Add(x, s.types[kind*e:])
			}
			if s.positions != nil {
				s.kernels.Add(x, s.positions[(s.positionOffset+i)*e:])
			}
			if s.rotary != nil {
				s.rotary.Angles(s.angles[at*s.headSize:(at+1)*s.headSize], i)
				s.rotaryLocal.Angles(s.local[at*s.headSize:(at+1)*s.headSize], i)
			}
			at++
		}
	}
	s.normalize(&s.embeddingNorm, at, s.x, s.x)
}

// normalize normalizes rows of E numbers with the stride of x. A nil norm copies them.
func (s *encoderState) normalize(n *layerNorm, rows int, dst, x []float32) {
	e, stride := s.embedding, s.stride()
	for i := range rows {
		from, to := x[i*stride:i*stride+e], dst[i*stride:i*stride+e]
		if n == nil {
			copy(to, from)
		} else {
			s.kernels.LayerNorm(to, from, n.weight, n.bias, s.epsilon)
		}
	}
}

// input returns the input of a part of a layer.
func (s *encoderState) input(n *layerNorm, rows int) []float32 {
	if !s.normFirst {
		return s.x
	}
	s.normalize(n, rows, s.normed, s.x)
	return s.normed
}

// attend adds the attention of a layer to x.
func (s *encoderState) attend(layer *encoderLayer, texts []EncoderInput, rows int) {
	stride := s.stride()
	in := s.input(layer.attentionNorm, rows)
	for at := 0; len(texts) > 0; {
		count, n := 0, 0
		for count < len(texts) && (count == 0 || n+len(texts[count].Tokens) <= innerRows) {
			n += len(texts[count].Tokens)
			count++
		}
		s.attendTexts(layer, texts[:count], at, n, in)
		texts, at = texts[count:], at+n
	}
	s.mul(layer.attentionOut, rows, s.attended, stride, s.x, stride, true)
	if !s.normFirst {
		s.normalize(layer.attentionNorm, rows, s.x, s.x)
	}
}

// attendTexts computes the attention of some texts, whose rows are those from row at on.
func (s *encoderState) attendTexts(layer *encoderLayer, texts []EncoderInput, at, rows int, in []float32) {
	e, stride := s.embedding, s.stride()
	s.mul(layer.qkv, rows, in[at*stride:], stride, s.qkv, 3*e, false)
	scale := float32(1 / math.Sqrt(float64(s.headSize)))
	window, angles := 0, s.angles
	if layer.local {
		window, angles = s.window, s.local
	}
	for i := range rows {
		q, k := s.qkv[i*3*e:i*3*e+e], s.qkv[i*3*e+e:i*3*e+2*e]
		if s.rotary == nil {
			if layer.queryBias != nil {
				s.kernels.Add(q, layer.queryBias)
			}
			for j := range q {
				q[j] *= scale
			}
			continue
		}
		a := angles[(at+i)*s.headSize : (at+i+1)*s.headSize]
		nn.RotateHalves(q, a, scale)
		nn.RotateHalves(k, a, 1)
	}
	first := 0
	for _, t := range texts {
		n := len(t.Tokens)
		s.attention.Do(n, s.qkv[first*3*e:], 3*e, s.attended[(at+first)*stride:], stride, s.bias, window)
		first += n
	}
}

// feedForwardLayer adds the feed-forward network of a layer to x.
func (s *encoderState) feedForwardLayer(layer *encoderLayer, rows int) {
	f, stride, inner := s.feedForward, s.stride(), s.innerStride()
	in := s.input(layer.feedForwardNorm, rows)
	for first := 0; first < rows; first += innerRows {
		n := min(innerRows, rows-first)
		s.mul(layer.in, n, in[first*stride:], stride, s.inner, inner, false)
		for i := range n {
			row := s.inner[i*inner : i*inner+f]
			if s.gated {
				s.activateGated(row, s.inner[i*inner+f:i*inner+2*f])
			} else {
				s.activate(s.activation, row)
			}
		}
		s.mul(layer.out, n, s.inner, inner, s.x[first*stride:], stride, true)
	}
	if !s.normFirst {
		s.normalize(layer.feedForwardNorm, rows, s.x, s.x)
	}
}

// mul computes C (+)= A * W + bias for m rows.
func (s *encoderState) mul(l biased, m int, a []float32, lda int, c []float32, ldc int, add bool) {
	if l.bias != nil {
		for i := range m {
			row := c[i*ldc : i*ldc+len(l.bias)]
			if add {
				s.kernels.Add(row, l.bias)
			} else {
				copy(row, l.bias)
			}
		}
		add = true
	}
	l.Mul(s.kernels, &s.scratch, m, a, lda, c, ldc, add)
}

// activate applies an activation to x, whose length is a multiple of 16.
func (s *encoderState) activate(a activation, x []float32) {
	switch a {
	case gelu:
		s.kernels.Gelu(x, x)
	case geluTanh:
		s.kernels.GeluMul(x, x, s.ones[:len(x)])
	case relu:
		for i, v := range x {
			x[i] = max(v, 0)
		}
	case tanh:
		for i, v := range x {
			x[i] = float32(math.Tanh(float64(v)))
		}
	}
}

// activateGated applies the activation to gate and multiplies it by up.
func (s *encoderState) activateGated(gate, up []float32) {
	switch s.activation {
	case gelu:
		s.kernels.GatedGelu(gate, gate, up)
	case geluTanh:
		s.kernels.GeluMul(gate, gate, up)
	default:
		s.activate(s.activation, gate)
		for i, v := range up {
			gate[i] *= v
		}
	}
}
