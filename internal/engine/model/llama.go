package model

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/llm"
)

// loadLlama loads a model of the Llama architecture (Llama, SmolLM2, TinyLlama), which is a decoder
// without additions. With the sizes of decoder, the weights are, as outputs x inputs, in a GGUF
// file and in safetensors files:
//
//	token_embd.weight            model.embed_tokens.weight               V x E
//	blk.N.attn_norm.weight       model.layers.N.input_layernorm.weight   E
//	blk.N.attn_q.weight          ....self_attn.q_proj.weight             H*S x E
//	blk.N.attn_k.weight          ....self_attn.k_proj.weight             G*S x E
//	blk.N.attn_v.weight          ....self_attn.v_proj.weight             G*S x E
//	blk.N.attn_output.weight     ....self_attn.o_proj.weight             E x H*S
//	blk.N.ffn_norm.weight        ....post_attention_layernorm.weight     E
//	blk.N.ffn_gate.weight        ....mlp.gate_proj.weight                F x E
//	blk.N.ffn_up.weight          ....mlp.up_proj.weight                  F x E
//	blk.N.ffn_down.weight        ....mlp.down_proj.weight                E x F
//	output_norm.weight           model.norm.weight                       E
//	output.weight                lm_head.weight                          V x E; if missing, the embeddings may be used
//	rope_freqs.weight                                                    S/2; divides the frequencies; optional
//
// In GGUF files queries and keys are permuted so that the pairs of rotary positions are neighbors.
// In files of embedding models without a head the names do not begin with "model.".
func loadLlama(ctx context.Context, s *Source, p llm.Precision, kernels *kernel.Set, threads int) (Network, error) {
	m := &decoder{kernels: kernels, halves: s.GGUF == nil}
	names := s.decoderNames()
	if err := m.readSizes(s, names.embeddings); err != nil {
		return nil, err
	}
	l := newLoader(s, p, kernels)
	if err := m.readUniform(l); err != nil {
		return nil, err
	}
	m.read(l, names, additions{})
	return m, m.finish(ctx, l, threads)
}

// readUniform reads the settings of models whose layers are all alike.
func (m *decoder) readUniform(l *loader) (err error) {
	if err := l.source.onlyActivation("hidden_act", "silu"); err != nil {
		return err
	}
	if err := l.source.onlyCausal(); err != nil {
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

// onlyCausal returns an error if the model attends to later tokens, as some embedding models do.
func (s *Source) onlyCausal() error {
	both, err := s.boolean(setting{"", "use_bidirectional_attention"}, false)
	if err != nil {
		return err
	}
	causal, err := s.boolean(setting{"attention.causal", "is_causal"}, true)
	if err != nil {
		return err
	}
	if both || !causal {
		return s.wrong("bidirectional attention (use_bidirectional_attention, or is_causal set to false) is not supported")
	}
	return nil
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
	name, missing, err := l.source.headOf(names, a.tied)
	switch {
	case err != nil && l.err == nil:
		l.err = err
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

// rotary reads the settings of rotary positions for a type of layers. Files of transformers 5 have
// them in rope_parameters, in a group for each type if the types differ. Older files have the base
// as a setting of its own, and the other settings of all global layers in rope_scaling.
func (l *loader) rotary(headSize int, kind string, baseName setting, base float64) (*nn.Rotary, error) {
	s := l.source
	if s.GGUF != nil {
		base, err := ropeBase(s, baseName, base)
		if err != nil {
			return nil, err
		}
		factors, err := l.ropeFactorsGGUF(kind, headSize)
		return nn.NewRotary(headSize, base, factors), err
	}
	c, err := s.ropeConfig(kind)
	if err != nil {
		return nil, err
	}
	read := func(c *config, name string) error {
		if c.has("partial_rotary_factor") {
			if x, err := c.number("partial_rotary_factor"); err != nil || x != 1 {
				return s.wrong("partial_rotary_factor is not supported")
			}
		}
		if c.has(name) {
			base, err = c.number(name)
		}
		return err
	}
	if err := read(s.config, baseName.config); err != nil {
		return nil, err
	}
	if c != nil {
		if err := read(c, "rope_theta"); err != nil {
			return nil, err
		}
	}
	if !(base >= minRopeBase && base <= maxRopeBase) {
		return nil, s.wrong("%s is %g, expected %g to %g", baseName.config, base, minRopeBase, maxRopeBase)
	}
	factors, err := s.ropeFactors(c, headSize, base)
	return nn.NewRotary(headSize, base, factors), err
}

// ropeConfig returns the settings of rotary positions for a type of layers, or nil if
// there are none.
func (s *Source) ropeConfig(kind string) (*config, error) {
	if s.config.has("rope_parameters") {
		c, err := s.config.object("rope_parameters")
		switch {
		case err != nil:
			return nil, err
		case c.has(kind):
			return c.object(kind)
		case kind == localLayers:
			return nil, nil
		}
		return c, nil
	}
	if kind == localLayers || !s.config.has("rope_scaling") {
		return nil, nil
	}
	return s.config.object("rope_scaling")
}

// ropeFactorsGGUF returns the divisors of the frequencies of rotary positions, or nil if there are
// none. Llama 3.1 and later scale low frequencies. GGUF files have the divisors, and a config.json
// has settings that define them.
func (l *loader) ropeFactorsGGUF(kind string, headSize int) ([]float32, error) {
	s := l.source
	if kind == localLayers {
		return nil, nil
	}
	scaling, err := s.text(setting{gguf: "rope.scaling.type"})
	if err != nil {
		return nil, err
	}
	factor := 1.0
	switch scaling {
	case "none":
	case "", "linear": // a factor without a type is linear
		for _, key := range []string{"rope.scale_linear", "rope.scaling.factor"} { // the old and the current name
			if k := (setting{gguf: key}); s.has(k) {
				if factor, err = s.number(k, 0, 1e6); err != nil {
					return nil, err
				}
			}
		}
	default:
		return nil, s.wrong("rope.scaling.type %q is not supported; only linear is", scaling)
	}
	var factors []float32
	if l.has("rope_freqs.weight") {
		factors = l.vector("rope_freqs.weight", headSize/2, 0)
	}
	if factor == 0 || factor == 1 { // 0 means none
		return factors, nil
	}
	if factors == nil {
		return slices.Repeat([]float32{float32(factor)}, headSize/2), nil
	}
	for i := range factors {
		factors[i] *= float32(factor)
	}
	return factors, nil
}

// ropeFactors is ropeFactorsGGUF for the settings of a config.json.
func (s *Source) ropeFactors(c *config, headSize int, base float64) ([]float32, error) {
	if c == nil {
		return nil, nil
	}
	kind, _ := c.values["rope_type"].(string)
	if kind == "" {
		kind, _ = c.values["type"].(string) // the name in older files
	}
	keys := []string{"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"}
	switch kind {
	case "", "default":
		return nil, nil
	case "linear":
		keys = keys[:1]
	case "llama3":
	default:
		return nil, s.wrong("rope_type %q is not supported; the supported types are linear and llama3", kind)
	}
	var v [4]float64
	for i, key := range keys {
		var err error
		if v[i], err = c.number(key); err != nil {
			return nil, err
		}
		if !(v[i] > 0 && v[i] < 1e9) {
			return nil, s.wrong("%s of the rotary positions is %g, which is out of range", key, v[i])
		}
	}
	factor, low, high, original := v[0], v[1], v[2], v[3]
	if kind == "linear" {
		return slices.Repeat([]float32{float32(factor)}, headSize/2), nil
	}
	if high <= low {
		return nil, s.wrong("high_freq_factor of the rotary positions, %g, is not greater than low_freq_factor, %g", high, low)
	}
	factors := make([]float32, headSize/2)
	for i := range factors {
		turns := original / (2 * math.Pi) * math.Pow(base, -2*float64(i)/float64(headSize))
		smooth := min(1, max(0, (turns-low)/(high-low)))
		factors[i] = float32(1 / ((1-smooth)/factor + smooth))
	}
	return factors, nil
}
