package model

import (
	"math"

	"github.com/firesteel/firesteel/llm/local/kernel"
	"github.com/firesteel/firesteel/llm/local/nn"
)

// loadLlama reads the Llama architecture (Llama, SmolLM2, TinyLlama): a decoder
// without additions. With the sizes of decoder, its weights are, as outputs x
// inputs, in a GGUF file and beside a config.json:
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
//	output.weight                lm_head.weight                          V x E; without it the embeddings serve
//	rope_freqs.weight                                                    S/2; divides the frequencies, may be absent
//
// GGUF files hold queries and keys permuted, so that the pairs of rotary
// positions are neighbours.
func loadLlama(s *Source, p Precision, kernels *kernel.Set, threads int) (Network, error) {
	m := &decoder{kernels: kernels, halves: s.GGUF == nil}
	names := s.decoderNames()
	if err := m.readSizes(s, names.embeddings); err != nil {
		return nil, err
	}
	base, err := ropeBase(s, setting{"rope.freq_base", "rope_theta"}, 10000)
	if err != nil {
		return nil, err
	}
	l := newLoader(s, p)
	factors, err := l.ropeFactors(m.headSize, base)
	if err != nil {
		return nil, err
	}
	m.queryScale = float32(1 / math.Sqrt(float64(m.headSize)))
	m.rotary = nn.NewRotary(m.headSize, base, factors)
	m.read(l, names)
	return m, m.finish(l, threads)
}

// decoderNames are the names of weights outside of layers.
type decoderNames struct{ embeddings, norm, output string }

func (s *Source) decoderNames() decoderNames {
	if s.GGUF != nil {
		return decoderNames{"token_embd.weight", "output_norm.weight", "output.weight"}
	}
	return decoderNames{"model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"}
}

// read plans the weights that all relatives have.
func (m *decoder) read(l *loader, names decoderNames) {
	e, ff, q, kv := m.embedding, m.feedForward, m.heads*m.headSize, m.groups*m.headSize
	m.tokens = l.embeddings(names.embeddings, e, m.vocabulary)
	output := output{names.embeddings, m.vocabulary}
	if l.has(names.output) {
		output.name = names.output
	}
	m.output = l.matrix(e, output)
	m.norm = l.vector(names.norm, e, 0)
	for i := range m.layers {
		m.readLayer(l, i, e, ff, q, kv)
	}
}

func (m *decoder) readLayer(l *loader, i, e, ff, q, kv int) {
	name := func(gguf, tensors string) string {
		return l.source.layer(i, layerNames{gguf + ".weight", tensors + ".weight"})
	}
	layer := &m.layers[i]
	layer.attentionNorm = l.vector(name("attn_norm", "input_layernorm"), e, 0)
	layer.feedForwardNorm = l.vector(name("ffn_norm", "post_attention_layernorm"), e, 0)
	layer.qkv = l.matrix(e,
		output{name("attn_q", "self_attn.q_proj"), q},
		output{name("attn_k", "self_attn.k_proj"), kv},
		output{name("attn_v", "self_attn.v_proj"), kv})
	layer.attentionOut = l.matrix(q, output{name("attn_output", "self_attn.o_proj"), e})
	layer.gateUp = l.matrix(e,
		output{name("ffn_gate", "mlp.gate_proj"), ff},
		output{name("ffn_up", "mlp.up_proj"), ff})
	layer.down = l.matrix(ff, output{name("ffn_down", "mlp.down_proj"), e})
}

func (m *decoder) finish(l *loader, threads int) (err error) {
	m.free, err = l.read(threads)
	return err
}

// ropeFactors reads what divides the frequencies of rotary positions; nil for
// nothing. Llama 3.1 and later stretch low frequencies, which GGUF files hold
// as factors and a config.json as settings.
func (l *loader) ropeFactors(headSize int, base float64) ([]float32, error) {
	s := l.source
	if s.GGUF != nil {
		kind, err := s.text(setting{gguf: "rope.scaling.type"})
		if err != nil {
			return nil, err
		}
		if kind != "" && kind != "none" {
			return nil, s.wrong("its positions are scaled (rope.scaling.type %q), which is not supported", kind)
		}
		if l.has("rope_freqs.weight") {
			return l.vector("rope_freqs.weight", headSize/2, 0), nil
		}
		return nil, nil
	}
	if !s.config.has("rope_scaling") {
		return nil, nil
	}
	c, err := s.config.object("rope_scaling")
	if err != nil {
		return nil, err
	}
	if kind, _ := c.values["rope_type"].(string); kind != "llama3" {
		return nil, s.wrong("its positions are scaled (rope_scaling.rope_type %q), which is not supported; only llama3 is", kind)
	}
	var v [4]float64
	for i, key := range []string{"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"} {
		if v[i], err = c.number(key); err != nil {
			return nil, err
		}
		if !(v[i] > 0 && v[i] < 1e9) {
			return nil, s.wrong("rope_scaling.%s is %g", key, v[i])
		}
	}
	factor, low, high, original := v[0], v[1], v[2], v[3]
	if high <= low {
		return nil, s.wrong("rope_scaling.high_freq_factor, %g, is not above low_freq_factor, %g", high, low)
	}
	factors := make([]float32, headSize/2)
	for i := range factors {
		turns := original / (2 * math.Pi) * math.Pow(base, -2*float64(i)/float64(headSize))
		smooth := min(1, max(0, (turns-low)/(high-low)))
		factors[i] = float32(1 / ((1-smooth)/factor + smooth))
	}
	return factors, nil
}
