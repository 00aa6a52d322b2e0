package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkVectors measures the functions of vectors with each set.
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
				b.ReportMetric(fastest(b, func() { op.do(set) })/n, "ns/number")
			})
		}
	}
}

// fastest returns the time of the fastest run in nanoseconds. Other work of the machine changes it
// less than the mean.
func fastest(b *testing.B, do func()) float64 {
	least := time.Hour
	for b.Loop() {
		start := time.Now()
		do()
		least = min(least, time.Since(start))
	}
	return float64(least.Nanoseconds())
}

// benchmarkProducts measures the products of some rows with each set but the generic one.
func benchmarkProducts(b *testing.B, m, n, k int, do func(s *Set)) {
	for _, set := range Sets()[1:] {
		b.Run(fmt.Sprintf("%dx%dx%d/%s", m, n, k, set.Name), func(b *testing.B) {
			b.ReportMetric(2*float64(m*n*k)/fastest(b, func() { do(set) }), "GOP/s")
		})
	}
}

func BenchmarkMul(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, size := range []struct{ n, k int }{{1536, 384}, {960, 576}, {576, 1536}} {
		matrix := pack(size.n, size.k, random(r, size.n*size.k))
		for _, m := range []int{1, 4, 16, 64, 192} {
			a, c := random(r, m*Stride(size.k)), make([]float32, m*Stride(size.n))
			benchmarkProducts(b, m, size.n, size.k, func(s *Set) {
				s.Mul(m, a, Stride(size.k), matrix, c, Stride(size.n), false)
			})
		}
	}
}

func BenchmarkMul8(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, size := range []struct{ n, k int }{{1152, 384}, {1536, 384}, {384, 1536}, {1152, 512}, {2048, 2048}, {32128, 512}, {960, 576}, {576, 1536}} {
		matrix := pack8(size.n, size.k, random(r, size.n*size.k))
		for _, m := range []int{1, 4, 16, 64, 192} {
			q, scales, c := make([]uint8, m*PadK(size.k)), make([]float32, m*Groups(size.k)), make([]float32, m*Stride(size.n))
			benchmarkProducts(b, m, size.n, size.k, func(s *Set) {
				s.Mul8(m, q, scales, matrix, c, Stride(size.n), false)
			})
		}
	}
}

// BenchmarkMulQ measures the same as BenchmarkMul8 with weights of the block types of GGUF files. The
// first size is larger than the caches.
func BenchmarkMulQ(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, size := range []struct{ n, k int }{{65536, 1536}, {8960, 1536}, {1536, 8960}} {
		matrix8 := NewMatrix8(size.n, size.k, make([]int8, Size8(size.n, size.k)))
		for i := range matrix8.Panels {
			matrix8.Panels[i] = int8(i % 61)
		}
		for _, m := range []int{1, 2, 4, 8, 16, 64, 192} {
			if m > 8 && size.n > 10000 {
				break
			}
			a, c := random(r, m*size.k), make([]float32, m*Stride(size.n))
			for l := range allQ() {
				matrix := NewMatrixQ(l, size.n, size.k, make([]uint8, l.Size(size.n, size.k)))
				for i := range matrix.Panels {
					matrix.Panels[i] = uint8(i % 61)
				}
				b.Run(l.String(), func(b *testing.B) {
					benchmarkProducts(b, m, size.n, size.k, func(s *Set) {
						var x InputsQ
						x.Reserve(m, size.k)
						x.Quantize(s, 0, m, a, size.k)
						s.MulQ(m, &x, matrix, c, Stride(size.n), false)
					})
				})
			}
			b.Run("8 bits", func(b *testing.B) {
				benchmarkProducts(b, m, size.n, size.k, func(s *Set) {
					q, scales := make([]uint8, m*PadK(size.k)), make([]float32, m*Groups(size.k))
					s.Quantize(m, size.k, a, size.k, q, scales)
					s.Mul8(m, q, scales, matrix8, c, Stride(size.n), false)
				})
			})
		}
	}
}
