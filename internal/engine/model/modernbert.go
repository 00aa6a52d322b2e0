package model

import (
	"encoding/json"

	"github.com/firesteel/firesteel/internal/engine/nn"
)

// modernbert describes a model of the ModernBERT architecture (Warner et al. 2024): layers that
// normalize their inputs, with rotary positions, a gated feed-forward network, and local layers,
// which see a window of tokens and have another base of rotary positions. The names of the weights
// in safetensors files, after "model." if the model has a head, are
//
//	embeddings.tok_embeddings.weight    V x E
//	embeddings.norm.weight              E
//	layers.N.attn_norm.weight           E; the first layer has none
//	layers.N.attn.Wqkv.weight           3E x E
//	layers.N.attn.Wo.weight             E x E
//	layers.N.mlp_norm.weight            E
//	layers.N.mlp.Wi.weight              2F x E: the input of the activation, and its factor
//	layers.N.mlp.Wo.weight              E x F
//	final_norm.weight                   E
//
// Each may have a bias. The classes have head.dense, E x E, head.norm, E, and classifier, C x E.
//
// GGUF files have the names of llama.cpp: token_embd, token_embd_norm, output_norm, and in a layer
// attn_norm, attn_qkv, attn_output, ffn_norm, ffn_up and ffn_down; cls, cls.norm and cls.output for
// classes.
func modernbert(s *Source, m *encoder) (encoderNames, error) {
	m.normFirst, m.gated = true, true
	if s.GGUF != nil {
		return ggufModernBert(s, m)
	}
	s.config.defaults(map[string]any{
		"hidden_size": json.Number("768"), "intermediate_size": json.Number("1152"), "num_hidden_layers": json.Number("22"),
		"num_attention_heads": json.Number("12"), "max_position_embeddings": json.Number("8192"),
		"local_attention": json.Number("128"), "global_attn_every_n_layers": json.Number("3"),
	})
	prefix := s.prefixOf("embeddings.tok_embeddings.weight", "model.", "")
	names := encoderNames{
		words: prefix + "embeddings.tok_embeddings", embeddingNorm: prefix + "embeddings.norm",
		layer: prefix + "layers.%d.", qkv: "attn.Wqkv", attentionOut: "attn.Wo", attentionNorm: "attn_norm",
		in: "mlp.Wi", out: "mlp.Wo", feedForwardNorm: "mlp_norm", noFirstNorm: true,
		finalNorm: prefix + "final_norm",
		dense:     "head.dense", denseNorm: "head.norm", classifier: "classifier",
		ignored: []string{"decoder.", "head."},
	}
	err := m.readSizes(s, "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings")
	if err == nil {
		err = m.readEpsilon(s, "norm_eps", 1e-5)
	}
	if err == nil {
		err = m.readActivation(s, "hidden_activation")
	}
	if err == nil {
		err = m.readModernHead(s)
	}
	if err == nil {
		err = m.readModernLocal(s)
	}
	return names, err
}

func ggufModernBert(s *Source, m *encoder) (encoderNames, error) {
	names := encoderNames{
		words: "token_embd", embeddingNorm: "token_embd_norm", finalNorm: "output_norm",
		layer: "blk.%d.", qkv: "attn_qkv", attentionOut: "attn_output", attentionNorm: "attn_norm",
		in: "ffn_up", out: "ffn_down", feedForwardNorm: "ffn_norm", noFirstNorm: true,
	}
	s.ggufHead(m, &names)
	err := m.readSizes(s, "", "", "", "", "")
	if err == nil {
		err = m.readEpsilon(s, "", 1e-5)
	}
	if err == nil {
		err = m.readModernLocal(s)
	}
	return names, err
}

func (m *encoder) readModernHead(s *Source) (err error) {
	m.head.kind = headKind(s.Architecture)
	if m.head.activation, err = s.activation("classifier_activation", gelu); err != nil {
		return err
	}
	pooling, err := s.text(setting{config: "classifier_pooling"})
	switch {
	case err != nil:
		return err
	case pooling == "mean":
		m.head.mean = true
	case pooling != "" && pooling != "cls":
		return s.wrong("classifier_pooling is %q; the supported kinds are cls and mean", pooling)
	}
	return nil
}

// readModernLocal reads the rotary positions, and which layers are local.
func (m *encoder) readModernLocal(s *Source) error {
	width, every := 0, 3
	err := s.readSizes([]size{
		{setting{"attention.sliding_window", "local_attention"}, 2, 1 << 20, &width},
		{setting{"attention.sliding_window_pattern", "global_attn_every_n_layers"}, 1, 1 << 10, &every},
	})
	if err != nil {
		return err
	}
	m.window = width / 2
	m.local = make([]bool, m.blocks)
	for i := range m.local {
		m.local[i] = i%every != 0
	}
	kinds, err := s.layerKinds()
	if err != nil {
		return err
	}
	if kinds != nil && len(kinds) != m.blocks {
		return s.wrong("layer_types has %d layers, but the model has %d", len(kinds), m.blocks)
	}
	for i, kind := range kinds {
		if kind != globalLayers && kind != localLayers {
			return s.wrong("layer %d has the type %q; the supported types are %s and %s", i, kind, globalLayers, localLayers)
		}
		m.local[i] = kind == localLayers
	}
	global, local, err := s.modernRotary()
	if err != nil {
		return err
	}
	m.rotary, m.rotaryLocal = nn.NewRotary(m.headSize, global, nil), nn.NewRotary(m.headSize, local, nil)
	return nil
}

// modernRotary returns the bases of rotary positions of global and local layers.
func (s *Source) modernRotary() (global, local float64, err error) {
	global, local = 160000, 10000
	if s.GGUF != nil {
		if global, err = ropeBase(s, setting{gguf: "rope.freq_base"}, global); err == nil {
			local, err = ropeBase(s, setting{gguf: "rope.freq_base_swa"}, local)
		}
		return global, local, err
	}
	for _, base := range []struct {
		to         *float64
		name, kind string
	}{{&global, "global_rope_theta", globalLayers}, {&local, "local_rope_theta", localLayers}} {
		if s.config.has("rope_parameters") { // since transformers 5
			all, err := s.config.object("rope_parameters")
			if err != nil {
				return 0, 0, err
			}
			if !all.has(base.kind) {
				continue
			}
			c, err := all.object(base.kind)
			if err != nil {
				return 0, 0, err
			}
			if kind, err := c.text("rope_type"); err != nil || kind != "default" {
				return 0, 0, c.wrong("rope_type", "default")
			}
			if *base.to, err = c.number("rope_theta"); err != nil {
				return 0, 0, err
			}
		} else if k := (setting{config: base.name}); s.has(k) {
			if *base.to, err = s.number(k, minRopeBase, maxRopeBase); err != nil {
				return 0, 0, err
			}
		}
		if !(*base.to >= minRopeBase && *base.to <= maxRopeBase) {
			return 0, 0, s.wrong("the base of rotary positions is %g, expected %g to %g", *base.to, minRopeBase, maxRopeBase)
		}
	}
	return global, local, nil
}
