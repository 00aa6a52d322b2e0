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

// steps is how many tokens follow each row: what a label and its end may take.
const steps = 8

// writeModel writes Flan-T5-small's shape with seeded weights, and the real
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
		return fmt.Errorf("%w (peers.sh makes it)", err)
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
		n := tokens.Count(text) + 1 // and </s>
		read += n
		work += t5Work(safetensorstest.FlanT5Small(), n, steps)
		j.Requests = append(j.Requests, request{Text: text, Max: steps, Tokens: n})
	}
	fmt.Printf("Flan-T5-small's shape, seeded weights: %d rows of %.1f tokens in the mean, %d new tokens each; %.2f GFLOP a row\n",
		s.rows, float64(read)/float64(s.rows), steps, work/float64(s.rows)/1e9)

	peer := func(name string, limit int, args ...string) func(context.Context) (*contestant, error) {
		return func(ctx context.Context) (*contestant, error) {
			if !s.wanted(name) {
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
		s.ours("firesteel int8", model, llm.Int8),
		peer("CTranslate2 int8", 0, translator("int8")...),
		s.ours("firesteel f32", model, llm.Float32),
		peer("CTranslate2 f32", 0, translator("float32")...),
		s.ours("int8 products alone", kernelsAlone, llm.Int8),
		s.ours("f32 products alone", kernelsAlone, llm.Float32),
		// Row by row, as a UDF of transformers does: a tenth of the rows say enough.
		peer("transformers f32", (s.rows+9)/10, "transformers", model, path, "float32", threads),
	}, [][2]string{
		{"firesteel int8", "CTranslate2 int8"},
		{"firesteel f32", "CTranslate2 f32"},
		{"firesteel f32", "transformers f32"},
		{"firesteel int8", "firesteel f32"},
		{"firesteel int8", "int8 products alone"},
		{"firesteel f32", "f32 products alone"},
	})
}

// t5Work counts the floating-point operations of one row: two for each weight
// that a token meets, and for each number that attention looks at.
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
	decoder := float64(c.NumDecoderLayers) * (r*2*matrix(c.DModel, inner) + // keys and values of what was read
		w*(6*matrix(c.DModel, inner)+forward) + attend(w, (w+1)/2) + attend(w, r))
	return encoder + decoder + w*matrix(c.DModel, c.VocabSize)
}
