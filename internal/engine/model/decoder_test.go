package model

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/internal/weights/safetensors/safetensorstest"
	"github.com/firesteel/firesteel/llm"
)

func loadFrom(path string, kernels *kernel.Set) (Network, func() error, error) {
	source, err := OpenSource(path)
	if err != nil {
		return nil, nil, err
	}
	network, err := Load(context.Background(), source, llm.Float32, kernels, 2)
	if err != nil {
		return nil, nil, errors.Join(err, source.Close())
	}
	return network, func() error { return errors.Join(network.Close(), source.Close()) }, nil
}

func mustLoad(t *testing.T, path string, kernels *kernel.Set) Network {
	t.Helper()
	network, closeAll, err := loadFrom(path, kernels)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := closeAll(); err != nil {
			t.Error(err)
		}
	})
	return network
}

func seededDecoder(t *testing.T, name string) (folder string) {
	t.Helper()
	for _, shape := range safetensorstest.Decoders() {
		if shape.Name == name {
			folder = t.TempDir()
			if err := safetensorstest.WriteDecoder(folder, shape); err != nil {
				t.Fatal(err)
			}
			return folder
		}
	}
	t.Fatalf("no shape %s", name)
	return ""
}

// continuation is a prompt and its continuation.
type continuation struct {
	cache  *nn.Cache
	next   []int32 // tokens of the next steps
	output []int32
	logits [][]float32 // by step
}

// continueAll continues all prompts together with greedy decoding. It reads at most rows tokens of
// a prompt at a time.
func continueAll(t *testing.T, network Network, prompts [][]int32, steps, rows int) []*continuation {
	t.Helper()
	pool := &nn.Pool{Shape: network.Cache()}
	state := network.NewState(rows*len(prompts), network.Vocabulary(), nil)
	all := make([]*continuation, len(prompts))
	for i, p := range prompts {
		all[i] = &continuation{cache: nn.NewCache(pool, nil), next: p}
	}
	for {
		var active []*continuation
		var spans []Span
		for _, c := range all {
			if len(c.output) == steps {
				continue
			}
			span := Span{Cache: c.cache}
			n := min(rows, len(c.next))
			for i, token := range c.next[:n] {
				at := c.cache.Len() + i
				span.Rows = append(span.Rows, Row{Token: token, Position: at, View: nn.View{Leading: at + 1}})
			}
			if c.next = c.next[n:]; len(c.next) == 0 {
				span.Rows[n-1].Want = Logits
			}
			active, spans = append(active, c), append(spans, span)
		}
		if len(active) == 0 {
			return all
		}
		err := state.Step(spans, func() bool { return false }, func(span, _ int, out Out) {
			logits := out.Values
			c := active[span]
			best := int32(0)
			for i, x := range logits {
				if x > logits[best] {
					best = int32(i)
				}
			}
			c.output, c.next = append(c.output, best), []int32{best}
			c.logits = append(c.logits, slices.Clone(logits))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func equalLogits(a, b *continuation) bool {
	return slices.EqualFunc(a.logits, b.logits, slices.Equal[[]float32])
}

// The answers of seeded models equal those of Python's transformers, and their logits differ only
// by the rounding of sums in another order.
func TestDecodersEqualTransformers(t *testing.T) {
	for _, shape := range safetensorstest.Decoders() {
		for _, kernels := range kernel.Sets() {
			t.Run(shape.Name+"/"+kernels.Name, func(t *testing.T) {
				network := mustLoad(t, seededDecoder(t, shape.Name), kernels)
				cases := readT5Cases(t, "../decoders/"+shape.Name) // the same format
				var prompts [][]int32
				for _, c := range cases {
					prompts = append(prompts, c.input)
				}
				worst := 0.0
				together := continueAll(t, network, prompts, 16, 80)
				for i, got := range together {
					worst = max(worst, cases[i].compare(t, got.output, got.logits))
				}
				t.Logf("%d cases; logits differ by at most %.2g", len(cases), worst)

				// Each prompt separately, and in pieces, gives the same bits.
				for i := range prompts {
					if separate := continueAll(t, network, prompts[i:i+1], 16, 7)[0]; !equalLogits(separate, together[i]) {
						t.Fatalf("the logits for %d tokens change with the other prompts", len(prompts[i]))
					}
				}
			})
		}
	}
}

// The logits of branches that are longer than the window of local layers equal those of each branch
// computed separately.
func TestBranchesBeyondTheWindow(t *testing.T) {
	network := mustLoad(t, seededDecoder(t, "tiny-gemma3"), kernel.Sets()[0])
	prompt, branches := somePrompts[0][:4], [][]int32{somePrompts[0], slices.Clone(somePrompts[0])}
	slices.Reverse(branches[1])
	cache := nn.NewCache(&nn.Pool{Shape: network.Cache()}, nil)
	var rows []Row
	for i, token := range prompt {
		rows = append(rows, Row{Token: token, Position: i, View: nn.View{Leading: i + 1}})
	}
	for _, branch := range branches {
		var extra []int32
		for i, token := range branch {
			extra = append(extra, int32(len(rows)))
			rows = append(rows, Row{Token: token, Position: len(prompt) + i, View: nn.View{Leading: len(prompt), Extra: slices.Clone(extra)}})
		}
		rows[len(rows)-1].Want = Logits
	}
	var got [][]float32
	err := network.NewState(len(rows), network.Vocabulary(), nil).Step([]Span{{Cache: cache, Rows: rows}}, func() bool { return false }, func(_, _ int, out Out) {
		logits := out.Values
		got = append(got, slices.Clone(logits))
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, branch := range branches {
		want := continueAll(t, network, [][]int32{slices.Concat(prompt, branch)}, 1, 32)[0].logits[0]
		for id, x := range got[i] {
			if off := math.Abs(float64(x - want[id])); !(off < 1e-4) {
				t.Fatalf("branch %d: the logit of %d is %g, separately %g", i, id, x, want[id])
			}
		}
	}
}

// rewrite changes a folder's config.json. It removes settings that are nil.
func rewrite(t *testing.T, folder string, changes map[string]any) {
	t.Helper()
	path := filepath.Join(folder, "config.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var settings map[string]any
	if err := json.Unmarshal(text, &settings); err != nil {
		t.Fatal(err)
	}
	maps.Copy(settings, changes)
	maps.DeleteFunc(settings, func(_ string, v any) bool { return v == nil })
	if text, err = json.Marshal(settings); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

type settings = map[string]any

var somePrompts = [][]int32{{5, 200, 17, 3, 90, 41, 8, 8, 120, 255, 0, 77, 31, 64, 2, 190, 11, 54, 9, 100}}

// Settings with the names of transformers 5 are equivalent to the older ones.
func TestDecoderSettingsOfTransformers5(t *testing.T) {
	kernels := kernel.Sets()[0]
	none := settings{"rope_theta": nil, "rope_scaling": nil, "rope_local_base_freq": nil, "sliding_window_pattern": nil}
	for name, changes := range map[string]settings{
		"tiny-llama": {"rope_parameters": settings{"rope_type": "default", "rope_theta": 10000}},
		"tiny-llama3": {"rope_parameters": settings{"rope_type": "llama3", "rope_theta": 500000, "factor": 8,
			"low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 32}},
		"tiny-qwen2": {"rope_parameters": settings{"rope_type": "default", "rope_theta": 1000000}, "sliding_window": nil,
			"layer_types": []string{"full_attention", "full_attention", "full_attention"}},
		"tiny-qwen3": {"rope_parameters": settings{"rope_type": "default", "rope_theta": 1000000}},
		"tiny-gemma3": {"rope_parameters": settings{
			"full_attention":    settings{"rope_type": "linear", "rope_theta": 1000000, "factor": 8},
			"sliding_attention": settings{"rope_type": "default", "rope_theta": 10000},
		}, "layer_types": []string{"sliding_attention", "sliding_attention", "full_attention", "sliding_attention"}},
	} {
		folder := seededDecoder(t, name)
		before := continueAll(t, mustLoad(t, folder, kernels), somePrompts, 4, 32)[0]
		rewrite(t, folder, none)
		rewrite(t, folder, changes)
		if after := continueAll(t, mustLoad(t, folder, kernels), somePrompts, 4, 32)[0]; !equalLogits(before, after) {
			t.Errorf("%s: logits change with the names of settings", name)
		}
	}
}

func shapeOf(t *testing.T, name string) safetensorstest.Decoder {
	t.Helper()
	for _, shape := range safetensorstest.Decoders() {
		if shape.Name == name {
			return shape
		}
	}
	t.Fatalf("no shape %s", name)
	panic("")
}

// Weights with other names, and additional tensors, give the same logits.
func TestDecoderNames(t *testing.T) {
	kernels := kernel.Sets()[0]
	trim := func(name string) string { return strings.TrimPrefix(name, "model.") }
	for _, c := range []struct {
		shape, architecture string
		renamed             func(name string) string
		extra               []string
	}{
		{"tiny-qwen3", "Qwen3ForCausalLM", trim, nil}, // Qwen3-Embedding
		{"tiny-qwen2", "Qwen2ForCausalLM", trim, []string{"rotary_emb.inv_freq"}},
		{"tiny-llama", "LlamaForCausalLM", nil, []string{"model.layers.0.self_attn.rotary_emb.inv_freq", "model.layers.2.self_attn.rotary_emb.inv_freq"}},
		{"tiny-gemma3", "Gemma3ForConditionalGeneration", func(name string) string {
			if strings.HasPrefix(name, "vision") || strings.HasPrefix(name, "multi") {
				return name
			}
			return "language_model." + name
		}, []string{"vision_tower.vision_model.post_layernorm.weight", "multi_modal_projector.mm_soft_emb_norm.weight"}},
		{"tiny-gemma3", "Gemma3ForConditionalGeneration", func(name string) string {
			if strings.HasPrefix(name, "model.v") {
				return name
			}
			return strings.Replace(name, "model.", "model.language_model.", 1)
		}, []string{"model.vision_tower.vision_model.post_layernorm.weight"}},
	} {
		want := continueAll(t, mustLoad(t, seededDecoder(t, c.shape), kernels), somePrompts, 4, 32)[0]
		shape := shapeOf(t, c.shape)
		shape.Renamed, shape.Extra = c.renamed, c.extra
		folder := t.TempDir()
		if err := safetensorstest.WriteDecoder(folder, shape); err != nil {
			t.Fatal(err)
		}
		rewrite(t, folder, settings{"architectures": []string{c.architecture}})
		if c.architecture == "Gemma3ForConditionalGeneration" {
			// Its settings are in a group.
			text := settings{"architectures": []string{"Gemma3ForCausalLM"}}
			for _, key := range []string{"num_hidden_layers", "hidden_size", "intermediate_size", "rope_scaling", "sliding_window", "sliding_window_pattern"} {
				var all settings
				data, err := os.ReadFile(filepath.Join(folder, "config.json"))
				if err = errors.Join(err, json.Unmarshal(data, &all)); err != nil {
					t.Fatal(err)
				}
				if all[key] != nil {
					text[key] = all[key]
				}
				rewrite(t, folder, settings{key: nil})
			}
			rewrite(t, folder, settings{"text_config": text, "vision_config": settings{"hidden_size": 9}})
		}
		if got := continueAll(t, mustLoad(t, folder, kernels), somePrompts, 4, 32)[0]; !equalLogits(got, want) {
			t.Errorf("%s as %s: logits differ", c.shape, c.architecture)
		}
	}
}

// The head has its own weights, or uses the embeddings if the settings say so. Otherwise there is
// no head.
func TestDecoderWithoutHead(t *testing.T) {
	kernels := kernel.Sets()[0]
	tied := shapeOf(t, "tiny-qwen3")
	for _, c := range []struct {
		architecture string
		tied         any
		headless     bool
	}{
		{"Qwen3ForCausalLM", true, false},
		{"Qwen3ForCausalLM", false, true},
		{"Qwen3ForCausalLM", nil, true}, // the default of transformers
		{"Qwen3Model", false, true},
	} {
		folder := t.TempDir()
		if err := safetensorstest.WriteDecoder(folder, tied); err != nil {
			t.Fatal(err)
		}
		rewrite(t, folder, settings{"architectures": []string{c.architecture}, "tie_word_embeddings": c.tied})
		network := mustLoad(t, folder, kernels)
		reason := network.Headless()
		if (reason != "") != c.headless || c.headless && !strings.Contains(reason, "lm_head.weight") {
			t.Errorf("%s, tie_word_embeddings %v: %q", c.architecture, c.tied, reason)
		}
		state := network.NewState(4, network.Vocabulary(), nil)
		span := Span{Cache: nn.NewCache(&nn.Pool{Shape: network.Cache()}, nil), Rows: []Row{{Token: 5, View: nn.View{Leading: 1}, Want: Hidden}}}
		err := state.Step([]Span{span}, func() bool { return false }, func(_, _ int, out Out) {
			if len(out.Values) != tied.HiddenSize {
				t.Errorf("the hidden state has %d numbers", len(out.Values))
			}
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestUnsupportedDecoders(t *testing.T) {
	for _, c := range []struct {
		shape   string
		changes settings
		want    string
	}{
		{"tiny-llama", settings{"rope_scaling": settings{"type": "dynamic", "factor": 2}}, `"dynamic"`},
		{"tiny-llama", settings{"hidden_act": "gelu"}, "only silu"},
		{"tiny-llama", settings{"partial_rotary_factor": .5}, "partial_rotary_factor"},
		{"tiny-qwen2", settings{"rope_scaling": settings{"type": "yarn", "factor": 4}}, `"yarn"`},
		{"tiny-qwen2", settings{"rope_parameters": settings{"rope_type": "yarn", "rope_theta": 10000}}, `"yarn"`},
		{"tiny-qwen2", settings{"use_sliding_window": true}, "use_sliding_window"},
		{"tiny-qwen2", settings{"layer_types": []string{"full_attention", "sliding_attention", "full_attention"}}, "layer 1"},
		{"tiny-qwen2", settings{"architectures": []string{"LlamaForCausalLM"}}, "not part of the supported architecture"},
		{"tiny-qwen2", settings{"architectures": []string{"Qwen3ForCausalLM"}}, "q_norm.weight\" is missing"},
		{"tiny-qwen3", settings{"architectures": []string{"Qwen2ForCausalLM"}}, "q_proj.bias\" is missing"},
		{"tiny-qwen3", settings{"num_experts": 8}, "num_experts"},
		{"tiny-qwen3", settings{"head_dim": 16}, "shape"},
		{"tiny-qwen3", settings{"rope_theta": 0}, "rope_theta"},
		{"tiny-gemma3", settings{"final_logit_softcapping": 30}, "final_logit_softcapping"},
		{"tiny-gemma3", settings{"hidden_activation": "gelu"}, "gelu_pytorch_tanh"},
		{"tiny-gemma3", settings{"layer_types": []string{"full_attention"}}, "layer_types has 1 layers, but the model has 4"},
		{"tiny-gemma3", settings{"layer_types": []any{1, 2, 3, 4}}, "layer_types"},
		{"tiny-gemma3", settings{"layer_types": []string{"a", "b", "c", "d"}}, `type "a"`},
		{"tiny-gemma3", settings{"sliding_window": 0}, "sliding_window"},
		{"tiny-llama", settings{"quantization_config": settings{"quant_method": "awq", "bits": 4}}, "quantized by awq"},
		{"tiny-llama", settings{"architectures": []string{"MambaForCausalLM"}}, `"MambaForCausalLM" is not supported; use a model of one of `},
		{"tiny-gemma3", settings{"rope_scaling": settings{"rope_type": "linear", "factor": 0}}, "factor"},
		{"tiny-gemma3", settings{"query_pre_attn_scalar": 0}, "query_pre_attn_scalar"},
	} {
		folder := seededDecoder(t, c.shape)
		rewrite(t, folder, c.changes)
		_, closeAll, err := loadFrom(folder, kernel.Sets()[0])
		if err == nil {
			t.Errorf("%s with %v was loaded", c.shape, c.changes)
			if err := closeAll(); err != nil {
				t.Error(err)
			}
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %v: %v; want %s in the error", c.shape, c.changes, err, c.want)
		}
	}
}

// The same weights with the names of GGUF files give the same logits.
func TestDecodersInGGUF(t *testing.T) {
	for _, c := range []struct {
		shape, architecture string
		more                settings // their keys follow the name of the architecture
	}{
		{"tiny-qwen2", "qwen2", settings{"rope.freq_base": float32(1e6)}},
		{"tiny-qwen3", "qwen3", settings{"rope.freq_base": float32(1e6)}},
		{"tiny-gemma3", "gemma3", settings{"rope.freq_base": float32(1e6), "attention.sliding_window": uint32(16),
			"attention.sliding_window_pattern": uint32(3), "rope.scaling.type": "linear", "rope.scaling.factor": float32(8)}},
		// As in llama.cpp, a factor without a type is linear.
		{"tiny-gemma3", "gemma3", settings{"rope.freq_base": float32(1e6), "attention.sliding_window": uint32(16),
			"attention.sliding_window_pattern": uint32(3), "rope.scaling.factor": float32(8)}},
		{"tiny-gemma3", "gemma3", settings{"rope.freq_base": float32(1e6), "attention.sliding_window": uint32(16),
			"attention.sliding_window_pattern": uint32(3), "rope.scale_linear": float32(8)}},
		{"tiny-qwen2", "qwen2", settings{"rope.freq_base": float32(1e6), "rope.scaling.type": "none", "rope.scaling.factor": float32(8)}},
	} {
		folder := seededDecoder(t, c.shape)
		rewrite(t, folder, settings{"query_pre_attn_scalar": 32}) // the value for a GGUF file
		source, err := OpenSource(folder)
		if err != nil {
			t.Fatal(err)
		}
		b := gguftest.New().Set("general.architecture", c.architecture)
		set := func(key string, value any) { b.Set(c.architecture+"."+key, value) }
		for key, name := range map[string]string{
			"block_count": "num_hidden_layers", "context_length": "max_position_embeddings", "embedding_length": "hidden_size",
			"feed_forward_length": "intermediate_size", "attention.head_count": "num_attention_heads",
			"attention.head_count_kv": "num_key_value_heads", "attention.key_length": "head_dim", "attention.value_length": "head_dim",
		} {
			n, err := source.config.integer(name, 0, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			set(key, uint32(n))
		}
		set("attention.layer_norm_rms_epsilon", float32(1e-6))
		for key, value := range c.more {
			set(key, value)
		}
		afterAttention := "ffn_norm"
		if c.architecture == "gemma3" {
			afterAttention = "post_attention_norm"
		}
		names := strings.NewReplacer("model.layers.", "blk.", "model.embed_tokens", "token_embd", "model.norm", "output_norm",
			"lm_head", "output", "input_layernorm", "attn_norm", "post_attention_layernorm", afterAttention,
			"pre_feedforward_layernorm", "ffn_norm", "post_feedforward_layernorm", "post_ffw_norm",
			"self_attn.o_proj", "attn_output", "self_attn.q_proj", "attn_q", "self_attn.k_proj", "attn_k", "self_attn.v_proj", "attn_v",
			"self_attn.q_norm", "attn_q_norm", "self_attn.k_norm", "attn_k_norm",
			"mlp.gate_proj", "ffn_gate", "mlp.up_proj", "ffn_up", "mlp.down_proj", "ffn_down")
		for _, name := range source.names() {
			x, _ := source.tensor(name)
			rows, count := 1, x.shape[0]
			if len(x.shape) == 2 {
				rows, count = x.shape[0], x.shape[0]*x.shape[1]
			}
			values := make([]float32, count)
			if err := x.read(values, 0, rows); err != nil {
				t.Fatal(err)
			}
			if c.architecture == "gemma3" && strings.HasSuffix(name, "norm.weight") {
				for i := range values {
					values[i]++
				}
			}
			shape := slices.Clone(x.shape)
			slices.Reverse(shape)
			b.F32(names.Replace(name), shape, values)
		}
		if err := source.Close(); err != nil {
			t.Fatal(err)
		}
		kernels := kernel.Sets()[0]
		want := continueAll(t, mustLoad(t, folder, kernels), somePrompts, 4, 32)[0]
		if got := continueAll(t, mustLoad(t, b.Write(t), kernels), somePrompts, 4, 32)[0]; !equalLogits(got, want) {
			t.Errorf("%s: logits differ from those of safetensors", c.architecture)
		}
	}
}
