// Package safetensorstest writes models with seeded weights in the layout of the Hugging Face
// hub: config.json and model.safetensors. The Python script
// internal/engine/testdata/t5/seeded.py computes the same weights, so that this engine and
// Python can be compared on a model without its files.
package safetensorstest

import "math"

// kind is the distribution of a tensor's numbers: uniform in [centre-scale, centre+scale).
type kind struct{ centre, scale float32 }

// spread returns the kind of a matrix with fan inputs whose products are about gain times as
// large as the input vector.
func spread(gain float64, fan int) kind {
	return kind{scale: float32(gain * math.Sqrt(3/float64(fan)))}
}

// source generates the numbers of one tensor. Number i is centre + scale*f, where f is the top
// 24 bits of splitmix64 at step i, as a number in [-1, 1) in steps of 2^-23. The seed is the
// 64-bit FNV-1a hash of the tensor's name. Each operation is rounded to 32 bits.
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
	// The conversion prevents the compiler from fusing the product and the sum.
	return s.kind.centre + float32(s.kind.scale*f)
}
