package local

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/weights/safetensors/safetensorstest"
)

// openT5 opens a model of Flan-T5-small's shape, with its tokenizer and seeded
// weights.
func openT5(t testing.TB, o Options) *Engine {
	t.Helper()
	tokenizer, err := os.ReadFile(filepath.Join(testkit.Data(t, "models/flan-t5-small"), "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := safetensorstest.WriteT5(folder, safetensorstest.FlanT5Small()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "tokenizer.json"), tokenizer, 0o644); err != nil {
		t.Fatal(err)
	}
	return mustOpen(t, folder, o)
}

// BenchmarkT5 answers 1,000 product reviews with 8 tokens each.
func BenchmarkT5(b *testing.B) {
	text, err := os.ReadFile(filepath.Join(testkit.Data(b, "data/uci-sentiment"), "amazon_cells_labelled.txt"))
	if err != nil {
		b.Fatal(err)
	}
	var requests []llm.Request
	for line := range strings.Lines(string(text)) {
		sentence, _, _ := strings.Cut(line, "\t")
		requests = append(requests, llm.Request{Text: "sentiment of the text: " + strings.TrimSpace(sentence), MaxTokens: 8})
	}
	for _, precision := range []llm.Precision{llm.Float32, llm.Int8} {
		b.Run(string(precision), func(b *testing.B) {
			e := openT5(b, Options{Precision: precision, IgnoreEnd: true, AnswerBytes: -1})
			tokens := 0
			for b.Loop() {
				results, err := e.Do(context.Background(), requests)
				if err != nil {
					b.Fatal(err)
				}
				tokens = 0
				for _, r := range results {
					if r.Err != nil || r.OutputTokens != 8 {
						b.Fatal(r.Err, r.OutputTokens)
					}
					tokens += r.PromptTokens
				}
			}
			b.ReportMetric(float64(tokens)/float64(len(requests)), "tokens/row")
			b.ReportMetric(float64(len(requests)*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
