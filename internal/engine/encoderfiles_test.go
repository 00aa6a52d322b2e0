package engine

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/weights/safetensors/safetensorstest"
	"github.com/firesteel/firesteel/llm"
)

// bertFolder writes a model of testdata/encoders/tiny-bert.json with a tokenizer of letters and a
// few words, and additional files.
func bertFolder(t testing.TB, architecture string, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	if err := safetensorstest.WriteBert(folder, "testdata/encoders/tiny-bert.json", architecture); err != nil {
		t.Fatal(err)
	}
	put := func(name string, data []byte) {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		put(name, []byte(text))
	}
	return folder
}

func openBert(t testing.TB, architecture string, files map[string]string, o Options) *Encoder {
	t.Helper()
	m, err := Open(context.Background(), bertFolder(t, architecture, files), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m.(*Encoder)
}

// Prompts, dense layers and limits of the model's files apply.
func TestEncoderEmbeddingFiles(t *testing.T) {
	plain := openBert(t, "BertModel", nil, Options{Threads: 1, Precision: llm.Float32})
	vector := func(e *Encoder, r llm.EmbedRequest) llm.Embedding {
		v, err := e.Embed(t.Context(), []llm.EmbedRequest{r})
		if err != nil || v[0].Err != nil {
			t.Fatal(err, v)
		}
		return v[0]
	}
	e := openBert(t, "BertModel", map[string]string{
		"config_sentence_transformers.json": `{"prompts": {"query": "the dog ", "document": "a cat "}, "default_prompt_name": "document"}`,
		"sentence_bert_config.json":         `{"max_seq_length": 12, "do_lower_case": false}`,
	}, Options{Threads: 1, Precision: llm.Float32})
	for _, c := range []struct{ prompt, text string }{{"query", "the dog sat on a mat"}, {"document", "a cat sat on a mat"}, {"", "a cat sat on a mat"}, {"other", "sat on a mat"}} {
		if got, want := vector(e, llm.EmbedRequest{Text: "sat on a mat", Prompt: c.prompt}), vector(plain, llm.EmbedRequest{Text: c.text}); !reflect.DeepEqual(got, want) {
			t.Errorf("prompt %q: %v, want %v", c.prompt, got, want)
		}
	}
	long := vector(e, llm.EmbedRequest{Text: strings.Repeat("dog ", 50), Prompt: "other"})
	if want := vector(plain, llm.EmbedRequest{Text: strings.Repeat("dog ", 10)}); !long.Cut || long.Tokens != 12 || !slices.Equal(long.Vector, want.Vector) {
		t.Errorf("a text of 50 tokens: %+v", long)
	}
	if long := vector(plain, llm.EmbedRequest{Text: strings.Repeat("dog ", 500)}); !long.Cut || long.Tokens != 128 {
		t.Errorf("%d tokens, cut: %v", long.Tokens, long.Cut)
	}
}

// A dense layer between pooling and normalization.
func TestEncoderDense(t *testing.T) {
	const modules = `[{"path": "", "type": "sentence_transformers.models.Transformer"}, {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
		{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}, {"path": "3_Normalize", "type": "sentence_transformers.models.Normalize"}]`
	files := func(activation string) map[string]string {
		// Output i is input i + 1, doubled.
		weights := make([]float32, 16*64)
		for i := range 16 {
			weights[i*64+i+1] = 2
		}
		header := `{"linear.weight":{"dtype":"F32","shape":[16,64],"data_offsets":[0,4096]}}`
		file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		file = append(file, header...)
		for _, w := range weights {
			file = binary.LittleEndian.AppendUint32(file, math.Float32bits(w))
		}
		return map[string]string{
			"modules.json": modules, "2_Dense/model.safetensors": string(file), "1_Pooling/config.json": `{"pooling_mode": "mean"}`,
			"2_Dense/config.json": `{"in_features": 64, "out_features": 16, "bias": false, "activation_function": "torch.nn.modules.` + activation + `"}`,
		}
	}
	request := testkit.EmbedRequests("anna lives in rome")
	plain := openBert(t, "BertModel", nil, Options{Threads: 1, Precision: llm.Float32})
	ids, _, err := embeddingTokens(plain.tokens, plain.embedding, 128, request[0].Text)
	if err != nil {
		t.Fatal(err)
	}
	states := make([]float64, 64)
	err = plain.network.NewState(nil).Run([]model.EncoderInput{{Tokens: ids}}, func() bool { return false }, func(_ int, rows model.Rows) {
		for i := range rows.N {
			for j, x := range rows.Row(i) {
				states[j] += float64(x) / float64(rows.N)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for activation, f := range map[string]func(float64) float64{"linear.Identity": func(x float64) float64 { return x }, "activation.Tanh": math.Tanh} {
		e := openBert(t, "BertModel", files(activation), Options{Threads: 1, Precision: llm.Float32})
		got, err := e.Embed(t.Context(), request)
		if err != nil || got[0].Err != nil || len(got[0].Vector) != 16 || e.Info().Dimensions != 16 {
			t.Fatalf("%s: %v, %v, %d dimensions", activation, got, err, e.Info().Dimensions)
		}
		length := 0.0
		for i := range 16 {
			length += f(2*states[i+1]) * f(2*states[i+1])
		}
		for i, x := range got[0].Vector {
			if want := f(2*states[i+1]) / math.Sqrt(length); math.Abs(float64(x)-want) > 1e-5 {
				t.Errorf("%s: number %d is %g, want %g", activation, i, x, want)
			}
		}
	}
	bad := files("activation.ReLU")
	e := openBert(t, "BertModel", bad, Options{Threads: 1})
	if _, err := e.Embed(t.Context(), request); !errors.Is(err, llm.ErrModel) || !strings.Contains(err.Error(), "activation_function") {
		t.Error(err)
	}
}

// Text models have the roles that their files state.
func TestRolesOfTextModels(t *testing.T) {
	g := readVectors(t)
	for _, c := range []struct {
		files map[string]json.RawMessage
		want  []llm.ModelRole
	}{
		{nil, []llm.ModelRole{llm.Text, llm.Embed}},
		{map[string]json.RawMessage{"1_Pooling/config.json": json.RawMessage(`{"pooling_mode_lasttoken": true}`)}, []llm.ModelRole{llm.Embed}},
		{map[string]json.RawMessage{"1_Pooling/config.json": json.RawMessage(`{}`)}, []llm.ModelRole{llm.Text}},
	} {
		e, err := openText(t.Context(), vectorsFolder(t, g.PostProcessor, c.files), Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		info := e.Info()
		if !slices.Equal(info.Roles, c.want) || info.Architecture != "Qwen3ForCausalLM" || info.Parameters == 0 {
			t.Errorf("%v: %+v", c.files, info)
		}
		if info.Has(llm.Embed) && (info.Dimensions != 64 || info.Pooling == "") {
			t.Errorf("%v: %d dimensions, pooling %q", c.files, info.Dimensions, info.Pooling)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}
