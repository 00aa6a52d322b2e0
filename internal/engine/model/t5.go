package model

import (
	"context"
	"fmt"
	"math"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/llm"
)

// t5 is the T5 architecture (Raffel et al. 2020), also version 1.1, which
// Flan-T5 has: an encoder that reads the prompt, each token seeing all others,
// and a decoder that attends to what it has read. Positions are biases by
// distance, which all layers of a stack share. With E the embedding size, F the
// feed-forward size, H heads of size S, I = H*S, and V the vocabulary, the
// weights beside a config.json are, as outputs x inputs:
//
//	shared.weight                                                 V x E
//	encoder.block.N.layer.0.layer_norm.weight                     E
//	encoder.block.N.layer.0.SelfAttention.{q,k,v}.weight          I x E
//	encoder.block.N.layer.0.SelfAttention.o.weight                E x I
//	encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight   buckets x H
//	encoder.block.N.layer.1.layer_norm.weight                     E
//	encoder.block.N.layer.1.DenseReluDense.wi.weight              F x E; or wi_0 (gate) and wi_1
//	encoder.block.N.layer.1.DenseReluDense.wo.weight              E x F
//	encoder.final_layer_norm.weight                               E
//	decoder. the same, with layer.1 EncDecAttention, the feed-forward network in layer.2
//	lm_head.weight                                                V x E; without it shared.weight serves, scaled by E^-0.5
type t5 struct {
	kernels                *kernel.Set
	vocabulary             int
	embedding, feedForward int
	heads, headSize        int
	epsilon                float32
	gated                  bool
	start                  int32

	tokens      func(dst []float32, row int32)
	encoder     []t5Layer
	decoder     []t5Layer
	encoderNorm []float32
	encoderBias *nn.Bias
	decoderBias *nn.Bias
	head        head
	held
	encoderShape nn.CacheShape
}

type t5Layer struct {
	attentionNorm, memoryNorm, feedForwardNorm []float32
	qkv, attentionOut                          *nn.Linear
	// Of the decoder: the queries to the encoder's output. The weights of keys
	// make a head's query one to the output itself, those of values make the
	// head's result of what it recalls; see nn.Attention.Recall.
	memoryQuery, memoryOut   *nn.Linear
	memoryKeys, memoryValues nn.Heads
	in, out                  *nn.Linear // in is gate and up, where gated
}

// t5Context bounds prompts and answers. Positions have no bound of their own,
// as distances beyond 128 tokens share a bias, but the models were trained on
// 512 tokens.
const t5Context = 2048

func loadT5(ctx context.Context, s *Source, p llm.Precision, kernels *kernel.Set, threads int) (Network, error) {
	m := &t5{kernels: kernels}
	if s.GGUF != nil {
		return nil, s.wrong("T5 models are read from safetensors files only")
	}
	buckets, furthest, encoders, start := 32, 128, 0, 0
	err := s.readSizes([]size{
		{setting{config: "vocab_size"}, 1, 1 << 24, &m.vocabulary},
		{setting{config: "d_model"}, 16, 1 << 16, &m.embedding},
		{setting{config: "d_ff"}, 16, 1 << 18, &m.feedForward},
		{setting{config: "d_kv"}, 16, 1 << 12, &m.headSize},
		{setting{config: "num_heads"}, 1, 1 << 10, &m.heads},
		{setting{config: "num_layers"}, 1, 1 << 10, &encoders},
		{setting{config: "relative_attention_num_buckets"}, 4, 1 << 12, &buckets},
		{setting{config: "relative_attention_max_distance"}, 2, 1 << 16, &furthest},
		{setting{config: "decoder_start_token_id"}, 0, 1 << 24, &start},
	})
	if err != nil {
		return nil, err
	}
	if start >= m.vocabulary {
		return nil, s.wrong("decoder_start_token_id is %d, of %d tokens", start, m.vocabulary)
	}
	m.start = int32(start)
	decoders := encoders
	if err := s.readSizes([]size{{setting{config: "num_decoder_layers"}, 1, 1 << 10, &decoders}}); err != nil {
		return nil, err
	}
	if buckets%4 != 0 || furthest <= buckets/2 {
		return nil, s.wrong("its positions have %d buckets up to a distance of %d", buckets, furthest)
	}
	if err := s.multiples(map[string]int{"embeddings": m.embedding, "feed-forward layers": m.feedForward, "heads": m.headSize}); err != nil {
		return nil, err
	}
	epsilon := 1e-6
	if k := (setting{config: "layer_norm_epsilon"}); s.has(k) {
		if epsilon, err = s.number(k, 0, 1); err != nil {
			return nil, err
		}
	}
	m.epsilon = float32(epsilon)
	activation, err := s.text(setting{config: "feed_forward_proj"})
	switch {
	case err != nil:
		return nil, err
	case activation == "gated-gelu":
		m.gated = true
	case activation != "relu" && activation != "":
		return nil, s.wrong("its feed-forward network is %q; relu and gated-gelu are supported", activation)
	}
	m.encoderShape = nn.CacheShape{Layers: 1, Heads: m.heads, HeadSize: m.headSize}
	m.encoder, m.decoder = make([]t5Layer, encoders), make([]t5Layer, decoders)
	return m, m.read(ctx, newLoader(s, p, kernels), buckets, furthest, threads)
}

func (m *t5) read(ctx context.Context, l *loader, buckets, furthest, threads int) (err error) {
	e := m.embedding
	m.head.epsilon = m.epsilon
	m.tokens = l.embeddings("shared.weight", e, m.vocabulary)
	l.same("shared.weight", e, m.vocabulary, "encoder.embed_tokens.weight", "decoder.embed_tokens.weight")
	// The first T5 has its outputs scaled, and the embeddings for a head. Settings
	// say so by tie_word_embeddings, but those that transformers 5 has written always
	// have that true, and say the former by a name of its own.
	scaled, err := l.source.truth(setting{config: "tie_word_embeddings"}, true)
	if err == nil {
		scaled, err = l.source.truth(setting{config: "scale_decoder_outputs"}, scaled)
	}
	if err != nil {
		return err
	}
	if scaled {
		m.head.scale = float32(1 / math.Sqrt(float64(e)))
	}
	name := "lm_head.weight"
	if !l.has(name) {
		name = "shared.weight"
	}
	l.head(&m.head, e, output{name, m.vocabulary})
	for _, stack := range []struct {
		name   string
		layers []t5Layer
		norm   *[]float32
		bias   **nn.Bias
		both   bool
	}{
		{"encoder", m.encoder, &m.encoderNorm, &m.encoderBias, true},
		{"decoder", m.decoder, &m.head.norm, &m.decoderBias, false},
	} {
		*stack.norm = l.vector(stack.name+".final_layer_norm.weight", e, 0)
		table := l.table(stack.name+".block.0.layer.0.SelfAttention.relative_attention_bias.weight", m.heads, buckets)
		if l.err != nil {
			return l.err
		}
		*stack.bias = nn.NewBias(table, m.heads, buckets, furthest, t5Context, stack.both)
		for i := range stack.layers {
			m.readLayer(l, fmt.Sprintf("%s.block.%d.layer.", stack.name, i), !stack.both, &stack.layers[i])
		}
	}
	m.held, err = l.read(ctx, threads)
	return err
}

func (m *t5) readLayer(l *loader, prefix string, decoder bool, layer *t5Layer) {
	e, ff, inner := m.embedding, m.feedForward, m.heads*m.headSize
	weight := func(name string, n int) output { return output{prefix + name + ".weight", n} }
	layer.attentionNorm = l.vector(prefix+"0.layer_norm.weight", e, 0)
	layer.qkv = l.matrix(e, weight("0.SelfAttention.q", inner), weight("0.SelfAttention.k", inner), weight("0.SelfAttention.v", inner))
	layer.attentionOut = l.matrix(inner, weight("0.SelfAttention.o", e))
	feedForward := "1."
	if decoder {
		feedForward = "2."
		layer.memoryNorm = l.vector(prefix+"1.layer_norm.weight", e, 0)
		layer.memoryQuery = l.matrix(e, weight("1.EncDecAttention.q", inner))
		layer.memoryKeys = l.heads(prefix+"1.EncDecAttention.k.weight", e, m.heads, m.headSize, true)
		layer.memoryValues = l.heads(prefix+"1.EncDecAttention.v.weight", e, m.heads, m.headSize, false)
		layer.memoryOut = l.matrix(inner, weight("1.EncDecAttention.o", e))
		l.ignore(prefix + "1.EncDecAttention.relative_attention_bias.weight") // some files hold one, which is not used
	}
	layer.feedForwardNorm = l.vector(prefix+feedForward+"layer_norm.weight", e, 0)
	dense := feedForward + "DenseReluDense."
	if m.gated {
		layer.in = l.matrix(e, weight(dense+"wi_0", ff), weight(dense+"wi_1", ff))
	} else {
		layer.in = l.matrix(e, weight(dense+"wi", ff))
	}
	layer.out = l.matrix(ff, weight(dense+"wo", e))
}

func (m *t5) Context() int         { return t5Context }
func (m *t5) Vocabulary() int      { return m.vocabulary }
func (m *t5) Start() (int32, bool) { return m.start, true }
func (m *t5) Headless() string     { return "" }
func (m *t5) Memory() int          { return m.embedding }

func (m *t5) Cache() nn.CacheShape {
	return nn.CacheShape{Layers: len(m.decoder), Heads: m.heads, HeadSize: m.headSize}
}
