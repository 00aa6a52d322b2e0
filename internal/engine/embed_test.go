package engine

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/internal/weights/safetensors/safetensorstest"
	"github.com/firesteel/firesteel/llm"
)

// vectorsFolder writes the model of testdata/vectors with additional files.
func vectorsFolder(t *testing.T, postProcessor json.RawMessage, files map[string]json.RawMessage) string {
	t.Helper()
	return seededFolder(t, true, postProcessor, files)
}

// seededFolder writes that model, or one with separate weights of the head.
func seededFolder(t *testing.T, tied bool, postProcessor json.RawMessage, files map[string]json.RawMessage) string {
	t.Helper()
	folder := t.TempDir()
	shape := safetensorstest.Decoder{Architecture: "Qwen3ForCausalLM", VocabSize: 464, HiddenSize: 64, Intermediate: 96, Layers: 3, Heads: 4, KeyHeads: 2, HeadDim: 32, Tied: tied,
		More: map[string]any{"rope_theta": 1000000}}
	if err := safetensorstest.WriteDecoder(folder, shape); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join("..", "tokenizer", "testdata", "llama3.json"))
	if err != nil {
		t.Fatal(err)
	}
	var tokenizer map[string]any
	if err := json.Unmarshal(data, &tokenizer); err != nil {
		t.Fatal(err)
	}
	tokenizer["post_processor"] = postProcessor
	if data, err = json.Marshal(tokenizer); err != nil {
		t.Fatal(err)
	}
	put := func(name string, data []byte) {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	put("tokenizer.json", data)
	for name, data := range files {
		put(name, data)
	}
	return folder
}

type vectorGoldens struct {
	Texts         []string
	PostProcessor json.RawMessage `json:"post_processor"`
	Poolings      []struct {
		Mode    string
		Files   map[string]json.RawMessage
		Vectors [][]float32
	}
}

func readVectors(t *testing.T) (g vectorGoldens) {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors/vectors.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Embeddings equal those of sentence-transformers for the files in the model's folder.
func TestEmbedEqualsSentenceTransformers(t *testing.T) {
	g := readVectors(t)
	for _, p := range g.Poolings {
		e, err := openText(t.Context(), vectorsFolder(t, g.PostProcessor, p.Files), Options{Threads: 2, Precision: llm.Float32})
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Embed(t.Context(), testkit.EmbedRequests(g.Texts...))
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range p.Vectors {
			if got[i].Err != nil || got[i].Cut != (i == 3) {
				t.Errorf("%s: %q: %v, cut: %v", p.Mode, g.Texts[i], got[i].Err, got[i].Cut)
				continue
			}
			for j, x := range want {
				if d := math.Abs(float64(got[i].Vector[j] - x)); d > 2e-5 {
					t.Errorf("%s: %q: number %d is %g, want %g", p.Mode, g.Texts[i], j, got[i].Vector[j], x)
					break
				}
			}
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Older files have a Boolean for each kind of pooling.
func TestEmbedSettings(t *testing.T) {
	g := readVectors(t)
	const modules = `[{"idx":0,"path":"","type":"sentence_transformers.models.Transformer"},{"idx":1,"path":"1_Pooling","type":"sentence_transformers.models.Pooling"}MORE]`
	for _, c := range []struct{ pooling, modules, want string }{
		{`{"pooling_mode_cls_token":false,"pooling_mode_mean_tokens":false,"pooling_mode_lasttoken":true}`, "", "lasttoken"},
		{`{"pooling_mode_max_tokens":true}`, `,{"path":"2_Normalize","type":"sentence_transformers.models.Normalize"}`, "max"},
		{`{"pooling_mode_max_tokens":true,"pooling_mode_mean_tokens":true}`, "", "exactly one kind of pooling"},
		{`{"pooling_mode":"attention"}`, "", "one of mean, weightedmean"},
		{`{"pooling_mode_mean_tokens":true}`, `,{"path":"2_CNN","type":"sentence_transformers.models.CNN"}`, `module type "CNN"`},
	} {
		files := map[string]json.RawMessage{"1_Pooling/config.json": json.RawMessage(c.pooling), "modules.json": json.RawMessage(strings.Replace(modules, "MORE", c.modules, 1))}
		e, err := openText(t.Context(), vectorsFolder(t, g.PostProcessor, files), Options{Threads: 1, Precision: llm.Float32})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		got, err := e.Embed(t.Context(), testkit.EmbedRequests(g.Texts[:1]...))
		at := slices.IndexFunc(g.Poolings, func(p struct {
			Mode    string
			Files   map[string]json.RawMessage
			Vectors [][]float32
		}) bool {
			return p.Mode == c.want
		})
		if at < 0 {
			if !errors.Is(err, llm.ErrModel) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", c.pooling, err, c.want)
			}
			continue
		}
		if err != nil || math.Abs(float64(got[0].Vector[0]-g.Poolings[at].Vectors[0][0])) > 2e-5 {
			t.Errorf("%s: %v, %v", c.pooling, got, err)
		}
		// The model generates text in any case.
		if r, err := e.Do(t.Context(), []llm.Request{{Text: "a", MaxTokens: 2}}); err != nil || r[0].Err != nil {
			t.Errorf("%v, %v", r, err)
		}
	}
}

// In a GGUF file pooling_type selects the pooling, and add_eos_token adds a token after a text.
func TestEmbedGGUF(t *testing.T) {
	vector := func(set func(b *gguftest.Builder)) []float32 {
		b := gguftest.Llama(7)
		set(b)
		e, err := openText(t.Context(), b.Write(t), Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		v, err := e.Embed(t.Context(), testkit.EmbedRequests("one two"))
		if err != nil || v[0].Err != nil {
			t.Fatal(err, v)
		}
		return v[0].Vector
	}
	pooling := func(n uint32) func(b *gguftest.Builder) {
		return func(b *gguftest.Builder) { b.Set("llama.pooling_type", n) }
	}
	plain := vector(func(*gguftest.Builder) {})
	if !slices.Equal(plain, vector(pooling(1))) || !slices.Equal(plain, vector(pooling(0))) {
		t.Error("the default pooling is not the mean")
	}
	last := vector(pooling(3))
	ended := vector(func(b *gguftest.Builder) { pooling(3)(b); b.Set("tokenizer.ggml.add_eos_token", true) })
	all := [][]float32{plain, vector(pooling(2)), last, ended}
	for i := range all {
		for j := range i {
			if slices.Equal(all[i], all[j]) {
				t.Errorf("vectors %d and %d are equal", i, j)
			}
		}
	}
	b := gguftest.Llama(7).Set("llama.pooling_type", uint32(4))
	e, err := openText(t.Context(), b.Write(t), Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Embed(t.Context(), testkit.EmbedRequests("a")); !errors.Is(err, llm.ErrModel) || !strings.Contains(err.Error(), "ranks texts") {
		t.Error(err)
	}
}

func TestEmbed(t *testing.T) {
	e := openTiny(t, Options{Threads: 2})
	texts := []string{"a text", "another one", strings.Repeat("long ", 200), "a text", ""}
	together, err := e.Embed(t.Context(), testkit.EmbedRequests(texts...))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range together {
		if texts[i] == "" {
			continue // has only the token at the beginning, or none
		}
		length := 0.0
		for _, x := range v.Vector {
			length += float64(x) * float64(x)
		}
		if v.Err != nil || math.Abs(length-1) > 1e-5 || v.Cut != (len(texts[i]) > 900) {
			t.Errorf("%q: %v, length %g, cut %v", texts[i], v.Err, length, v.Cut)
		}
		alone, err := e.Embed(t.Context(), testkit.EmbedRequests(texts[i:i+1]...))
		if err != nil || !slices.Equal(alone[0].Vector, v.Vector) {
			t.Errorf("%q separately has another vector: %v", texts[i], err)
		}
	}
	if slices.Equal(together[0].Vector, together[1].Vector) || !slices.Equal(together[0].Vector, together[3].Vector) {
		t.Error("different texts have equal vectors, or equal texts different vectors")
	}
}
