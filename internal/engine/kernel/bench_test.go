package kernel

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkVectors measures the functions of vectors with each set, in numbers of a row.
func BenchmarkVectors(b *testing.B) {
	const n = 1536
	r := rand.New(rand.NewPCG(1, 1))
	x, y, z, dst := random(r, n), random(r, n), random(r, n), make([]float32, n)
	q, scales := make([]uint8, n), make([]float32, n/GroupSize)
	for _, op := range []struct {
		name string
		do   func(s *Set)
	}{
		{"Exp", func(s *Set) { s.Exp(dst, x, 1) }},
		{"SiluMul", func(s *Set) { s.SiluMul(dst, x, y) }},
		{"GeluMul", func(s *Set) { s.GeluMul(dst, x, y) }},
		{"Gelu", func(s *Set) { s.Gelu(dst, x) }},
		{"GatedGelu", func(s *Set) { s.GatedGelu(dst, x, y) }},
		{"LayerNorm", func(s *Set) { s.LayerNorm(dst, x, y, z, 1e-5) }},
		{"RMSNorm", func(s *Set) { s.RMSNorm(dst, x, y, 1e-5) }},
		{"Max", func(s *Set) { s.Max(x) }},
		{"Quantize", func(s *Set) { s.Quantize(1, n, x, n, q, scales) }},
	} {
		for _, set := range Sets() {
			b.Run(op.name+"/"+set.Name, func(b *testing.B) {
				for b.Loop() {
					op.do(set)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/number")
			})
		}
	}
}
