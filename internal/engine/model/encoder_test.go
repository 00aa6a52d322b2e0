package model

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/internal/weights/safetensors/safetensorstest"
	"github.com/firesteel/firesteel/llm"
)

// seededEncoder is a model of a file in testdata/encoders.
type seededEncoder struct {
	Config  map[string]any
	Tensors map[string][]int
	Cases   []struct {
		Tokens []int32
		Types  []int
		Rows   map[string][]float32
	}
}

func (m seededEncoder) architecture() string { return m.Config["architectures"].([]any)[0].(string) }

func (m seededEncoder) inputs() []EncoderInput {
	var all []EncoderInput
	for _, c := range m.Cases {
		in := EncoderInput{Tokens: c.Tokens}
		for _, t := range c.Types {
			in.Types = append(in.Types, int32(t))
		}
		all = append(all, in)
	}
	return all
}

// seededEncoders returns the models of all files in testdata/encoders, by file and architecture.
func seededEncoders(t *testing.T) map[string]seededEncoder {
	t.Helper()
	paths, err := filepath.Glob("../testdata/encoders/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	all := map[string]seededEncoder{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Models []seededEncoder }
		if err := json.Unmarshal(data, &file); err != nil {
			t.Fatal(path, err)
		}
		for _, m := range file.Models {
			name := filepath.Base(path)
			all[name[:len(name)-len(".json")]+"/"+m.architecture()] = m
		}
	}
	return all
}

func loadEncoder(t *testing.T, m seededEncoder, kernels *kernel.Set, p llm.Precision) Encoder {
	t.Helper()
	folder := t.TempDir()
	if err := safetensorstest.WriteEncoder(folder, m.Config, m.Tensors); err != nil {
		t.Fatal(err)
	}
	source, err := OpenSource(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	})
	if !source.IsEncoder() {
		t.Fatalf("%s is not an encoder", source.Architecture)
	}
	e, err := LoadEncoder(context.Background(), source, p, kernels, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// runEncoder returns all rows of all texts.
func runEncoder(t *testing.T, e Encoder, inputs []EncoderInput) [][][]float32 {
	t.Helper()
	var all [][][]float32
	err := e.NewState(nil).Run(inputs, func() bool { return false }, func(i int, rows Rows) {
		if i != len(all) {
			t.Fatalf("output %d follows output %d", i, len(all)-1)
		}
		var copied [][]float32
		for j := range rows.N {
			copied = append(copied, slices.Clone(rows.Row(j)))
		}
		all = append(all, copied)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The outputs of seeded models equal those of Python's transformers. They do not change with the
// other texts of a run, in any bit.
func TestEncodersEqualTransformers(t *testing.T) {
	for name, m := range seededEncoders(t) {
		for _, kernels := range kernel.Sets() {
			t.Run(name+"/"+kernels.Name, func(t *testing.T) {
				e := loadEncoder(t, m, kernels, llm.Float32)
				inputs := m.inputs()
				together := runEncoder(t, e, inputs)
				worst, compared := 0.0, 0
				for i, c := range m.Cases {
					for key, want := range c.Rows {
						row, err := strconv.Atoi(key)
						if err != nil || row >= len(together[i]) || len(together[i][row]) != len(want) {
							t.Fatalf("case %d has %d rows, without row %s of %d numbers", i, len(together[i]), key, len(want))
						}
						for j, x := range want {
							off := math.Abs(float64(together[i][row][j] - x))
							if !(off <= 1e-4) {
								t.Fatalf("%d tokens: number %d of row %d is %g, want %g", len(c.Tokens), j, row, together[i][row][j], x)
							}
							worst = max(worst, off)
							compared++
						}
					}
				}
				t.Logf("%d numbers differ by at most %.2g", compared, worst)
				for i, in := range inputs {
					alone := runEncoder(t, e, []EncoderInput{in})[0]
					if !slices.EqualFunc(alone, together[i], slices.Equal[[]float32]) {
						t.Fatalf("the output for %d tokens changes with the other texts", len(in.Tokens))
					}
				}
			})
		}
	}
}

// The outputs of a GGUF file equal those of the same weights in the safetensors format, in any bit.
func TestEncodersInGGUF(t *testing.T) {
	common := []string{"classifier.dense", "cls", "pooler.dense", "cls", "classifier.out_proj", "cls.output", "classifier", "cls.output"}
	for _, c := range []struct {
		file, architecture string
		more               map[string]any
		names              []string
	}{
		{"tiny-bert", "bert", nil, []string{"bert.", "", "embeddings.word_embeddings", "token_embd", "embeddings.position_embeddings", "position_embd",
			"embeddings.token_type_embeddings", "token_types", "embeddings.LayerNorm", "token_embd_norm", "encoder.layer.", "blk.",
			"attention.self.query", "attn_q", "attention.self.key", "attn_k", "attention.self.value", "attn_v",
			"attention.output.dense", "attn_output", "attention.output.LayerNorm", "attn_output_norm",
			"intermediate.dense", "ffn_up", "output.dense", "ffn_down", "output.LayerNorm", "layer_output_norm"}},
		{"tiny-modernbert", "modern-bert", map[string]any{"attention.sliding_window": uint32(16), "rope.freq_base": float32(160000), "rope.freq_base_swa": float32(10000)},
			[]string{"model.", "", "embeddings.tok_embeddings", "token_embd", "embeddings.norm", "token_embd_norm", "final_norm", "output_norm", "layers.", "blk.",
				"attn.Wqkv", "attn_qkv", "attn.Wo", "attn_output", "mlp.Wi", "ffn_up", "mlp.Wo", "ffn_down", "mlp_norm", "ffn_norm", "head.dense", "cls", "head.norm", "cls.norm"}},
	} {
		for name, m := range seededEncoders(t) {
			if !strings.HasPrefix(name, c.file+"/") || headKind(m.architecture()) == TokenLogits {
				continue // GGUF files have no classes of tokens
			}
			folder := t.TempDir()
			if err := safetensorstest.WriteEncoder(folder, m.Config, m.Tensors); err != nil {
				t.Fatal(err)
			}
			source, err := OpenSource(folder)
			if err != nil {
				t.Fatal(err)
			}
			defer source.Close()
			b := gguftest.New().Set("general.architecture", c.architecture)
			for key, name := range map[string]string{
				"block_count": "num_hidden_layers", "context_length": "max_position_embeddings", "embedding_length": "hidden_size",
				"feed_forward_length": "intermediate_size", "attention.head_count": "num_attention_heads",
			} {
				n, err := source.config.integer(name, 0, 1<<20)
				if err != nil {
					t.Fatal(err)
				}
				b.Set(c.architecture+"."+key, uint32(n))
			}
			epsilon := 1e-12
			if c.architecture == "modern-bert" {
				epsilon = 1e-5
			}
			b.Set(c.architecture+".attention.layer_norm_epsilon", float32(epsilon))
			for key, value := range c.more {
				b.Set(c.architecture+"."+key, value)
			}
			b.Set(c.architecture+".classifier.output_labels", []string{"x", "y", "z"})
			replacer := strings.NewReplacer(append(slices.Clone(c.names), common...)...)
			for _, name := range source.names() {
				x, _ := source.tensor(name)
				rows, count := 1, x.shape[0]
				shape := []int{x.shape[0]}
				if len(x.shape) == 2 {
					rows, count, shape = x.shape[0], x.shape[0]*x.shape[1], []int{x.shape[1], x.shape[0]}
				}
				values := make([]float32, count)
				if err := x.read(values, 0, rows); err != nil {
					t.Fatal(err)
				}
				if renamed := replacer.Replace(name); !strings.HasPrefix(renamed, "pooler") {
					if headKind(m.architecture()) == HiddenStates && strings.HasPrefix(renamed, "cls") {
						continue
					}
					b.F32(renamed, shape, values)
				}
			}
			file, err := OpenSource(b.Write(t))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			e, err := LoadEncoder(t.Context(), file, llm.Float32, kernel.Sets()[0], 2)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			want := loadEncoder(t, m, kernel.Sets()[0], llm.Float32)
			if e.Head() != want.Head() || e.Context() != want.Context() || e.Parameters() != want.Parameters() {
				t.Errorf("%s: head %v, context %d, %d weights; want %v, %d, %d", name, e.Head(), e.Context(), e.Parameters(), want.Head(), want.Context(), want.Parameters())
			}
			if e.Head() == SequenceLogits && !slices.Equal(e.Labels(), []string{"x", "y", "z"}) {
				t.Errorf("%s: labels %q", name, e.Labels())
			}
			a, bits := runEncoder(t, want, m.inputs()), runEncoder(t, e, m.inputs())
			if !reflect.DeepEqual(a, bits) {
				t.Errorf("%s: the outputs of the GGUF file differ", name)
			}
		}
	}
}

// Settings and weights that are not supported are errors that name them.
func TestUnsupportedEncoders(t *testing.T) {
	all := seededEncoders(t)
	for _, c := range []struct {
		name    string
		changes map[string]any
		tensors map[string][]int // other shapes; nil removes a tensor
		want    string
	}{
		{"tiny-bert/BertModel", map[string]any{"hidden_act": "silu"}, nil, "hidden_act"},
		{"tiny-bert/BertModel", map[string]any{"position_embedding_type": "relative_key"}, nil, "position_embedding_type"},
		{"tiny-bert/BertModel", map[string]any{"is_decoder": true}, nil, "is_decoder"},
		{"tiny-bert/BertModel", map[string]any{"num_attention_heads": 3}, nil, "not a multiple of the 3 heads"},
		{"tiny-bert/BertModel", map[string]any{"num_attention_heads": 8}, nil, "the size of the heads is 8"},
		{"tiny-bert/BertModel", map[string]any{"num_attention_heads": 0}, nil, "num_attention_heads"},
		{"tiny-bert/BertModel", map[string]any{"layer_norm_eps": -1}, nil, "layer_norm_eps"},
		{"tiny-bert/BertModel", map[string]any{"max_position_embeddings": 64}, nil, "position_embeddings"},
		{"tiny-bert/BertModel", map[string]any{"num_hidden_layers": 4}, nil, `"encoder.layer.3.attention.self.query.weight" is missing`},
		{"tiny-bert/BertModel", map[string]any{"num_hidden_layers": 2}, nil, "not part of the supported architecture"},
		{"tiny-bert/BertModel", nil, map[string][]int{"encoder.layer.1.attention.self.key.bias": nil}, "only some of the weights"},
		{"tiny-bert/BertModel", nil, map[string][]int{"embeddings.word_embeddings.weight": {256, 32}}, "word_embeddings"},
		{"tiny-bert/BertModel", nil, map[string][]int{"embeddings.LayerNorm.weight": nil}, "embeddings.LayerNorm.weight"},
		{"tiny-bert/BertForTokenClassification", map[string]any{"id2label": map[string]any{"7": "x"}}, nil, "id2label"},
		{"tiny-bert/BertForTokenClassification", map[string]any{"id2label": map[string]any{"zero": "x"}}, nil, "id2label"},
		{"tiny-bert/BertForTokenClassification", nil, map[string][]int{"classifier.weight": nil}, "classifier.weight"},
		{"tiny-bert/BertForSequenceClassification", nil, map[string][]int{"bert.pooler.dense.weight": nil}, "pooler.dense.weight"},
		{"tiny-roberta/RobertaModel", map[string]any{"pad_token_id": 129}, nil, "130 positions"},
		{"tiny-mpnet/MPNetModel", map[string]any{"relative_attention_num_buckets": 30}, nil, "30 relative attention buckets"},
		{"tiny-modernbert/ModernBertForSequenceClassification", map[string]any{"classifier_pooling": "max"}, nil, "classifier_pooling"},
		{"tiny-modernbert/ModernBertModel", map[string]any{"layer_types": []string{"full_attention"}}, nil, "layer_types has 1 layers"},
		{"tiny-modernbert/ModernBertModel", map[string]any{"layer_types": []string{"linear", "full_attention", "full_attention", "full_attention"}}, nil, `the type "linear"`},
		{"tiny-distilbert/DistilBertModel", map[string]any{"n_layers": 1 << 20}, nil, "n_layers"},
	} {
		m, ok := all[c.name]
		if !ok {
			t.Fatal(c.name)
		}
		m.Tensors = maps.Clone(m.Tensors)
		for name, shape := range c.tensors {
			if m.Tensors[name] = shape; shape == nil {
				delete(m.Tensors, name)
			}
		}
		folder := t.TempDir()
		if err := safetensorstest.WriteEncoder(folder, m.Config, m.Tensors); err != nil {
			t.Fatal(err)
		}
		rewrite(t, folder, c.changes)
		source, err := OpenSource(folder)
		if err != nil {
			t.Fatal(err)
		}
		e, err := LoadEncoder(t.Context(), source, llm.Int8, kernel.Sets()[0], 1)
		if err == nil {
			err = errors.Join(errors.New("no error"), e.Close())
		}
		if !errors.Is(err, ErrFormat) && !strings.Contains(err.Error(), "safetensors") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %v, %v: %v, want %q", c.name, c.changes, c.tensors, err, c.want)
		}
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	}
}
