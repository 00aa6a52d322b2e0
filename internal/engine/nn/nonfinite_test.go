package nn

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/kernel"
)

// If a query or a key is not finite, the result is not finite, for any values.
func TestAttentionKeepsNonFinite(t *testing.T) {
	const size, tokens = 16, 40
	r := rand.New(rand.NewPCG(5, 6))
	shape := CacheShape{Layers: 1, Heads: 1, HeadSize: size}
	notFinite := func(x []float32) bool {
		for _, v := range x {
			if v-v == 0 {
				return false
			}
		}
		return true
	}
	for _, set := range kernel.Sets() {
		for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
			for at := range tokens {
				keys, values := random(r, tokens*size), random(r, tokens*size)
				for i := range size {
					keys[at*size+i] = float32(math.Abs(float64(keys[at*size+i])))
				}
				queries := make([]float32, size)
				for i := range queries {
					queries[i] = 1
				}
				keys[at*size+at%size] = bad
				cache := NewCache(&Pool{Shape: shape}, nil)
				cache.Grow(tokens)
				cache.Put(set, 0, 0, tokens, keys, values, size)
				a := Attention{Kernels: set, Heads: 1}
				out := make([]float32, size)
				a.Do(0, cache, []View{{Leading: tokens}}, queries, size, out, size, nil, nil, Share{})
				if !notFinite(out) {
					t.Errorf("%s: %g among the keys of token %d is lost: %v", set.Name, bad, at, out)
				}
				if at > 0 { // a row that does not see the token is not affected
					a.Do(0, cache, []View{{Leading: at}}, queries, size, out, size, nil, nil, Share{})
					if notFinite(out) {
						t.Errorf("%s: %g among the keys of token %d affects rows before it", set.Name, bad, at)
					}
				}
				// Cross attention over encoder output.
				encoded := NewEncoderOutput(&Pool{Shape: shape}, size, tokens, values, size)
				queries[at%size] = bad
				sums := append([]float32{}, queries...)
				a.CrossAttend(encoded, sums, size)
				if !notFinite(sums) {
					t.Errorf("%s: %g in a query of cross attention is lost: %v", set.Name, bad, sums)
				}
			}
		}
	}
}
