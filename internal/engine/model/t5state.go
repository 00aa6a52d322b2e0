package model

import (
	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
)

// t5State is the memory of a step. R is the maximum number of rows.
type t5State struct {
	*t5
	attention nn.Attention
	scratch   nn.Scratch
	pool      nn.Pool   // of the encoder
	x         []float32 // R x E, the residual stream
	normed    []float32 // R x E, stride kernel.Stride(E)
	qkv       []float32 // R x 3I
	attended  []float32 // R x I, stride kernel.Stride(I)
	inner     []float32 // R x F, or R x 2F if gated, stride kernel.Stride of that
	head      headState
	crossed   []float32 // R x H x E, stride kernel.Stride(E): queries and results of cross attention
	views     []nn.View
	positions []int
	wanted    []wanted
}

func (m *t5) NewState(rows, tokens int, team *nn.Team) State {
	s := &t5State{
		t5:        m,
		scratch:   nn.Scratch{Team: team},
		attention: nn.Attention{Kernels: m.kernels, Heads: m.heads},
		head:      m.head.newState(tokens),
	}
	s.reserve(rows)
	return s
}

// reserve makes room for that many rows. The input of an encoder is not divided into steps.
func (s *t5State) reserve(rows int) {
	if len(s.views) >= rows {
		return
	}
	s.x = make([]float32, rows*s.embedding)
	s.normed = make([]float32, rows*kernel.Stride(s.embedding))
	s.qkv = make([]float32, rows*3*s.heads*s.headSize)
	s.attended = make([]float32, rows*s.attendedStride())
	s.inner = make([]float32, rows*s.innerStride())
	// Twice the tokens, because the cache of each input is rounded up.
	s.pool = nn.Pool{Shape: s.encoderShape, Memory: make([]float32, s.encoderShape.Bytes(2*rows)/4)}
	s.views = make([]nn.View, rows)
	s.positions = make([]int, rows)
}

func (s *t5State) attendedStride() int { return kernel.Stride(s.heads * s.headSize) }

func (s *t5State) innerStride() int {
	if s.gated {
		return kernel.Stride(2 * s.feedForward)
	}
	return kernel.Stride(s.feedForward)
}

func (s *t5State) Step(spans []Span, stop func() bool, emit func(span, row int, out Out)) error {
	if err := s.encode(spans, stop); err != nil {
		return err
	}
	rows := s.begin(spans)
	for i := range s.decoder {
		if stop() {
			return ErrStopped
		}
		s.decoderLayer(i, spans, rows)
	}
	return s.t5.head.run(&s.head, s.kernels, &s.scratch, s.x, s.wanted, stop, emit)
}

// encode runs the inputs of all spans through the encoder and sets their Encoded.
func (s *t5State) encode(spans []Span, stop func() bool) error {
	rows := 0
	for _, span := range spans {
		rows += len(span.Input)
	}
	if rows == 0 {
		return nil
	}
	s.reserve(rows)
	e := s.embedding
	at := 0
	var caches []*nn.Cache
	for _, span := range spans {
		if len(span.Input) == 0 {
			continue
		}
		cache := nn.NewCache(&s.pool, nil)
		cache.Grow(len(span.Input))
		caches = append(caches, cache)
		for i, token := range span.Input {
			s.lookUp(s.x[at*e:(at+1)*e], token)
			s.views[at] = nn.View{Leading: len(span.Input)}
			s.positions[at] = i
			at++
		}
	}
	defer func() {
		for _, c := range caches {
			c.Release()
		}
	}()
	for i := range s.encoder {
		if stop() {
			return ErrStopped
		}
		layer := &s.encoder[i]
		at := 0
		s.selfAttention(layer, rows, func(qkv, attended []float32) {
			inner := s.heads * s.headSize
			for _, cache := range caches {
				n := cache.Len()
				q := qkv[at*3*inner:]
				cache.Put(s.kernels, 0, 0, n, q[inner:], q[2*inner:], 3*inner)
				s.attention.Do(0, cache, s.views[at:at+n], q, 3*inner, attended[at*s.attendedStride():], s.attendedStride(), s.encoderBias, s.positions[at:at+n], nn.Share{})
				at += n
			}
		})
		s.feedForwardLayer(layer, rows)
	}
	normalize(s.kernels, rows, s.normed, kernel.Stride(s.embedding), s.x, s.encoderNorm, s.epsilon)
	at = 0
	for i := range spans {
		if n := len(spans[i].Input); n > 0 {
			spans[i].Encoded = nn.NewEncoderOutput(spans[i].Cache.Pool(), e, n, s.normed[at*kernel.Stride(e):], kernel.Stride(e))
			at += n
		}
	}
	return nil
}

// begin looks up the embeddings of the decoder's tokens and grows the caches.
func (s *t5State) begin(spans []Span) int {
	e := s.embedding
	rows := 0
	for _, span := range spans {
		rows += len(span.Rows)
	}
	s.reserve(rows)
	if n := rows * s.heads * kernel.Stride(e); len(s.crossed) < n {
		s.crossed = make([]float32, n+n/2)
	}
	s.wanted = s.wanted[:0]
	at := 0
	for i, span := range spans {
		span.Cache.Grow(len(span.Rows))
		for j, row := range span.Rows {
			s.lookUp(s.x[at*e:(at+1)*e], row.Token)
			s.views[at] = row.View
			s.positions[at] = row.Position
			if row.Want != Nothing {
				s.wanted = append(s.wanted, wanted{at, i, j, row.Want})
			}
			at++
		}
	}
	return at
}

func (s *t5State) decoderLayer(n int, spans []Span, rows int) {
	layer := &s.decoder[n]
	inner := s.heads * s.headSize
	s.selfAttention(layer, rows, func(qkv, attended []float32) {
		at := 0
		for _, span := range spans {
			count := len(span.Rows)
			q := qkv[at*3*inner:]
			span.Cache.Put(s.kernels, n, span.Cache.Len()-count, count, q[inner:], q[2*inner:], 3*inner)
			s.attention.Do(n, span.Cache, s.views[at:at+count], q, 3*inner, attended[at*s.attendedStride():], s.attendedStride(), s.decoderBias, s.positions[at:at+count], nn.Share{})
			at += count
		}
	})
	s.crossAttention(layer, spans, rows)
	s.feedForwardLayer(layer, rows)
}

// crossAttention attends to the output of the encoder.
func (s *t5State) crossAttention(layer *t5Layer, spans []Span, rows int) {
	e, inner, size := s.embedding, s.heads*s.headSize, s.headSize
	stride := kernel.Stride(e)
	normalize(s.kernels, rows, s.normed, stride, s.x, layer.crossNorm, s.epsilon)
	layer.crossQuery.Mul(s.kernels, &s.scratch, rows, s.normed, stride, s.qkv, inner, false)
	layer.crossKeys.Mul(s.kernels, &s.scratch, rows, s.qkv, inner, size, s.crossed, s.heads*stride, stride)
	at := 0
	for _, span := range spans {
		for range span.Rows {
			s.attention.CrossAttend(span.Encoded, s.crossed[at*s.heads*stride:], stride)
			at++
		}
	}
	layer.crossValues.Mul(s.kernels, &s.scratch, rows, s.crossed, s.heads*stride, stride, s.attended, s.attendedStride(), size)
	layer.crossOut.Mul(s.kernels, &s.scratch, rows, s.attended, s.attendedStride(), s.x, e, true)
}

func (s *t5State) selfAttention(layer *t5Layer, rows int, attend func(qkv, attended []float32)) {
	e, inner := s.embedding, s.heads*s.headSize
	normalize(s.kernels, rows, s.normed, kernel.Stride(s.embedding), s.x, layer.attentionNorm, s.epsilon)
	layer.qkv.Mul(s.kernels, &s.scratch, rows, s.normed, kernel.Stride(e), s.qkv, 3*inner, false)
	attend(s.qkv, s.attended)
	layer.attentionOut.Mul(s.kernels, &s.scratch, rows, s.attended, s.attendedStride(), s.x, e, true)
}

func (s *t5State) feedForwardLayer(layer *t5Layer, rows int) {
	e, ff, stride := s.embedding, s.feedForward, s.innerStride()
	normalize(s.kernels, rows, s.normed, kernel.Stride(s.embedding), s.x, layer.feedForwardNorm, s.epsilon)
	layer.in.Mul(s.kernels, &s.scratch, rows, s.normed, kernel.Stride(e), s.inner, stride, false)
	for i := range rows {
		gate := s.inner[i*stride : i*stride+ff]
		if s.gated {
			s.kernels.GeluMul(gate, gate, s.inner[i*stride+ff:i*stride+2*ff])
			continue
		}
		for j, x := range gate {
			gate[j] = max(x, 0)
		}
	}
	layer.out.Mul(s.kernels, &s.scratch, rows, s.inner, stride, s.x, e, true)
}
