package engine

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/weights/safetensors"
	"github.com/firesteel/firesteel/llm"
)

// spoil writes a number to the embedding of a token.
func spoil(t *testing.T, folder string, token, at int, x float32) {
	t.Helper()
	path := filepath.Join(folder, safetensors.Single)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	header := int(binary.LittleEndian.Uint64(data))
	f, err := safetensors.Read(path, data)
	if err != nil {
		t.Fatal(err)
	}
	tensor, ok := f.Tensor("model.embed_tokens.weight")
	if !ok {
		t.Fatal("no embeddings")
	}
	// Tensors are in the order of their names.
	offset := 8 + header
	for _, other := range f.Tensors {
		if other == tensor {
			break
		}
		n := 4
		for _, d := range other.Shape {
			n *= d
		}
		offset += n
	}
	binary.LittleEndian.PutUint32(data[offset+4*(token*tensor.Shape[1]+at):], math.Float32bits(x))
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// A text with a token whose embedding is not finite is an error, for every kind of request and all
// kernels. Other texts are not affected.
func TestNonFiniteIsError(t *testing.T) {
	for _, isa := range []string{"generic", ""} {
		for _, precision := range []llm.Precision{llm.Float32, llm.Int8} {
			for _, at := range []int{0, 13, 63} {
				for _, x := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
					folder := seededFolder(t, false, []byte("null"), nil)
					bad := int32('x' - '!' + 1) // the id in llama3.json
					spoil(t, folder, int(bad), at, x)
					t.Setenv("FIRESTEEL_ISA", isa)
					e, err := openText(t.Context(), folder, Options{Threads: 2, Precision: precision})
					if err != nil {
						t.Fatal(err)
					}
					if ids := e.tokens.Encode("x"); len(ids) != 1 || ids[0] != bad {
						t.Fatalf("x is %v", ids)
					}
					requests := func(text string) []llm.Request {
						return []llm.Request{
							{Text: text, MaxTokens: 2},
							{Prefix: text + " and so on, for more than a good dozen tokens at its begin\n", Text: "b", MaxTokens: 2},
							{Text: text, Constraint: llm.Choice{Labels: []string{"a", "ab"}}},
							{Text: text, Constraint: llm.Pattern{Expr: "[a-c]{2}"}, MaxTokens: 4},
						}
					}
					results, err := e.Do(t.Context(), append(requests("a x b"), requests("a b")...))
					if err != nil {
						t.Fatal(err)
					}
					for i, r := range results {
						if (i < 4) != errors.Is(r.Err, errNotFinite) || i >= 4 && r.Err != nil {
							t.Errorf("%q, %s, %g at %d: request %d: %v, %q", isa, precision, x, at, i, r.Err, r.Text)
						}
					}
					vectors, err := e.Embed(t.Context(), testkit.EmbedRequests("a x b", "a b"))
					if err != nil || !errors.Is(vectors[0].Err, errNotFinite) || vectors[1].Err != nil {
						t.Errorf("%q, %s, %g at %d: vectors: %v, %v", isa, precision, x, at, err, vectors)
					}
					if err := e.Close(); err != nil {
						t.Error(err)
					}
				}
			}
		}
	}
}
