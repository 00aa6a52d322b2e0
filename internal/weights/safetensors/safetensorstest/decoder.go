package safetensorstest

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
)

// Decoder describes a decoder of the Llama family.
type Decoder struct {
	Architecture string // LlamaForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM or Gemma3ForCausalLM
	VocabSize    int
	HiddenSize   int
	Intermediate int
	Layers       int
	Heads        int // query heads
	KeyHeads     int
	HeadDim      int
	Tied         bool // the head is the embedding matrix

	// Renamed returns the name of a weight in the file. If it is nil, names are not changed.
	// Extra are the names of additional small tensors in the file.
	Renamed func(name string) string
	Extra   []string

	More map[string]any // additional settings of config.json that do not change shapes
	Name string         // of its golden file in internal/engine/testdata/decoders
}

// Decoders returns decoders for unit tests. Their settings of positions and windows have the
// names that transformers used before version 5, which most files use.
func Decoders() []Decoder {
	tiny := Decoder{VocabSize: 256, HiddenSize: 64, Intermediate: 96, Layers: 3, Heads: 4, KeyHeads: 2, HeadDim: 16}
	shape := func(name, architecture string, more map[string]any) Decoder {
		d := tiny
		d.Name, d.Architecture, d.More = name, architecture, more
		return d
	}
	llama := shape("tiny-llama", "LlamaForCausalLM", map[string]any{"rope_theta": 10000})
	llama3 := shape("tiny-llama3", "LlamaForCausalLM", map[string]any{"rope_theta": 500000, "rope_scaling": map[string]any{
		"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 32,
	}})
	llama3.Tied = true
	qwen2 := shape("tiny-qwen2", "Qwen2ForCausalLM", map[string]any{
		"rope_theta": 1000000, "use_sliding_window": false, "sliding_window": 8, "max_window_layers": 1,
	})
	qwen3 := shape("tiny-qwen3", "Qwen3ForCausalLM", map[string]any{"rope_theta": 1000000, "attention_bias": false, "use_sliding_window": false})
	qwen3.HeadDim, qwen3.Tied = 32, true
	gemma3 := shape("tiny-gemma3", "Gemma3ForCausalLM", map[string]any{
		"rope_theta": 1000000, "rope_local_base_freq": 10000, "rope_scaling": map[string]any{"rope_type": "linear", "factor": 8},
		"sliding_window": 16, "sliding_window_pattern": 3, "query_pre_attn_scalar": 24, "hidden_activation": "gelu_pytorch_tanh",
		"attn_logit_softcapping": nil, "final_logit_softcapping": nil,
	})
	gemma3.HeadDim, gemma3.Layers, gemma3.Tied = 32, 4, true
	return []Decoder{llama, llama3, qwen2, qwen3, gemma3}
}

func (c Decoder) gemma() bool { return c.Architecture == "Gemma3ForCausalLM" }

func (c Decoder) config() map[string]any {
	m := map[string]any{
		"architectures":           []string{c.Architecture},
		"vocab_size":              c.VocabSize,
		"hidden_size":             c.HiddenSize,
		"intermediate_size":       c.Intermediate,
		"num_hidden_layers":       c.Layers,
		"num_attention_heads":     c.Heads,
		"num_key_value_heads":     c.KeyHeads,
		"head_dim":                c.HeadDim,
		"tie_word_embeddings":     c.Tied,
		"max_position_embeddings": 512,
		"rms_norm_eps":            1e-6,
	}
	if !c.gemma() {
		m["hidden_act"] = "silu"
	}
	maps.Copy(m, c.More)
	return m
}

// WriteDecoder writes config.json and model.safetensors with seeded weights to folder.
func WriteDecoder(folder string, c Decoder) error {
	if err := writeJSON(filepath.Join(folder, "config.json"), c.config()); err != nil {
		return err
	}
	all := c.tensors()
	for _, name := range c.Extra {
		all = append(all, tensor{name: name, shape: []int{c.HeadDim / 2}, kind: kind{1, 1}})
	}
	if c.Renamed != nil {
		for i := range all {
			all[i].file = c.Renamed(all[i].name)
		}
	}
	slices.SortFunc(all, func(a, b tensor) int { return cmp.Compare(a.fileName(), b.fileName()) })
	return writeFile(filepath.Join(folder, "model.safetensors"), all, f32)
}

// tensors returns the tensors with their shapes N x K. The gains make greedy answers vary; see
// T5.tensors. If the head is the embedding matrix, the last norm has random signs, so that the
// next token is not always the last token.
func (c Decoder) tensors() []tensor {
	var all []tensor
	add := func(name string, k kind, shape ...int) {
		all = append(all, tensor{name: name, shape: shape, kind: k})
	}
	e, q, kv := c.HiddenSize, c.Heads*c.HeadDim, c.KeyHeads*c.HeadDim
	embedding, norm, last := spread(1, 1), kind{1, .25}, kind{1, .25}
	if c.Tied {
		last = kind{0, 1}
	}
	if c.gemma() { // Gemma scales embeddings, and adds 1 to the weights of norms
		embedding, norm, last = spread(1, e), kind{0, .25}, kind{-1, 4}
	}
	add("model.embed_tokens.weight", embedding, c.VocabSize, e)
	for n := range c.Layers {
		prefix := fmt.Sprintf("model.layers.%d.", n)
		norms := []string{"input_layernorm", "post_attention_layernorm"}
		if c.gemma() {
			norms = append(norms, "pre_feedforward_layernorm", "post_feedforward_layernorm")
		}
		for _, name := range norms {
			add(prefix+name+".weight", norm, e)
		}
		if c.gemma() || c.Architecture == "Qwen3ForCausalLM" {
			add(prefix+"self_attn.q_norm.weight", norm, c.HeadDim)
			add(prefix+"self_attn.k_norm.weight", norm, c.HeadDim)
		}
		add(prefix+"self_attn.q_proj.weight", spread(2, e), q, e)
		add(prefix+"self_attn.k_proj.weight", spread(1, e), kv, e)
		add(prefix+"self_attn.v_proj.weight", spread(1, e), kv, e)
		add(prefix+"self_attn.o_proj.weight", spread(2, q), e, q)
		if c.Architecture == "Qwen2ForCausalLM" {
			add(prefix+"self_attn.q_proj.bias", spread(1, 1), q)
			add(prefix+"self_attn.k_proj.bias", spread(1, 1), kv)
			add(prefix+"self_attn.v_proj.bias", spread(1, 1), kv)
		}
		add(prefix+"mlp.gate_proj.weight", spread(1, e), c.Intermediate, e)
		add(prefix+"mlp.up_proj.weight", spread(1, e), c.Intermediate, e)
		add(prefix+"mlp.down_proj.weight", spread(2, c.Intermediate), e, c.Intermediate)
	}
	add("model.norm.weight", last, e)
	if !c.Tied {
		add("lm_head.weight", spread(4, e), c.VocabSize, e)
	}
	return all
}
