// Package safetensorstest makes models with seeded weights in the layout of the
// Hugging Face hub: config.json and model.safetensors. A small Python script
// can make the same weights (internal/engine/testdata/t5/seeded.py does), so that two
// programs can be compared on a model that nobody has to ship.
package safetensorstest

import "math"

// kind says how the numbers of one kind of tensor are spread: uniformly, in
// [centre-scale, centre+scale).
type kind struct{ centre, scale float32 }

// spread is the kind of a matrix that multiplies vectors of fan numbers: its
// products are gain times as large as the vector's.
func spread(gain float64, fan int) kind {
	return kind{scale: float32(gain * math.Sqrt(3/float64(fan)))}
}

// source gives the numbers of one tensor. Number i is the top 24 bits of
// splitmix64 at step i from the 64-bit FNV-1a hash of the tensor's name, as
// f in [-1, 1) in steps of 2^-23, and then centre + scale*f, each operation
// rounded to 32 bits.
type source struct {
	seed uint64
	kind kind
}

func newSource(name string, k kind) source {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return source{seed: h, kind: k}
}

func (s source) at(i int) float32 {
	z := s.seed + (uint64(i)+1)*0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	z ^= z >> 31
	f := float32(int32(z>>40)-1<<23) * (1. / (1 << 23))
	// The conversion keeps the product from being fused with the sum.
	return s.kind.centre + float32(s.kind.scale*f)
}
