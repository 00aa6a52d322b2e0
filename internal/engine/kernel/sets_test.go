package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// sameBits compares the bits of numbers. All NaN are the same.
func sameBits(a, b []float32) error {
	for i, x := range a {
		if math.Float32bits(x) != math.Float32bits(b[i]) && (x == x || b[i] == b[i]) {
			return fmt.Errorf("number %d of %d is %x, want %x", i, len(a), x, b[i])
		}
	}
	return nil
}

// varied returns numbers of many magnitudes. Some are zero, subnormal, or not finite.
func varied(r *rand.Rand, n int) []float32 {
	v := random(r, n)
	for i := range v {
		v[i] *= float32(math.Exp(r.Float64()*12 - 6))
	}
	for range n / 20 {
		v[r.IntN(n)] = []float32{0, float32(math.Copysign(0, -1)), 1e-40, -1e-44, 1e30, -1e30, math.MaxFloat32,
			float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}[r.IntN(10)]
	}
	return v
}

// TestAVX512IsHere is skipped where the tests of all sets cannot include avx512.
func TestAVX512IsHere(t *testing.T) {
	if runtime.GOARCH == "amd64" && Sets()[len(Sets())-1].Name != "avx512" {
		t.Skip("THE KERNELS FOR AVX-512 WERE NOT RUN: this processor has no AVX-512 with VNNI")
	}
}

// All sets give the bits of the generic set.
func TestSetsAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for n := 16; n <= 528; n += 16 {
		for round := range 3 {
			x, y, z := random(r, n), random(r, n), random(r, n)
			if round == 1 {
				x = varied(r, n)
			}
			if round == 2 {
				for i := range x {
					x[i] = x[i] * 6
				}
			}
			shift, scale := x[r.IntN(n)], float32(r.NormFloat64())
			number := func(x float32) []float32 { return []float32{x} }
			for name, do := range map[string]func(s *Set) []float32{
				"exp":       func(s *Set) []float32 { return into(n, func(d []float32) { s.Exp(d, x, shift) }) },
				"exp of 8":  func(s *Set) []float32 { return into(n-8, func(d []float32) { s.Exp(d, x, shift) }) },
				"siluMul":   func(s *Set) []float32 { return into(n-8, func(d []float32) { s.SiluMul(d, x, y) }) },
				"geluMul":   func(s *Set) []float32 { return into(n-8, func(d []float32) { s.GeluMul(d, x, y) }) },
				"gelu":      func(s *Set) []float32 { return into(n-8, func(d []float32) { s.Gelu(d, x) }) },
				"gatedGelu": func(s *Set) []float32 { return into(n-8, func(d []float32) { s.GatedGelu(d, x, y) }) },
				"scale":     func(s *Set) []float32 { return into(n, func(d []float32) { s.scale(d, x, scale, y) }) },
				"normalize": func(s *Set) []float32 { return into(n, func(d []float32) { s.normalize(d, x, shift, scale, y, z) }) },
				"LayerNorm": func(s *Set) []float32 { return into(n, func(d []float32) { s.LayerNorm(d, x, y, z, 1e-5) }) },
				"RMSNorm":   func(s *Set) []float32 { return into(n, func(d []float32) { s.RMSNorm(d, x, y, 1e-5) }) },
				"Add":       func(s *Set) []float32 { return into(n, func(d []float32) { copy(d, y); s.Add(d, x) }) },
				"Softmax": func(s *Set) []float32 {
					rows := slices.Concat(x, y, z)
					s.Softmax(3, rows, n, round*n/5, n-n/7)
					return rows
				},
				"squares":    func(s *Set) []float32 { return number(s.squares(x)) },
				"sum":        func(s *Set) []float32 { return number(s.sum(x)) },
				"deviations": func(s *Set) []float32 { return number(s.deviations(x, shift)) },
				"Max":        func(s *Set) []float32 { return number(s.Max(x)) },
			} {
				want := do(&generic)
				for _, set := range Sets()[1:] {
					if err := sameBits(do(set), want); err != nil {
						t.Fatalf("%s, %s, round %d: %v", set.Name, name, round, err)
					}
				}
			}
		}
	}
}

// into returns what do writes to a slice of n numbers, and the number after it.
func into(n int, do func(dst []float32)) []float32 {
	dst := make([]float32, n+1)
	dst[n] = canary
	do(dst[:n])
	return dst
}

// The products of all sets have the bits of the generic set.
func TestProductsAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	for _, n := range []int{16, 80, 144} {
		for _, k := range []int{8, 63, 72, 250} {
			w := random(r, n*k)
			matrix, matrix8 := pack(n, k, w), pack8(n, k, w)
			for _, m := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 25, 38} {
				a, ldc := random(r, m*k), n+5
				q, scales := make([]uint8, m*PadK(k)), make([]float32, m*Groups(k))
				generic.Quantize(m, k, a, k, q, scales)
				before := random(r, m*ldc)
				for _, add := range []bool{false, true} {
					product := func(do func(c []float32)) []float32 {
						c := append([]float32{}, before...)
						do(c)
						return c
					}
					mul := func(s *Set) []float32 {
						return product(func(c []float32) { s.Mul(m, a, k, matrix, c, ldc, add) })
					}
					mul8 := func(s *Set) []float32 {
						return product(func(c []float32) { s.Mul8(m, q, scales, matrix8, c, ldc, add) })
					}
					want, want8 := mul(&generic), mul8(&generic)
					for _, set := range Sets()[1:] {
						if err := sameBits(mul(set), want); err != nil {
							t.Fatalf("%s, %dx%dx%d, add=%v: %v", set.Name, m, n, k, add, err)
						}
						if err := sameBits(mul8(set), want8); err != nil {
							t.Fatalf("%s, 8 bits, %dx%dx%d, add=%v: %v", set.Name, m, n, k, add, err)
						}
					}
				}
			}
		}
	}
	for _, k := range []int{16, 64, 208} {
		for m := 1; m < 14; m++ {
			a, b := random(r, m*k), random(r, 6*k)
			dots := func(s *Set) []float32 {
				return into(m*6, func(c []float32) { s.Dots(m, 6, k, a, k, b, 6*Width, c, 6) })
			}
			want := dots(&generic)
			for _, set := range Sets()[1:] {
				if err := sameBits(dots(set), want); err != nil {
					t.Fatalf("%s, dots %dx6x%d: %v", set.Name, m, k, err)
				}
			}
		}
	}
}
