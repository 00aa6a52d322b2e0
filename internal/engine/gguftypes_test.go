package engine

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/firesteel/firesteel/internal/weights/gguf"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/llm"
)

// A model with matrices of any GGUF type gives the same bits as one with the same numbers in F32.
func TestGGUFTypes(t *testing.T) {
	for _, kind := range []gguf.Type{
		gguf.F32, gguf.F16, gguf.BF16, gguf.Q4_0, gguf.Q4_1, gguf.Q5_0, gguf.Q5_1, gguf.Q8_0,
		gguf.Q2_K, gguf.Q3_K, gguf.Q4_K, gguf.Q5_K, gguf.Q6_K,
	} {
		t.Run(kind.String(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, uint64(kind)))
			file := gguftest.WideLlama(5, func(b *gguftest.Builder, name string, k, n int) {
				b.Tensor(name, uint32(kind), []int{k, n}, gguftest.Blocks(r, uint32(kind), k*n))
			})
			f, err := gguf.Read("quantized", file.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			plain := gguftest.WideLlama(5, func(b *gguftest.Builder, name string, k, n int) {
				x, _ := f.Tensor(name)
				numbers := make([]float32, k*n)
				if err := x.Dequantize(numbers, 0, n); err != nil {
					t.Fatal(err)
				}
				if s := spread(numbers); s < .05 || s > .5 {
					t.Errorf("the numbers of %s have the root mean square %g", name, s)
				}
				b.F32(name, []int{k, n}, numbers)
			})
			requests := []llm.Request{
				{Text: "some words", MaxTokens: 12},
				{Messages: []llm.Message{{Role: llm.User, Text: "are you sure?"}}, Constraint: llm.Choice{Labels: labels}},
			}
			var answers [2][]llm.Result
			for i, b := range []*gguftest.Builder{file, plain} {
				e, err := openText(t.Context(), b.Write(t), Options{Threads: 2})
				if err != nil {
					t.Fatal(err)
				}
				answers[i] = do(t, e, requests...)
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			}
			if answers[0][0].Text == "" || len(answers[0][1].Scores) != len(labels) {
				t.Errorf("answers %+v", answers[0])
			}
			if !reflect.DeepEqual(answers[0], answers[1]) {
				t.Errorf("got %+v, with F32 %+v", answers[0], answers[1])
			}
		})
	}
}

// spread returns the root mean square. It is not finite if a number is not.
func spread(numbers []float32) float64 {
	sum := 0.0
	for _, x := range numbers {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum / float64(len(numbers)))
}
