package model

import (
	"context"
	"fmt"
	"math"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/llm"
)

// t5 is the T5 architecture (Raffel et al. 2020), including version 1.1 (Flan-T5): an encoder for
// the prompt, in which each token sees all others, and a decoder that attends to the output of the
// encoder. Positions are relative biases, which all layers of a stack share. With the embedding
// size E, the feed-forward size F, H heads of size S, I = H*S and the vocabulary size V, the
// weights in safetensors files are, as outputs x inputs:
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
//	decoder.  the same, with EncDecAttention in layer.1 and the feed-forward network in layer.2
//	lm_head.weight                                                V x E; if missing, shared.weight is used, scaled by E^-0.5
type t5 struct {
	kernels                *kernel.Set
	vocabulary             int
	embedding, feedForward int
	heads, headSize        int
	epsilon                float32
	gated                  bool
	start                  int32

	lookUp      func(dst []float32, token int32) // the embedding of a token
	encoder     []t5Layer
	decoder     []t5Layer
	encoderNorm []float32
	encoderBias *nn.Bias
	decoderBias *nn.Bias
	head        head
	weights
	encoderShape nn.CacheShape
}

type t5Layer struct {
	attentionNorm, crossNorm, feedForwardNorm []float32
	qkv, attentionOut                         *nn.Linear
	// Cross attention of the decoder. The key weights are applied to the query of a head, and the
	// value weights to its result; see nn.Attention.CrossAttend.
	crossQuery, crossOut   *nn.Linear
	crossKeys, crossValues nn.Heads
	in, out                *nn.Linear // in has gate and up if the network is gated
}

// t5Context limits prompts and answers. Positions have no limit, because distances beyond 128
// tokens share a bias, but the models were trained with 512 tokens.
const t5Context = 2048

func loadT5(ctx context.Context, s *Source, p llm.Precision, kernels *kernel.Set, threads int) (Network, error) {
	m := &t5{kernels: kernels}
	if s.GGUF != nil {
		return nil, s.wrong("T5 models are supported in the safetensors format only")
	}
	buckets, maxDistance, encoders, start := 32, 128, 0, 0
	err := s.readSizes([]size{
		{setting{config: "vocab_size"}, 1, 1 << 24, &m.vocabulary},
		{setting{config: "d_model"}, 16, 1 << 16, &m.embedding},
		{setting{config: "d_ff"}, 16, 1 << 18, &m.feedForward},
		{setting{config: "d_kv"}, 16, 1 << 12, &m.headSize},
		{setting{config: "num_heads"}, 1, 1 << 10, &m.heads},
		{setting{config: "num_layers"}, 1, 1 << 10, &encoders},
		{setting{config: "relative_attention_num_buckets"}, 4, 1 << 12, &buckets},
		{setting{config: "relative_attention_max_distance"}, 2, 1 << 16, &maxDistance},
		{setting{config: "decoder_start_token_id"}, 0, 1 << 24, &start},
	})
	if err != nil {
		return nil, err
	}
	if start >= m.vocabulary {
		return nil, s.wrong("decoder_start_token_id is %d, but the vocabulary has %d tokens", start, m.vocabulary)
	}
	m.start = int32(start)
	decoders := encoders
	if err := s.readSizes([]size{{setting{config: "num_decoder_layers"}, 1, 1 << 10, &decoders}}); err != nil {
		return nil, err
	}
	if buckets%4 != 0 || maxDistance <= buckets/2 {
		return nil, s.wrong("%d relative attention buckets up to a distance of %d are not supported", buckets, maxDistance)
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
		return nil, s.wrong("feed_forward_proj is %q; the supported values are relu and gated-gelu", activation)
	}
	m.encoderShape = nn.CacheShape{Layers: 1, Heads: m.heads, HeadSize: m.headSize}
	m.encoder, m.decoder = make([]t5Layer, encoders), make([]t5Layer, decoders)
	return m, m.read(ctx, newLoader(s, p, kernels), buckets, maxDistance, threads)
}

func (m *t5) read(ctx context.Context, l *loader, buckets, maxDistance, threads int) (err error) {
	e := m.embedding
	m.head.epsilon = m.epsilon
	m.lookUp = l.embeddings("shared.weight", e, m.vocabulary)
	l.checkSame("shared.weight", e, m.vocabulary, "encoder.embed_tokens.weight", "decoder.embed_tokens.weight")
	// The original T5 scales its outputs and uses the embeddings as its head, which is the meaning
	// of tie_word_embeddings. Files of transformers 5 always have tie_word_embeddings set; they
	// have scale_decoder_outputs for the scaling.
	scaled, err := l.source.boolean(setting{config: "tie_word_embeddings"}, true)
	if err == nil {
		scaled, err = l.source.boolean(setting{config: "scale_decoder_outputs"}, scaled)
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
		*stack.bias = nn.NewBias(table, m.heads, buckets, maxDistance, t5Context, stack.both)
		for i := range stack.layers {
			m.readLayer(l, fmt.Sprintf("%s.block.%d.layer.", stack.name, i), !stack.both, &stack.layers[i])
		}
	}
	m.weights, err = l.read(ctx, threads)
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
		layer.crossNorm = l.vector(prefix+"1.layer_norm.weight", e, 0)
		layer.crossQuery = l.matrix(e, weight("1.EncDecAttention.q", inner))
		layer.crossKeys = l.heads(prefix+"1.EncDecAttention.k.weight", e, m.heads, m.headSize, true)
		layer.crossValues = l.heads(prefix+"1.EncDecAttention.v.weight", e, m.heads, m.headSize, false)
		layer.crossOut = l.matrix(inner, weight("1.EncDecAttention.o", e))
		l.ignore(prefix + "1.EncDecAttention.relative_attention_bias.weight") // in some files, but not used
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
func (m *t5) Size() int            { return m.embedding }
func (m *t5) Start() (int32, bool) { return m.start, true }
func (m *t5) Headless() string     { return "" }
func (m *t5) EncoderSize() int     { return m.embedding }

func (m *t5) Cache() nn.CacheShape {
	return nn.CacheShape{Layers: len(m.decoder), Heads: m.heads, HeadSize: m.headSize}
}
