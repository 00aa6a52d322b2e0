package model

import (
	"context"
	"encoding/json"
	"math"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/llm"
)

// loadGemma3 loads a model of the Gemma 3 architecture, or the text model of one that also
// processes images. It is Llama's decoder with scaled embeddings, GELU, normalization of each query
// and key head and of the outputs of layers, and local layers, which see a window of tokens and
// have another base of rotary positions. In addition to the names of loadLlama the norms are
//
//	blk.N.attn_{q,k}_norm.weight       model.layers.N.self_attn.{q,k}_norm.weight       S
//	blk.N.post_attention_norm.weight   model.layers.N.post_attention_layernorm.weight   E
//	blk.N.ffn_norm.weight              ....pre_feedforward_layernorm.weight             E
//	blk.N.post_ffw_norm.weight         ....post_feedforward_layernorm.weight            E
//
// In safetensors files 1 must be added to the weights of norms; GGUF files include it. In both
// formats the pairs of rotary positions are the halves of a head. GGUF files of other programs were
// not tested; names and conventions are those of llama.cpp.
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
	if err := checkGemma3(s); err != nil {
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
	a := additions{headNorms: true, outputNorms: true, tied: true}
	if s.Architecture == "Gemma3ForConditionalGeneration" {
		l.ignorePrefix("vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector.")
	}
	if s.GGUF == nil {
		a.normBias = 1
	}
	m.read(l, names, a)
	return m, m.finish(ctx, l, threads)
}

// gemma3Defaults are the defaults of transformers, which a config.json may omit. The files of
// models that also process images do.
var gemma3Defaults = map[string]any{
	"num_attention_heads": json.Number("8"), "num_key_value_heads": json.Number("4"), "head_dim": json.Number("256"), "hidden_size": json.Number("2304"),
	"num_hidden_layers": json.Number("26"), "intermediate_size": json.Number("9216"), "max_position_embeddings": json.Number("131072"),
	"rms_norm_eps": json.Number("1e-6"), "sliding_window": json.Number("4096"), "query_pre_attn_scalar": json.Number("256"),
}

// checkGemma3 returns an error for settings that are not supported.
func checkGemma3(s *Source) error {
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
			return s.wrong("%s is %g; soft caps are not supported for Gemma 3", k.config, x)
		}
	}
	return nil
}

// queryScalar returns the number whose square root divides the scores. GGUF files do not have it;
// it is the head size, except for the model of 27 billion parameters.
func (m *decoder) queryScalar(s *Source) (float64, error) {
	if k := (setting{config: "query_pre_attn_scalar"}); s.has(k) {
		return s.number(k, 1, 1<<16)
	}
	if len(m.layers) == 62 {
		return float64(m.embedding / m.heads), nil
	}
	return float64(m.headSize), nil
}

// readLocal reads which layers are local, and the size of their window.
func (m *decoder) readLocal(s *Source) error {
	window := setting{"attention.sliding_window", "sliding_window"}
	if !s.has(window) && s.GGUF != nil {
		return nil // all layers are global
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
		return s.wrong("layer_types has %d layers, but the model has %d", len(kinds), len(m.layers))
	}
	for i, kind := range kinds {
		if kind != globalLayers && kind != localLayers {
			return s.wrong("layer %d has the type %q; the supported types are %s and %s", i, kind, globalLayers, localLayers)
		}
		m.layers[i].local = kind == localLayers
	}
	return nil
}
