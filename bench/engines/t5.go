package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/tokenizer"
	"github.com/firesteel/firesteel/internal/weights/safetensors/safetensorstest"
	"github.com/firesteel/firesteel/llm"
)

// steps is the number of tokens to generate for each row: enough for a label and its end.
const steps = 8

// writeModel writes a model of the shape of Flan-T5-small with seeded weights, and the original
// tokenizer.
func writeModel(folder, shared string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json"} {
		data, err := os.ReadFile(filepath.Join(shared, "models", "flan-t5-small", name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			return err
		}
	}
	return safetensorstest.WriteT5(folder, safetensorstest.FlanT5Small())
}

func measureT5(ctx context.Context, s settings) error {
	reviews, err := s.reviews()
	if err != nil {
		return err
	}
	model := filepath.Join(s.peers, "models", "flan-t5-small")
	path := filepath.Join(model, "tokenizer.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w (run peers.sh)", err)
	}
	tokens, err := tokenizer.ReadJSON(path, data)
	if err != nil {
		return err
	}
	j := job{Name: fmt.Sprintf("reviews of %d", s.sentences), Unit: rows}
	read, work := 0, 0.0
	for i := range s.rows {
		text := "sentiment of the text:"
		for n := range s.sentences {
			text += " " + reviews[(i+n)%len(reviews)]
		}
		n := tokens.Count(text) + 1 // with </s>
		read += n
		work += t5Work(safetensorstest.FlanT5Small(), n, steps)
		j.Requests = append(j.Requests, request{Text: text, Max: steps, Tokens: n})
	}
	fmt.Printf("Flan-T5-small's shape, seeded weights: %d rows of %.1f tokens on average, %d generated tokens each; %.2f GFLOP a row\n",
		s.rows, float64(read)/float64(s.rows), steps, work/float64(s.rows)/1e9)

	peer := func(name string, limit int, args ...string) func(context.Context) (*contestant, error) {
		return func(ctx context.Context) (*contestant, error) {
			if !s.selected(name) {
				return nil, nil
			}
			c, err := s.startPython(ctx, &struct{}{}, args...)
			if err != nil {
				return nil, err
			}
			started := c.contestant(name)
			started.limit = limit
			return started, nil
		}
	}
	threads := strconv.Itoa(s.threads)
	translator := func(precision string) []string {
		return []string{"ctranslate2", filepath.Join(s.peers, "models", "ct2-"+precision), path, precision, threads}
	}
	return contest(ctx, s, []job{j}, []func(context.Context) (*contestant, error){
		s.firesteel("firesteel int8", model, llm.Int8),
		s.firesteelSet("firesteel int8, AVX2", model, llm.Int8, "avx2"),
		peer("CTranslate2 int8", 0, translator("int8")...),
		s.firesteel("firesteel f32", model, llm.Float32),
		peer("CTranslate2 f32", 0, translator("float32")...),
		s.firesteel("int8 products only", kernelsOnly, llm.Int8),
		s.firesteel("f32 products only", kernelsOnly, llm.Float32),
		// Row by row, as in a UDF with transformers. A tenth of the rows is enough.
		peer("transformers f32", (s.rows+9)/10, "transformers", model, path, "float32", threads),
	}, [][2]string{
		{"firesteel int8", "CTranslate2 int8"},
		{"firesteel int8", "firesteel int8, AVX2"},
		{"firesteel int8, AVX2", "CTranslate2 int8"},
		{"firesteel f32", "CTranslate2 f32"},
		{"firesteel f32", "transformers f32"},
		{"firesteel int8", "firesteel f32"},
		{"firesteel int8", "int8 products only"},
		{"firesteel f32", "f32 products only"},
	})
}

// t5Work returns the number of floating-point operations for one row: two for each weight and
// token, and two for each number that attention multiplies.
func t5Work(c safetensorstest.T5, read, written int) float64 {
	inner := c.NumHeads * c.DKV
	matrix := func(k, n int) float64 { return 2 * float64(k) * float64(n) }
	forward := 2 * matrix(c.DModel, c.DFF)
	if strings.HasPrefix(c.FeedForwardProj, "gated-") {
		forward += matrix(c.DModel, c.DFF)
	}
	attend := func(queries, keys float64) float64 { return 4 * queries * keys * float64(inner) }
	r, w := float64(read), float64(written)
	encoder := float64(c.NumLayers) * (r*(4*matrix(c.DModel, inner)+forward) + attend(r, r))
	decoder := float64(c.NumDecoderLayers) * (r*2*matrix(c.DModel, inner) + // keys and values of the encoder output
		w*(6*matrix(c.DModel, inner)+forward) + attend(w, (w+1)/2) + attend(w, r))
	return encoder + decoder + w*matrix(c.DModel, c.VocabSize)
}
