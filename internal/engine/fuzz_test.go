package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/llm"
)

// A file with some bytes changed is an error, or a model whose requests give results or errors.
func FuzzOpen(f *testing.F) {
	whole := gguftest.Llama(7).Bytes()
	f.Add(uint(0), []byte("GGUF"), uint(0))
	f.Add(uint(200), []byte{0xff, 0xff}, uint(1))
	f.Add(uint(len(whole)-40), []byte{0, 0, 0xc0, 0x7f}, uint(0)) // NaN
	path := filepath.Join(f.TempDir(), "model.gguf")
	f.Fuzz(func(t *testing.T, at uint, change []byte, cut uint) {
		data := append([]byte(nil), whole...)
		copy(data[at%uint(len(data)):], change)
		data = data[:uint(len(data))-cut%uint(len(data))]
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := openText(t.Context(), path, Options{Threads: 1})
		if err != nil {
			if !errors.Is(err, llm.ErrModel) {
				t.Error(err)
			}
			return
		}
		defer e.Close()
		requests := []llm.Request{
			{Text: "some words", MaxTokens: 2},
			{Messages: []llm.Message{{Role: llm.User, Text: "a"}}, Constraint: llm.Choice{Labels: []string{"a", "ab"}}},
		}
		if results, err := e.Do(context.Background(), requests); err != nil || len(results) != len(requests) {
			t.Errorf("%d results, %v", len(results), err)
		}
	})
}
