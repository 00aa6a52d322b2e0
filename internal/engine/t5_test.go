package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/weights/safetensors/safetensorstest"
	"github.com/firesteel/firesteel/llm"
)

// openT5 opens a model of the shape of Flan-T5-small with its tokenizer and seeded weights.
func openT5(t testing.TB, o Options) *Engine {
	t.Helper()
	tokenizer, err := os.ReadFile(filepath.Join(testkit.Data(t, "models/flan-t5-small"), "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	return openSeeded(t, safetensorstest.FlanT5Small(), tokenizer, o)
}

// openTinyT5 opens a small model of the same kind that needs no shared test data.
func openTinyT5(t testing.TB, o Options) *Engine {
	t.Helper()
	tokenizer, err := os.ReadFile(filepath.Join("..", "tokenizer", "testdata", "unigram.json"))
	if err != nil {
		t.Fatal(err)
	}
	shape := safetensorstest.TinyFlanT5()
	shape.VocabSize = 416
	return openSeeded(t, shape, tokenizer, o)
}

func openSeeded(t testing.TB, shape safetensorstest.T5, tokenizer []byte, o Options) *Engine {
	t.Helper()
	folder := t.TempDir()
	if err := safetensorstest.WriteT5(folder, shape); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "tokenizer.json"), tokenizer, 0o644); err != nil {
		t.Fatal(err)
	}
	return mustOpen(t, folder, o)
}

// The score of a label does not depend on the other labels, if none is the beginning of another.
func TestT5Labels(t *testing.T) {
	e := openTinyT5(t, Options{Precision: llm.Float32})
	for i := range 12 {
		text := strings.Repeat("some more words ", i) + fmt.Sprint(i)
		written := do(t, e, llm.Request{Text: text, MaxTokens: 3})[0].Text
		labels := []string{"sure", "not the one", "never", written}
		got := do(t, e, llm.Request{Text: text, Constraint: llm.Choice{Labels: labels}})[0]
		for j, label := range labels {
			separate := do(t, e, llm.Request{Text: text, Constraint: llm.Choice{Labels: []string{label}}})[0]
			if got.Scores[j] != separate.Scores[0] {
				t.Errorf("%q: the label %q has a score of %g among others, %g separately", text, label, got.Scores[j], separate.Scores[0])
			}
		}
	}
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
