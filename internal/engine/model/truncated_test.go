//go:build unix

package model

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/llm"
)

// A file that is truncated while its weights are read is an error, although the fault occurs in one
// of the reading goroutines.
func TestFileTruncatedDuringLoading(t *testing.T) {
	before := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	defer slog.SetDefault(before)
	kernels, err := kernel.Select("")
	if err != nil {
		t.Fatal(err)
	}
	folder := seededDecoder(t, "tiny-qwen3")
	weights, err := filepath.Glob(filepath.Join(folder, "*.safetensors"))
	if err != nil || len(weights) == 0 {
		t.Fatal(weights, err)
	}
	file := gguftest.Llama(7).Write(t)
	for path, cut := range map[string]string{file: file, folder: weights[0]} {
		source, err := OpenSource(path)
		if err != nil {
			t.Fatal(err)
		}
		defer source.Close()
		if err := os.Truncate(cut, 0); err != nil {
			t.Fatal(err)
		}
		var panicked *panics.Error
		network, err := guardedLoad(source, kernels)
		if !errors.As(err, &panicked) || !strings.Contains(err.Error(), "truncated") {
			t.Errorf("%s: %v, %v", path, network, err)
		}
	}
}

// guardedLoad calls Load as the engine does.
func guardedLoad(s *Source, kernels *kernel.Set) (n Network, err error) {
	defer panics.OnFault()()
	defer panics.Catch(&err, "opening the model")
	return Load(context.Background(), s, llm.Int8, kernels, 2)
}
