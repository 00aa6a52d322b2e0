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

// tinyQ returns a model with matrices of all types that stay as in the file, several of them in one
// layer.
func tinyQ() *gguftest.Builder {
	r := rand.New(rand.NewPCG(11, 12))
	kinds := []struct {
		part string
		kind gguf.Type
	}{
		{"attn_q", gguf.Q5_0}, {"attn_k", gguf.Q5_K}, {"attn_v", gguf.Q6_K}, {"attn_output", gguf.Q4_0}, {"ffn_gate", gguf.Q4_1},
		{"ffn_up", gguf.Q5_1}, {"ffn_down", gguf.Q4_K}, {"", gguf.Q8_0},
	}
	return gguftest.WideLlama(9, func(b *gguftest.Builder, name string, k, n int) {
		for _, x := range kinds {
			if strings.Contains(name, x.part) {
				b.Tensor(name, uint32(x.kind), []int{k, n}, gguftest.Blocks(r, uint32(x.kind), k*n))
				return
			}
		}
	})
}

func openTinyQ(t testing.TB, opts Options) *Engine {
	t.Helper()
	return mustOpen(t, tinyQ().Write(t), opts)
}

var precisionRequests = []llm.Request{
	{Text: "some words", MaxTokens: 12},
	{Text: "are you sure?", Constraint: llm.Choice{Labels: labels}},
	{Text: "a longer text, of which the engine reads many tokens at a time", Constraint: llm.Choice{Labels: labels}},
}

// Weights as in the file differ from those in 32 bits only by the rounding of inputs, and those in 8
// bits also by that of weights.
func TestPrecisionFile(t *testing.T) {
	want := do(t, openTinyQ(t, Options{Precision: llm.Float32}), precisionRequests...)
	differences := map[llm.Precision]float64{}
	for _, precision := range []llm.Precision{llm.File, llm.Int8} {
		e := openTinyQ(t, Options{Precision: precision})
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

// The memory of weights is that of the file and a twentieth, of each type.
func TestPrecisionFileMemory(t *testing.T) {
	for kind, bits := range map[gguf.Type]float64{
		gguf.Q4_0: 4.5, gguf.Q4_1: 5, gguf.Q5_0: 5.5, gguf.Q5_1: 6, gguf.Q8_0: 8.5, gguf.Q4_K: 4.5, gguf.Q5_K: 5.5, gguf.Q6_K: 6.5625,
	} {
		r := rand.New(rand.NewPCG(13, 14))
		parameters := 0
		path := gguftest.WideLlama(9, func(b *gguftest.Builder, name string, k, n int) {
			n = (n + 15) / 16 * 16 // no padding
			b.Tensor(name, uint32(kind), []int{k, n}, gguftest.Blocks(r, uint32(kind), k*n))
			parameters += k * n // the embeddings are the head
		}).Write(t)
		e := mustOpen(t, path, Options{Precision: llm.File})
		if got, want := float64(8*e.network.Bytes())/float64(parameters), bits; got < want || got > 1.05*want {
			t.Errorf("%s: %g bits for each weight, in the file %g", kind, got, want)
		}
	}
}

// Weights of other types are in 8 bits.
func TestPrecisionFileOfOtherTypes(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	path := gguftest.WideLlama(9, func(b *gguftest.Builder, name string, k, n int) {
		kind := gguf.Q3_K
		if strings.Contains(name, "ffn") {
			kind = gguf.F16
		}
		b.Tensor(name, uint32(kind), []int{k, n}, gguftest.Blocks(r, uint32(kind), k*n))
	}).Write(t)
	file := do(t, mustOpen(t, path, Options{Precision: llm.File}), precisionRequests...)
	eight := do(t, mustOpen(t, path, Options{Precision: llm.Int8}), precisionRequests...)
	if !reflect.DeepEqual(file, eight) {
		t.Errorf("%+v, in 8 bits %+v", file, eight)
	}
}
