package model

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// readUniform reads the settings of models whose layers are all alike.
func (m *decoder) readUniform(l *loader) (err error) {
	if err := l.source.onlyActivation("hidden_act", "silu"); err != nil {
		return err
	}
	kinds, err := l.source.layerKinds()
	if err != nil {
		return err
	}
	for i, kind := range kinds {
		if kind != globalLayers {
			return l.source.wrong("layer %d has the type %q; only %s is supported", i, kind, globalLayers)
		}
	}
	m.queryScale = float32(1 / math.Sqrt(float64(m.headSize)))
	m.rotary, err = l.rotary(m.headSize, globalLayers, setting{"rope.freq_base", "rope_theta"}, 10000)
	return err
}

// bidirectional reports whether tokens attend to later tokens, as in some embedding models with the
// architecture of a decoder.
func (s *Source) bidirectional() bool {
	both, err := s.boolean(setting{"", "use_bidirectional_attention"}, false)
	if err != nil {
		return false
	}
	causal, err := s.boolean(setting{"attention.causal", "is_causal"}, s.Architecture != "gemma-embedding")
	return both || err == nil && !causal
}

// layerKinds reads layer_types of a config.json. It returns nil if it is missing.
func (s *Source) layerKinds() ([]string, error) {
	if s.GGUF != nil || !s.config.has("layer_types") {
		return nil, nil
	}
	list, _ := s.config.values["layer_types"].([]any)
	kinds := make([]string, len(list))
	for i, v := range list {
		kinds[i], _ = v.(string)
	}
	if len(kinds) == 0 || slices.Contains(kinds, "") {
		return nil, s.config.wrong("layer_types", "a list of names")
	}
	return kinds, nil
}

// onlyActivation checks the activation in a config.json. It may be missing.
func (s *Source) onlyActivation(key, want string) error {
	if s.GGUF != nil {
		return nil // fixed by the architecture
	}
	name, err := s.text(setting{config: key})
	if err == nil && name != "" && name != want {
		return s.wrong("%s is %q; only %s is supported", key, name, want)
	}
	return err
}

// decoderNames are the names of weights that are not in layers.
type decoderNames struct{ embeddings, norm, output string }

func (s *Source) decoderNames() decoderNames {
	if s.GGUF != nil {
		return decoderNames{"token_embd.weight", "output_norm.weight", "output.weight"}
	}
	names := decoderNames{s.prefix + "embed_tokens.weight", s.prefix + "norm.weight", "lm_head.weight"}
	if _, ok := s.tensor("language_model." + names.output); ok {
		names.output = "language_model." + names.output
	}
	return names
}

// headOf returns the name of the weights of the head. As in transformers 5, separate weights are
// used if they exist, even if the settings say that the embeddings are used. If the model has no
// head, name is empty and missing is the reason.
func (s *Source) headOf(names decoderNames, tiedByDefault bool) (name, missing string, err error) {
	if _, ok := s.tensor(names.output); ok {
		return names.output, "", nil
	}
	tied, err := s.boolean(setting{config: "tie_word_embeddings"}, s.GGUF != nil || tiedByDefault)
	if err != nil || tied {
		return names.embeddings, "", err
	}
	return "", fmt.Sprintf("%s has no weights for token scores (%s), and tie_word_embeddings is not set, so it can compute embeddings only", s.Path, names.output), nil
}

// additions are the weights that an architecture has in addition to those of Llama.
type additions struct {
	qkvBias   bool
	headNorms bool // normalization of query and key heads before the rotation
	// outputNorms: the outputs of layers are normalized. post_attention_layernorm then normalizes
	// the output of attention, and pre_feedforward_layernorm the input of the feed-forward network.
	outputNorms bool
	normBias    float32 // to be added to the weights of norms
	tied        bool    // the default of tie_word_embeddings
}

// read plans the weights of the network.
func (m *decoder) read(l *loader, names decoderNames, a additions) {
	e := m.embedding
	m.lookUp = l.embeddings(names.embeddings, e, m.vocabulary)
	m.head = head{norm: l.vector(names.norm, e, a.normBias), epsilon: m.epsilon}
	if m.bidirectional = l.source.bidirectional(); m.bidirectional {
		m.head.missing = l.source.Path + " has bidirectional attention, so it can compute embeddings only"
		l.ignore(names.output)
		l.ignorePrefix("dense_") // see EmbeddingSettings
	}
	name, missing, err := l.source.headOf(names, a.tied)
	switch {
	case err != nil && l.err == nil:
		l.err = err
	case m.bidirectional:
	case missing != "":
		m.head.missing = missing
	default:
		l.head(&m.head, e, output{name, m.vocabulary})
	}
	for i := range m.layers {
		m.readLayer(l, i, a)
	}
}

func (m *decoder) readLayer(l *loader, i int, a additions) {
	e, ff, q, kv := m.embedding, m.feedForward, m.heads*m.headSize, m.groups*m.headSize
	name := func(gguf, tensors string) string { return l.source.layerName(i, gguf, tensors) }
	weight := func(gguf, tensors string) string { return name(gguf+".weight", tensors+".weight") }
	norm := func(gguf, tensors string, k int) []float32 {
		return l.vector(weight(gguf, tensors), k, a.normBias)
	}
	layer := &m.layers[i]
	layer.attentionNorm = norm("attn_norm", "input_layernorm", e)
	if a.outputNorms {
		layer.attentionOutNorm = norm("post_attention_norm", "post_attention_layernorm", e)
		layer.feedForwardNorm = norm("ffn_norm", "pre_feedforward_layernorm", e)
		layer.feedForwardOutNorm = norm("post_ffw_norm", "post_feedforward_layernorm", e)
	} else {
		layer.feedForwardNorm = norm("ffn_norm", "post_attention_layernorm", e)
	}
	layer.qkv = l.matrix(e,
		output{weight("attn_q", "self_attn.q_proj"), q},
		output{weight("attn_k", "self_attn.k_proj"), kv},
		output{weight("attn_v", "self_attn.v_proj"), kv})
	if a.qkvBias {
		layer.qkvBias = slices.Concat(
			l.vector(name("attn_q.bias", "self_attn.q_proj.bias"), q, 0),
			l.vector(name("attn_k.bias", "self_attn.k_proj.bias"), kv, 0),
			l.vector(name("attn_v.bias", "self_attn.v_proj.bias"), kv, 0))
	}
	if a.headNorms {
		layer.queryNorm = norm("attn_q_norm", "self_attn.q_norm", m.headSize)
		layer.keyNorm = norm("attn_k_norm", "self_attn.k_norm", m.headSize)
	}
	layer.attentionOut = l.matrix(q, output{weight("attn_output", "self_attn.o_proj"), e})
	layer.gateUp = l.matrix(e,
		output{weight("ffn_gate", "mlp.gate_proj"), ff},
		output{weight("ffn_up", "mlp.up_proj"), ff})
	layer.down = l.matrix(ff, output{weight("ffn_down", "mlp.down_proj"), e})
}

func (m *decoder) finish(ctx context.Context, l *loader, threads int) (err error) {
	m.weights, err = l.read(ctx, threads)
	return err
}

// Types of layers in a config.json.
const globalLayers, localLayers = "full_attention", "sliding_attention"

// readSizes reads the settings that all architectures have.
func (m *decoder) readSizes(s *Source, embeddings string) error {
	t, ok := s.tensor(embeddings)
	if !ok || len(t.shape) != 2 {
		return s.wrong("the tensor %q, tokens by embedding size, is missing", embeddings)
	}
	m.vocabulary = t.shape[0]
	blocks := 0
	err := s.readSizes([]size{
		{setting{"block_count", "num_hidden_layers"}, 1, 1 << 10, &blocks},
		{setting{"context_length", "max_position_embeddings"}, 1, 1 << 24, &m.context},
		{setting{"embedding_length", "hidden_size"}, 16, 1 << 16, &m.embedding},
		{setting{"feed_forward_length", "intermediate_size"}, 16, 1 << 18, &m.feedForward},
		{setting{"attention.head_count", "num_attention_heads"}, 1, 1 << 10, &m.heads},
	})
	if err != nil {
		return err
	}
	m.groups, m.headSize = m.heads, m.embedding/m.heads
	err = s.readSizes([]size{
		{setting{"attention.head_count_kv", "num_key_value_heads"}, 1, 1 << 10, &m.groups},
		{setting{"attention.key_length", "head_dim"}, 16, 1 << 12, &m.headSize},
	})
	if err != nil {
		return err
	}
	if m.heads%m.groups != 0 {
		return s.wrong("the number of query heads, %d, is not a multiple of the number of key heads, %d", m.heads, m.groups)
	}
	if err := s.multiples(map[string]int{"embeddings": m.embedding, "feed-forward layers": m.feedForward, "heads": m.headSize}); err != nil {
		return err
	}
	for _, key := range []string{"attention.value_length", "rope.dimension_count"} {
		if k := (setting{gguf: key}); s.has(k) {
			if _, err := s.integer(k, int64(m.headSize), int64(m.headSize)); err != nil {
				return err
			}
		}
	}
	for _, k := range []setting{{"expert_count", "num_local_experts"}, {"", "num_experts"}} {
		if s.has(k) {
			if _, err := s.integer(k, 0, 0); err != nil {
				return err
			}
		}
	}
	epsilon, err := s.number(setting{"attention.layer_norm_rms_epsilon", "rms_norm_eps"}, 0, 1)
	m.epsilon = float32(epsilon)
	m.layers = make([]decoderLayer, blocks)
	return err
}

// layerName returns the name of a weight of layer n: in a GGUF file, or in safetensors files.
func (s *Source) layerName(n int, gguf, tensors string) string {
	if s.GGUF != nil {
		return fmt.Sprintf("blk.%d.%s", n, gguf)
	}
	return fmt.Sprintf("%slayers.%d.%s", s.prefix, n, tensors)
}
