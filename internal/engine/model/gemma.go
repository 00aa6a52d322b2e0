package model

import (
	"context"
	"encoding/json"
	"math"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/llm"
)

// loadGemma3 reads the text part of the Gemma 3 architecture, also of models that
// read pictures: Llama's decoder
// with scaled embeddings, GELU, norms of each head of queries and keys and of
// what layers add, and layers that are local: they see a window of tokens and
// have rotary positions of another base. With the names of loadLlama, the
// norms are
//
//	blk.N.attn_{q,k}_norm.weight       model.layers.N.self_attn.{q,k}_norm.weight       S
//	blk.N.post_attention_norm.weight   model.layers.N.post_attention_layernorm.weight   E
//	blk.N.ffn_norm.weight              ....pre_feedforward_layernorm.weight             E
//	blk.N.post_ffw_norm.weight         ....post_feedforward_layernorm.weight            E
//
// Beside a config.json all norms lack 1, which GGUF files have added. Both hold
// queries and keys so that the pairs of rotary positions are a head's halves.
// GGUF files are untested with such as others write: names and conventions are
// those that llama.cpp reads.
func loadGemma3(ctx context.Context, s *Source, p llm.Precision, kernels *kernel.Set, threads int) (Network, error) {
	m := &decoder{kernels: kernels, halves: true, gelu: true}
	if s.GGUF == nil {
		s.config.defaults(gemma3Defaults)
	}
	names := s.decoderNames()
	if err := m.readSizes(s, names.embeddings); err != nil {
		return nil, err
	}
	m.embeddingScale = float32(math.Sqrt(float64(m.embedding)))
	if err := refuseGemma3(s); err != nil {
		return nil, err
	}
	scalar, err := m.queryScalar(s)
	if err != nil {
		return nil, err
	}
	m.queryScale = float32(1 / math.Sqrt(scalar))
	if err := m.readLocal(s); err != nil {
		return nil, err
	}
	l := newLoader(s, p, kernels)
	if m.rotary, err = l.rotary(m.headSize, globalLayers, setting{"rope.freq_base", "rope_theta"}, 1e6); err != nil {
		return nil, err
	}
	if m.rotaryLocal, err = l.rotary(m.headSize, localLayers, setting{"rope.freq_base_swa", "rope_local_base_freq"}, 1e4); err != nil {
		return nil, err
	}
	a := additions{headNorms: true, afterNorms: true, tied: true}
	if s.Architecture == "Gemma3ForConditionalGeneration" {
		l.ignorePrefix("vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector.")
	}
	if s.GGUF == nil {
		a.normPlus = 1
	}
	m.read(l, names, a)
	return m, m.finish(ctx, l, threads)
}

// gemma3Defaults are what a config.json leaves out where it is as transformers
// has it: those of models that also read pictures do.
var gemma3Defaults = map[string]any{
	"num_attention_heads": json.Number("8"), "num_key_value_heads": json.Number("4"), "head_dim": json.Number("256"), "hidden_size": json.Number("2304"),
	"num_hidden_layers": json.Number("26"), "intermediate_size": json.Number("9216"), "max_position_embeddings": json.Number("131072"),
	"rms_norm_eps": json.Number("1e-6"), "sliding_window": json.Number("4096"), "query_pre_attn_scalar": json.Number("256"),
}

// refuseGemma3 refuses what relatives of Gemma 3 have.
func refuseGemma3(s *Source) error {
	if err := s.onlyActivation("hidden_activation", "gelu_pytorch_tanh"); err != nil {
		return err
	}
	for _, k := range []setting{
		{"final_logit_softcapping", "final_logit_softcapping"},
		{"attn_logit_softcapping", "attn_logit_softcapping"},
	} {
		if !s.has(k) {
			continue
		}
		if x, err := s.number(k, 0, 1e6); err != nil {
			return err
		} else if x != 0 {
			return s.wrong("its scores are capped (%s is %g), which is not supported for Gemma 3", k.config, x)
		}
	}
	return s.onlyCausal()
}

// queryScalar is what scores are divided by the root of. GGUF files do not say:
// it is the size of a head, but for the model of 27 billion parameters.
func (m *decoder) queryScalar(s *Source) (float64, error) {
	if k := (setting{config: "query_pre_attn_scalar"}); s.has(k) {
		return s.number(k, 1, 1<<16)
	}
	if len(m.layers) == 62 {
		return float64(m.embedding / m.heads), nil
	}
	return float64(m.headSize), nil
}

// readLocal reads which layers are local, and their window.
func (m *decoder) readLocal(s *Source) error {
	window := setting{"attention.sliding_window", "sliding_window"}
	if !s.has(window) && s.GGUF != nil {
		return nil // all are global
	}
	var err error
	if m.window, err = s.integer(window, 1, 1<<24); err != nil {
		return err
	}
	kinds, err := s.layerKinds()
	if err != nil {
		return err
	}
	if kinds == nil {
		every := 6
		pattern := setting{"attention.sliding_window_pattern", "sliding_window_pattern"}
		if err := s.readSizes([]size{{pattern, 1, 1 << 10, &every}}); err != nil {
			return err
		}
		for i := range m.layers {
			m.layers[i].local = (i+1)%every != 0
		}
		return nil
	}
	if len(kinds) != len(m.layers) {
		return s.wrong("layer_types names %d layers of %d", len(kinds), len(m.layers))
	}
	for i, kind := range kinds {
		if kind != globalLayers && kind != localLayers {
			return s.wrong("layer %d is of the kind %q; %s and %s are supported", i, kind, globalLayers, localLayers)
		}
		m.layers[i].local = kind == localLayers
	}
	return nil
}
