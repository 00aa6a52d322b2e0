package model

import (
	"fmt"
	"math"

	"github.com/firesteel/firesteel/llm/local/kernel"
	"github.com/firesteel/firesteel/llm/local/nn"
	"github.com/firesteel/firesteel/llm/weights/gguf"
)

// llama is the Llama architecture (Llama, SmolLM2, TinyLlama): layers of
// attention with grouped queries and rotary positions, and of a gated
// feed-forward network, each after RMS normalisation. With E the embedding
// size, F the feed-forward size, H and G the heads of queries and of keys, S
// the size of a head and V the vocabulary, a GGUF file holds, as outputs x
// inputs:
//
//	token_embd.weight            V x E
//	blk.N.attn_norm.weight       E
//	blk.N.attn_q.weight          H*S x E
//	blk.N.attn_k.weight          G*S x E
//	blk.N.attn_v.weight          G*S x E
//	blk.N.attn_output.weight     E x H*S
//	blk.N.ffn_norm.weight        E
//	blk.N.ffn_gate.weight        F x E
//	blk.N.ffn_up.weight          F x E
//	blk.N.ffn_down.weight        E x F
//	output_norm.weight           E
//	output.weight                V x E; without it token_embd.weight serves
//	rope_freqs.weight            S/2; divides the frequencies, may be absent
type llama struct {
	kernels                 *kernel.Set
	context, vocabulary     int
	embedding, feedForward  int
	heads, groups, headSize int
	epsilon                 float32
	rotary                  *nn.Rotary
	tokens, output          *kernel.Matrix // V x E; the same where they are tied
	norm                    []float32
	layers                  []llamaLayer
	free                    func() error
}

type llamaLayer struct {
	attentionNorm, feedForwardNorm []float32
	qkv                            *kernel.Matrix // H*S + G*S + G*S x E
	attentionOut                   *kernel.Matrix
	gateUp                         *kernel.Matrix // F + F x E
	down                           *kernel.Matrix
}

func loadLlama(f *gguf.File, kernels *kernel.Set, threads int) (Network, error) {
	m := &llama{kernels: kernels}
	if err := m.readSizes(f); err != nil {
		return nil, err
	}
	l := newLoader(f)
	var factors []float32
	if l.has("rope_freqs.weight") {
		factors = l.vector("rope_freqs.weight", m.headSize/2)
	}
	base := 10000.0
	if f.Has("llama.rope.freq_base") {
		b, err := f.Float("llama.rope.freq_base")
		if err != nil {
			return nil, err
		}
		if !(b > 1) || b > math.MaxFloat32 {
			return nil, fmt.Errorf("%w: %s: the base of its positions, llama.rope.freq_base, is %g", gguf.ErrFormat, f.Path, b)
		}
		base = b
	}
	m.rotary = nn.NewRotary(m.headSize, base, factors)

	e, ff, q, kv := m.embedding, m.feedForward, m.heads*m.headSize, m.groups*m.headSize
	m.tokens = l.matrix(e, output{"token_embd.weight", m.vocabulary})
	m.output = m.tokens
	if l.has("output.weight") {
		m.output = l.matrix(e, output{"output.weight", m.vocabulary})
	}
	m.norm = l.vector("output_norm.weight", e)
	for i := range m.layers {
		name := func(s string) string { return fmt.Sprintf("blk.%d.%s.weight", i, s) }
		m.layers[i] = llamaLayer{
			attentionNorm:   l.vector(name("attn_norm"), e),
			feedForwardNorm: l.vector(name("ffn_norm"), e),
			qkv:             l.matrix(e, output{name("attn_q"), q}, output{name("attn_k"), kv}, output{name("attn_v"), kv}),
			attentionOut:    l.matrix(q, output{name("attn_output"), e}),
			gateUp:          l.matrix(e, output{name("ffn_gate"), ff}, output{name("ffn_up"), ff}),
			down:            l.matrix(ff, output{name("ffn_down"), e}),
		}
	}
	var err error
	m.free, err = l.read(threads)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// readSizes reads and checks the metadata.
func (m *llama) readSizes(f *gguf.File) error {
	embeddings, ok := f.Tensor("token_embd.weight")
	if !ok {
		return fmt.Errorf("%w: %s: the tensor \"token_embd.weight\" is missing", gguf.ErrFormat, f.Path)
	}
	m.vocabulary = embeddings.Rows()
	blocks := 0
	for _, s := range []struct {
		key    string
		lo, hi int64
		to     *int
	}{
		{"llama.block_count", 1, 1 << 10, &blocks},
		{"llama.context_length", 1, 1 << 24, &m.context},
		{"llama.embedding_length", 16, 1 << 16, &m.embedding},
		{"llama.feed_forward_length", 16, 1 << 18, &m.feedForward},
		{"llama.attention.head_count", 1, 1 << 10, &m.heads},
		{"llama.attention.head_count_kv", 1, 1 << 10, &m.groups},
		{"llama.attention.key_length", 16, 1 << 12, &m.headSize},
	} {
		if !f.Has(s.key) {
			switch s.key {
			case "llama.attention.head_count_kv":
				m.groups = m.heads
				continue
			case "llama.attention.key_length":
				m.headSize = m.embedding / m.heads
				continue
			}
		}
		n, err := f.Int(s.key, s.lo, s.hi)
		if err != nil {
			return err
		}
		*s.to = n
	}
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s: %s", gguf.ErrFormat, f.Path, fmt.Sprintf(format, args...))
	}
	if m.heads%m.groups != 0 {
		return wrong("its %d heads of queries do not divide among %d of keys", m.heads, m.groups)
	}
	for what, n := range map[string]int{"embeddings": m.embedding, "feed-forward layers": m.feedForward, "heads": m.headSize} {
		if n == 0 || n%kernel.Width != 0 {
			return wrong("its %s are of size %d; only multiples of %d are supported", what, n, kernel.Width)
		}
	}
	for _, key := range []string{"llama.attention.value_length", "llama.rope.dimension_count"} {
		if f.Has(key) {
			if _, err := f.Int(key, int64(m.headSize), int64(m.headSize)); err != nil {
				return err
			}
		}
	}
	if f.Has("llama.expert_count") {
		if _, err := f.Int("llama.expert_count", 0, 0); err != nil {
			return err
		}
	}
	if f.Has("llama.rope.scaling.type") {
		if kind, err := f.String("llama.rope.scaling.type"); err != nil || kind != "none" {
			return wrong("its positions are scaled (llama.rope.scaling.type %q), which is not supported", kind)
		}
	}
	epsilon, err := f.Float("llama.attention.layer_norm_rms_epsilon")
	if err != nil {
		return err
	}
	if !(epsilon >= 0) || epsilon > 1 {
		return wrong("its normalisation's epsilon is %g", epsilon)
	}
	m.epsilon = float32(epsilon)
	m.layers = make([]llamaLayer, blocks)
	return nil
}

func (m *llama) Context() int    { return m.context }
func (m *llama) Vocabulary() int { return m.vocabulary }
func (m *llama) Close() error    { return m.free() }

func (m *llama) Cache() nn.CacheShape {
	return nn.CacheShape{Layers: len(m.layers), Heads: m.groups, HeadSize: m.headSize}
}

// llamaState is the memory of a step: R rows of each.
type llamaState struct {
	*llama
	attention nn.Attention
	x         []float32 // R x E, what the layers add to
	normed    []float32 // R x E
	qkv       []float32 // R x (H+G+G)*S
	attended  []float32 // R x H*S
	gateUp    []float32 // R x 2F, kernel.Stride apart
	angles    []float32 // R x S
	logits    []float32 // headRows x V, kernel.Stride apart
	views     []nn.View
	wanted    []wanted
}

// wanted is a row whose logits are asked for.
type wanted struct{ at, span, row int }

func (m *llama) NewState(rows int) State {
	e, s := m.embedding, m.headSize
	return &llamaState{
		llama:     m,
		attention: nn.Attention{Kernels: m.kernels, Heads: m.heads},
		x:         make([]float32, rows*e),
		normed:    make([]float32, max(rows, headRows)*e),
		qkv:       make([]float32, rows*(m.heads+2*m.groups)*s),
		attended:  make([]float32, rows*m.heads*s),
		gateUp:    make([]float32, rows*kernel.Stride(2*m.feedForward)),
		angles:    make([]float32, rows*s),
		logits:    make([]float32, headRows*kernel.Stride(m.vocabulary)),
		views:     make([]nn.View, rows),
	}
}

func (s *llamaState) Step(spans []Span, stop func() bool, emit func(span, row int, logits []float32)) error {
	rows := s.begin(spans)
	for i := range s.layers {
		if stop() {
			return ErrStopped
		}
		s.layer(i, spans, rows)
	}
	return s.head(stop, emit)
}

// begin looks up the tokens and makes room in the caches.
func (s *llamaState) begin(spans []Span) int {
	e := s.embedding
	s.wanted = s.wanted[:0]
	at := 0
	for i, span := range spans {
		span.Cache.Grow(len(span.Rows))
		for j, row := range span.Rows {
			s.tokens.Row(int(row.Token), s.x[at*e:(at+1)*e])
			s.rotary.Angles(s.angles[at*s.headSize:(at+1)*s.headSize], row.Position)
			s.views[at] = row.View
			if row.Logits {
				s.wanted = append(s.wanted, wanted{at, i, j})
			}
			at++
		}
	}
	return at
}

func (s *llamaState) layer(n int, spans []Span, rows int) {
	layer := &s.layers[n]
	e, ff := s.embedding, s.feedForward
	q, kv := s.heads*s.headSize, s.groups*s.headSize
	width := q + 2*kv

	s.normalise(rows, layer.attentionNorm)
	s.kernels.Mul(rows, s.normed, e, layer.qkv, s.qkv, width, false)
	scale := float32(1 / math.Sqrt(float64(s.headSize)))
	for i := range rows {
		row, angles := s.qkv[i*width:(i+1)*width], s.angles[i*s.headSize:(i+1)*s.headSize]
		nn.Rotate(row[:q], angles, scale)
		nn.Rotate(row[q:q+kv], angles, 1)
	}
	at := 0
	for _, span := range spans {
		count := len(span.Rows)
		span.Cache.Put(n, span.Cache.Len()-count, count, s.qkv[at*width+q:], s.qkv[at*width+q+kv:], width)
		s.attention.Do(n, span.Cache, s.views[at:at+count], s.qkv[at*width:], width, s.attended[at*q:], q)
		at += count
	}
	s.kernels.Mul(rows, s.attended, q, layer.attentionOut, s.x, e, true)

	s.normalise(rows, layer.feedForwardNorm)
	inner := kernel.Stride(2 * ff)
	s.kernels.Mul(rows, s.normed, e, layer.gateUp, s.gateUp, inner, false)
	for i := range rows {
		gate, up := s.gateUp[i*inner:i*inner+ff], s.gateUp[i*inner+ff:i*inner+2*ff]
		s.kernels.SiluMul(gate, gate, up)
	}
	s.kernels.Mul(rows, s.gateUp, inner, layer.down, s.x, e, true)
}

func (s *llamaState) normalise(rows int, weight []float32) {
	e := s.embedding
	for i := range rows {
		nn.RMSNorm(s.normed[i*e:(i+1)*e], s.x[i*e:(i+1)*e], weight, s.epsilon)
	}
}

// head computes the logits that are wanted, a few rows at a time: those of a
// large vocabulary take more memory than all the rest.
func (s *llamaState) head(stop func() bool, emit func(span, row int, logits []float32)) error {
	e, width := s.embedding, kernel.Stride(s.vocabulary)
	for first := 0; first < len(s.wanted); first += headRows {
		if stop() {
			return ErrStopped
		}
		some := s.wanted[first:min(first+headRows, len(s.wanted))]
		for i, w := range some {
			nn.RMSNorm(s.normed[i*e:(i+1)*e], s.x[w.at*e:(w.at+1)*e], s.norm, s.epsilon)
		}
		s.kernels.Mul(len(some), s.normed, e, s.output, s.logits, width, false)
		for i, w := range some {
			emit(w.span, w.row, s.logits[i*width:i*width+s.vocabulary])
		}
	}
	return nil
}
