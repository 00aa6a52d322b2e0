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
		t.Skip("THE KERNELS FOR AVX-512 WERE NOT RUN, ONLY EMULATED: this processor has no AVX-512 with VNNI")
	}
}

// All sets give the bits of the generic set.
func TestSetsAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for n := 16; n <= 528; n += 16 {
		for name, x := range variedRows(r, n) {
			for operation, do := range vectorOperations(r, x, n-8) {
				want := do(&generic)
				for _, set := range Sets()[1:] {
					if err := sameBits(do(set), want); err != nil {
						t.Fatalf("%s, %s of %s numbers: %v", set.Name, operation, name, err)
					}
				}
			}
		}
	}
}

// variedRows returns rows of n numbers.
func variedRows(r *rand.Rand, n int) map[string][]float32 {
	large := random(r, n)
	for i := range large {
		large[i] *= 6
	}
	return map[string][]float32{"normal": random(r, n), "large": large, "varied": varied(r, n)}
}

// vectorOperations returns the operations of x that are not products. Those that support any
// multiple of 8 process the first short numbers.
func vectorOperations(r *rand.Rand, x []float32, short int) map[string]func(s *Set) []float32 {
	n := len(x)
	y, z := random(r, n), random(r, n)
	shift, scale, last := x[r.IntN(n)], float32(r.NormFloat64()), 1+r.IntN(n)
	first := r.IntN(last)
	to := func(n int, do func(s *Set, dst []float32)) func(s *Set) []float32 {
		return func(s *Set) []float32 { return into(n, func(dst []float32) { do(s, dst) }) }
	}
	number := func(do func(s *Set) float32) func(s *Set) []float32 {
		return func(s *Set) []float32 { return []float32{do(s)} }
	}
	return map[string]func(s *Set) []float32{
		"Exp":        to(short, func(s *Set, d []float32) { s.Exp(d, x, shift) }),
		"SiluMul":    to(short, func(s *Set, d []float32) { s.SiluMul(d, x, y) }),
		"GeluMul":    to(short, func(s *Set, d []float32) { s.GeluMul(d, x, y) }),
		"Gelu":       to(short, func(s *Set, d []float32) { s.Gelu(d, x) }),
		"GatedGelu":  to(short, func(s *Set, d []float32) { s.GatedGelu(d, x, y) }),
		"scale":      to(short, func(s *Set, d []float32) { s.scale(d, x[:short], scale, y) }),
		"normalize":  to(n, func(s *Set, d []float32) { s.normalize(d, x, shift, scale, y, z) }),
		"LayerNorm":  to(n, func(s *Set, d []float32) { s.LayerNorm(d, x, y, z, 1e-5) }),
		"RMSNorm":    to(n, func(s *Set, d []float32) { s.RMSNorm(d, x, y, 1e-5) }),
		"Add":        to(n, func(s *Set, d []float32) { copy(d, y); s.Add(d, x) }),
		"Softmax":    to(3*n, func(s *Set, d []float32) { copy(d, slices.Concat(x, y, z)); s.Softmax(3, d, n, first, last) }),
		"squares":    number(func(s *Set) float32 { return s.squares(x) }),
		"sum":        number(func(s *Set) float32 { return s.sum(x) }),
		"deviations": number(func(s *Set) float32 { return s.deviations(x, shift) }),
		"Max":        number(func(s *Set) float32 { return s.Max(x) }),
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
				productsAgree(t, r, m, matrix, matrix8, Sets()[1:])
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

// productsAgree compares the products of m rows with those of the generic set.
func productsAgree(t *testing.T, r *rand.Rand, m int, matrix *Matrix, matrix8 *Matrix8, sets []*Set) {
	t.Helper()
	n, k := matrix.N, matrix.K
	a, ldc := random(r, m*k), n+5
	q, scales := make([]uint8, m*PadK(k)), make([]float32, m*Groups(k))
	generic.Quantize(m, k, a, k, q, scales)
	before := random(r, m*ldc)
	for _, add := range []bool{false, true} {
		for name, mul := range map[string]func(s *Set, c []float32){
			"32 bits": func(s *Set, c []float32) { s.Mul(m, a, k, matrix, c, ldc, add) },
			"8 bits":  func(s *Set, c []float32) { s.Mul8(m, q, scales, matrix8, c, ldc, add) },
		} {
			want := slices.Clone(before)
			mul(&generic, want)
			for _, set := range sets {
				got := slices.Clone(before)
				mul(set, got)
				if err := sameBits(got, want); err != nil {
					t.Fatalf("%s, %s, %dx%dx%d, add=%v: %v", set.Name, name, m, n, k, add, err)
				}
			}
		}
	}
}
