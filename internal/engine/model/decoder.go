package model

import (
	"slices"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
)

// decoder is the network of Llama and similar architectures: layers of attention with grouped
// queries and rotary positions, and of a gated feed-forward network, with RMS normalization before
// each. The parts that only some architectures have are nil or zero if the model does not have
// them. In the comments below E is the embedding size, F the feed-forward size, H and G the number
// of query and key heads, S the head size and V the vocabulary size.
type decoder struct {
	kernels                 *kernel.Set
	context, vocabulary     int
	embedding, feedForward  int
	heads, groups, headSize int
	epsilon                 float32
	queryScale              float32
	embeddingScale          float32 // 0 for none
	// halves: the pairs of rotary positions are the halves of a head instead of neighbors.
	halves bool
	// bidirectional: tokens attend to later tokens. The window of local layers then is around a token.
	bidirectional bool
	gelu          bool // the activation of the feed-forward network is GELU instead of SiLU
	// window is the number of tokens that a local layer sees, and rotaryLocal the positions of
	// local layers.
	window              int
	rotary, rotaryLocal *nn.Rotary

	lookUp func(dst []float32, token int32) // the embedding of a token
	head   head
	layers []decoderLayer
	weights
}

type decoderLayer struct {
	attentionNorm, feedForwardNorm []float32 // E
	qkv                            *nn.Linear
	qkvBias                        []float32 // H*S + G*S + G*S
	queryNorm, keyNorm             []float32 // S
	attentionOut                   *nn.Linear
	attentionOutNorm               []float32  // E
	gateUp                         *nn.Linear // F + F x E
	down                           *nn.Linear
	feedForwardOutNorm             []float32 // E
	local                          bool
}

func (m *decoder) Context() int         { return m.context }
func (m *decoder) Vocabulary() int      { return m.vocabulary }
func (m *decoder) Size() int            { return m.embedding }
func (m *decoder) EncoderSize() int     { return 0 }
func (m *decoder) Start() (int32, bool) { return 0, false }
func (m *decoder) Headless() string     { return m.head.missing }

func (m *decoder) Cache() nn.CacheShape {
	return nn.CacheShape{Layers: len(m.layers), Heads: m.groups, HeadSize: m.headSize}
}

// decoderState is the memory of a step. R is the maximum number of rows.
type decoderState struct {
	*decoder
	attention []nn.Attention // one for each part of a team
	scratch   nn.Scratch
	x         []float32 // R x E, the residual stream
	normed    []float32 // R x E, stride kernel.Stride(E)
	added     []float32 // R x E, outputs that are normalized before they are added
	qkv       []float32 // R x (H+G+G)*S
	attended  []float32 // R x H*S, stride kernel.Stride(H*S)
	gateUp    []float32 // R x 2F, stride kernel.Stride(2F)
	angles    []float32 // R x S
	local     []float32 // R x S, the angles of local layers
	head      headState
	views     []nn.View
	near      []nn.View // views of local layers
	wanted    []wanted
}

func (m *decoder) NewState(rows, tokens int, team *nn.Team) State {
	e, s := m.embedding, m.headSize
	state := &decoderState{
		decoder:   m,
		scratch:   nn.Scratch{Team: team},
		attention: slices.Repeat([]nn.Attention{{Kernels: m.kernels, Heads: m.heads}}, nn.Parts),
		x:         make([]float32, rows*e),
		normed:    make([]float32, rows*kernel.Stride(e)),
		qkv:       make([]float32, rows*(m.heads+2*m.groups)*s),
		attended:  make([]float32, rows*kernel.Stride(m.heads*s)),
		gateUp:    make([]float32, rows*kernel.Stride(2*m.feedForward)),
		angles:    make([]float32, rows*s),
		head:      m.head.newState(tokens),
		views:     make([]nn.View, rows),
	}
	for _, l := range m.layers {
		if l.attentionOutNorm != nil && state.added == nil {
			state.added = make([]float32, rows*e)
		}
		if l.local && state.near == nil {
			state.near, state.local = make([]nn.View, rows), make([]float32, rows*s)
		}
	}
	return state
}

func (s *decoderState) Step(spans []Span, stop func() bool, emit func(span, row int, out Out)) error {
	rows := s.begin(spans)
	for i := range s.layers {
		if stop() {
			return ErrStopped
		}
		s.layer(i, spans, rows)
	}
	return s.decoder.head.run(&s.head, s.kernels, &s.scratch, s.x, s.wanted, stop, emit)
}

// begin looks up the embeddings of the tokens and grows the caches.
func (s *decoderState) begin(spans []Span) int {
	e := s.embedding
	s.wanted = s.wanted[:0]
	at := 0
	for i, span := range spans {
		span.Cache.Grow(len(span.Rows))
		for j, row := range span.Rows {
			x := s.x[at*e : (at+1)*e]
			s.lookUp(x, row.Token)
			if s.embeddingScale != 0 {
				for i := range x {
					x[i] *= s.embeddingScale
				}
			}
			s.rotary.Angles(s.angles[at*s.headSize:(at+1)*s.headSize], row.Position)
			s.views[at] = row.View
			if s.near != nil {
				s.rotaryLocal.Angles(s.local[at*s.headSize:(at+1)*s.headSize], row.Position)
				s.near[at] = s.localView(row)
			}
			if row.Want != Nothing {
				s.wanted = append(s.wanted, wanted{at, i, j, row.Want})
			}
			at++
		}
	}
	return at
}

// localView limits the view of a row to a window that ends with the row. The slot of the row is the
// last one of the view, and each earlier slot of the view is one position before the next. If
// attention is bidirectional, the window extends to half its size before and after the row.
func (m *decoder) localView(row Row) nn.View {
	view := row.View
	if m.bidirectional {
		view.First = max(0, row.Position-m.window/2)
		view.Leading = min(view.Leading, row.Position+m.window/2+1)
		return view
	}
	view.First = max(0, row.Position-m.window+1)
	if excluded := view.First - view.Leading; excluded > 0 {
		view.Extra = view.Extra[excluded:]
	}
	return view
}

func (s *decoderState) layer(n int, spans []Span, rows int) {
	layer := &s.layers[n]
	e, ff := s.embedding, s.feedForward
	q, kv := s.heads*s.headSize, s.groups*s.headSize
	width := q + 2*kv
	normed, attended := kernel.Stride(e), kernel.Stride(q)

	s.normalize(rows, layer.attentionNorm)
	layer.qkv.Mul(s.kernels, &s.scratch, rows, s.normed, normed, s.qkv, width, false)
	// A number takes several times as long as in a kernel.
	s.scratch.Team.SplitRows(rows, 4*width, func(first, last int) {
		for i := first; i < last; i++ {
			s.rotate(layer, i, s.qkv[i*width:(i+1)*width])
		}
		at := 0
		for _, span := range spans {
			count := len(span.Rows)
			from, to := max(first, at), min(last, at+count)
			if from < to {
				span.Cache.Put(s.kernels, n, span.Cache.Len()-count+from-at, to-from, s.qkv[from*width+q:], s.qkv[from*width+q+kv:], width)
			}
			at += count
		}
	})
	s.attend(n, spans, width, attended)
	s.add(layer.attentionOut, rows, s.attended, attended, layer.attentionOutNorm)

	s.normalize(rows, layer.feedForwardNorm)
	inner := kernel.Stride(2 * ff)
	layer.gateUp.Mul(s.kernels, &s.scratch, rows, s.normed, normed, s.gateUp, inner, false)
	s.scratch.Team.SplitRows(rows, ff, func(first, last int) {
		for i := first; i < last; i++ {
			gate, up := s.gateUp[i*inner:i*inner+ff], s.gateUp[i*inner+ff:i*inner+2*ff]
			if s.gelu {
				s.kernels.GeluMul(gate, gate, up)
			} else {
				s.kernels.SiluMul(gate, gate, up)
			}
		}
	})
	s.add(layer.down, rows, s.gateUp, inner, layer.feedForwardOutNorm)
}

// normalize computes s.normed from s.x.
func (s *decoderState) normalize(rows int, weight []float32) {
	e, stride := s.embedding, kernel.Stride(s.embedding)
	s.scratch.Team.SplitRows(rows, e, func(first, last int) {
		normalize(s.kernels, last-first, s.normed[first*stride:], stride, s.x[first*e:], weight, s.epsilon)
	})
}

// rotate adds the bias to queries, keys and values of row i, normalizes heads and rotates them by the
// position.
func (s *decoderState) rotate(layer *decoderLayer, i int, row []float32) {
	q, kv := s.heads*s.headSize, s.groups*s.headSize
	angles := s.angles
	if layer.local {
		angles = s.local
	}
	angles = angles[i*s.headSize : (i+1)*s.headSize]
	for j, b := range layer.qkvBias {
		row[j] += b
	}
	if layer.queryNorm != nil {
		s.normalizeHeads(row[:q], layer.queryNorm)
		s.normalizeHeads(row[q:q+kv], layer.keyNorm)
	}
	rotate := nn.Rotate
	if s.halves {
		rotate = nn.RotateHalves
	}
	rotate(row[:q], angles, s.queryScale)
	rotate(row[q:q+kv], angles, 1)
}

// attend computes s.attended from the queries in s.qkv.
func (s *decoderState) attend(n int, spans []Span, width, stride int) {
	views := s.views
	if s.layers[n].local {
		views = s.near
	}
	parts := s.scratch.Team.Parts()
	if len(spans) == 1 && len(spans[0].Rows) == 1 && spans[0].Cache.Len() < fewTokens {
		parts = 1
	}
	s.scratch.Team.Split(parts, func(part int) {
		at := 0
		for i, span := range spans {
			count := len(span.Rows)
			// The first work of a span is that of another part than that of the span before.
			share := nn.Share{Part: (part + i) % parts, Parts: parts}
			s.attention[part].Do(n, span.Cache, views[at:at+count], s.qkv[at*width:], width, s.attended[at*stride:], stride, nil, nil, share)
			at += count
		}
	})
}

// fewTokens is the number of tokens in a cache from which on a team computes the attention of one row.
const fewTokens = 256

// add adds the outputs of a layer to x. If norm is not nil it normalizes them first.
func (s *decoderState) add(l *nn.Linear, rows int, in []float32, stride int, norm []float32) {
	e := s.embedding
	if norm == nil {
		l.Mul(s.kernels, &s.scratch, rows, in, stride, s.x, e, true)
		return
	}
	l.Mul(s.kernels, &s.scratch, rows, in, stride, s.added, e, false)
	for i := range rows {
		row := s.added[i*e : (i+1)*e]
		s.kernels.RMSNorm(row, row, norm, s.epsilon)
		x := s.x[i*e : (i+1)*e]
		for j, v := range row {
			x[j] += v
		}
	}
}

func (s *decoderState) normalizeHeads(x, weight []float32) {
	normalize(s.kernels, len(x)/len(weight), x, len(weight), x, weight, s.epsilon)
}
