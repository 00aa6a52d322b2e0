package engine

import (
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/weights/gguf"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/llm"
)

// tinyK returns a model with matrices of the K types, several of them in one layer.
func tinyK() *gguftest.Builder {
	r := rand.New(rand.NewPCG(11, 12))
	return gguftest.WideLlama(9, func(b *gguftest.Builder, name string, k, n int) {
		kind := gguf.Q4_K
		switch {
		case strings.Contains(name, "attn_v") || strings.Contains(name, "ffn_down"):
			kind = gguf.Q6_K
		case strings.Contains(name, "attn_k"):
			kind = gguf.Q5_K
		}
		b.Tensor(name, uint32(kind), []int{k, n}, gguftest.Blocks(r, uint32(kind), k*n))
	})
}

func openTinyK(t testing.TB, opts Options) *Engine {
	t.Helper()
	return mustOpen(t, tinyK().Write(t), opts)
}

var precisionRequests = []llm.Request{
	{Text: "some words", MaxTokens: 12},
	{Text: "are you sure?", Constraint: llm.Choice{Labels: labels}},
	{Text: "a longer text, of which the engine reads many tokens at a time", Constraint: llm.Choice{Labels: labels}},
}

// Weights as in the file differ from those in 32 bits only by the rounding of inputs, and those in 8
// bits also by that of weights.
func TestPrecisionFile(t *testing.T) {
	want := do(t, openTinyK(t, Options{Precision: llm.Float32}), precisionRequests...)
	differences := map[llm.Precision]float64{}
	for _, precision := range []llm.Precision{llm.File, llm.Int8} {
		e := openTinyK(t, Options{Precision: precision})
		if p := e.Info().Precision; p != precision {
			t.Errorf("the precision is %s", p)
		}
		for i, r := range do(t, e, precisionRequests...) {
			for j, s := range r.Scores {
				differences[precision] += math.Abs(s - want[i].Scores[j])
			}
		}
	}
	t.Logf("the differences of scores add up to %v", differences)
	if d := differences[llm.File]; d == 0 || d > .8*differences[llm.Int8] {
		t.Errorf("the differences of scores add up to %v", differences)
	}
}

// The memory of the weights is that of the file and a twentieth, and less than that of 8 bits.
func TestPrecisionFileMemory(t *testing.T) {
	file, eight := openTinyK(t, Options{Precision: llm.File}), openTinyK(t, Options{Precision: llm.Int8})
	if a, b := file.network.Bytes(), eight.network.Bytes(); a*10 > b*8 {
		t.Errorf("%d bytes, and %d in 8 bits", a, b)
	}
}

// Weights of other types are in 8 bits.
func TestPrecisionFileOfOtherTypes(t *testing.T) {
	path := gguftest.Llama(7).Write(t)
	file := do(t, mustOpen(t, path, Options{Precision: llm.File}), precisionRequests...)
	eight := do(t, mustOpen(t, path, Options{Precision: llm.Int8}), precisionRequests...)
	if !reflect.DeepEqual(file, eight) {
		t.Errorf("%+v, in 8 bits %+v", file, eight)
	}
}
