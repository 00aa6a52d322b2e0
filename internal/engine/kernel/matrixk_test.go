package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var layoutsK = map[string]LayoutK{"Q4_K": LayoutQ4K, "Q5_K": LayoutQ5K, "Q6_K": LayoutQ6K}

// most is the greatest weight.
func (l LayoutK) most() int {
	if l == LayoutQ5K {
		return 31
	}
	return 1<<l.Bits - 1
}

// zero is the zero point of the weights.
func (l LayoutK) zero() int {
	if l == LayoutQ6K {
		return 32
	}
	return 0
}

// randomBlock returns a block with weights of about 1.
func randomBlock(r *rand.Rand, l LayoutK) *Block {
	var b Block
	for i := range b.Q {
		b.Q[i] = uint8(r.IntN(l.most() + 1))
		if r.IntN(4) == 0 {
			b.Q[i] = uint8(l.most())
		}
	}
	for g := range l.groups() {
		b.Scales[g] = int8(r.IntN(256) - 128)
		b.Mins[g] = int8(r.IntN(64))
	}
	b.D, b.M = float32(r.NormFloat64())/1000, float32(r.NormFloat64())/100
	return &b
}

// randomK returns a matrix with random weights.
func randomK(r *rand.Rand, l LayoutK, n, k int) *MatrixK {
	w := NewMatrixK(l, n, k, make([]uint8, l.Size(n, k)))
	for j := range n {
		for b := range k / BlockK {
			w.Set(j, b, randomBlock(r, l))
		}
	}
	return w
}

// Products are those of the weights that Set was called with, and of the inputs up to their
// rounding to 8 bits.
func TestMulK(t *testing.T) {
	r := rand.New(rand.NewPCG(51, 52))
	for name, l := range layoutsK {
		for _, k := range []int{256, 1280} {
			const n, m, ldc = 35, 5, 50
			w := NewMatrixK(l, n, k, make([]uint8, l.Size(n, k)))
			weights := make([]float64, n*k)
			for i := range weights {
				if i%BlockK != 0 {
					continue
				}
				b := randomBlock(r, l)
				w.Set(i/k, i%k/BlockK, b)
				for j, q := range b.Q {
					weights[i+j] = float64(b.D) * float64(b.Scales[j/l.Group]) * float64(int(q)-l.zero())
					if l.Mins {
						weights[i+j] += float64(b.M) * float64(b.Mins[j/l.Group])
					}
				}
			}
			a := random(r, m*k)
			// Inputs that 8 bits represent exactly.
			for i := range a {
				a[i] = float32(r.IntN(255) - 127)
				if i%partK == 0 {
					a[i] = 127
				}
			}
			before := random(r, m*ldc)
			for _, add := range []bool{false, true} {
				for _, set := range Sets() {
					var x InputsK
					x.Quantize(set, m, k, a, k)
					c := slices.Clone(before)
					set.MulK(m, &x, w, c, ldc, add)
					for i := range m {
						for j := range ldc {
							got, want, size := float64(c[i*ldc+j]), 0.0, 0.0
							if j >= Pad(n) || add {
								want = float64(before[i*ldc+j])
							}
							for z := range k {
								if j < n {
									p := float64(a[i*k+z]) * weights[j*k+z]
									want += p
									size += math.Abs(p)
								}
							}
							if math.Abs(got-want) > 1e-5*size {
								t.Fatalf("%s, %s, k=%d, add=%v, row %d, output %d: %g, want %g", name, set.Name, k, add, i, j, got, want)
							}
						}
					}
				}
			}
		}
	}
}

// All sets have the bits of the generic set, for any number of rows.
func TestProductsOfKAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(53, 54))
	for name, l := range layoutsK {
		for k, rows := range map[int][]int{256: {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 25}, 768: {1, 6, 13}} {
			w := randomK(r, l, 48, k)
			for _, m := range rows {
				productsOfKAgree(t, r, name, m, w, Sets()[1:])
			}
		}
	}
}

func productsOfKAgree(t *testing.T, r *rand.Rand, name string, m int, w *MatrixK, sets []*Set) {
	t.Helper()
	lda, ldc := w.K+3, w.N+5
	a := random(r, m*lda)
	before := random(r, m*ldc)
	for _, add := range []bool{false, true} {
		product := func(s *Set) []float32 {
			var x InputsK
			x.Quantize(&generic, m, w.K, a, lda)
			c := slices.Clone(before)
			s.MulK(m, &x, w, c, ldc, add)
			return c
		}
		want := product(&generic)
		for _, set := range sets {
			if err := sameBits(product(set), want); err != nil {
				t.Fatalf("%s, %s, %d rows, k=%d, add=%v: %v", name, set.Name, m, w.K, add, err)
			}
		}
	}
}

// The result of a row does not depend on the number of rows, and outputs not on their division.
func TestRowsOfKAreIndependent(t *testing.T) {
	r := rand.New(rand.NewPCG(55, 56))
	for name, l := range layoutsK {
		const n, k, m = 48, 512, 29
		w := randomK(r, l, n, k)
		a := random(r, m*k)
		for _, set := range Sets() {
			var x InputsK
			x.Quantize(set, m, k, a, k)
			all := make([]float32, m*n)
			set.MulK(m, &x, w, all, n, false)
			for i := range m {
				x.Quantize(set, 1, k, a[i*k:], k)
				one := make([]float32, n)
				for _, part := range [][2]int{{0, 16}, {16, 48}} {
					some := w.Outputs(part[0], part[1])
					set.MulK(1, &x, &some, one[part[0]:], n, false)
				}
				if err := sameBits(one, all[i*n:(i+1)*n]); err != nil {
					t.Fatalf("%s, %s, row %d: %v", name, set.Name, i, err)
				}
			}
		}
	}
}

// The largest weights and inputs do not saturate.
func TestMulKExtremes(t *testing.T) {
	for name, l := range layoutsK {
		const k = 256
		w := NewMatrixK(l, 16, k, make([]uint8, l.Size(16, k)))
		var b Block
		for i := range b.Q {
			b.Q[i] = uint8(l.most())
		}
		for g := range b.Scales {
			b.Scales[g] = 1
		}
		b.D = 1
		for j := range 16 {
			w.Set(j, 0, &b)
		}
		for _, sign := range []float32{1, -1} {
			a := slices.Repeat([]float32{127 * sign}, k)
			for _, set := range Sets() {
				var x InputsK
				x.Quantize(set, 1, k, a, k)
				c := make([]float32, 16)
				set.MulK(1, &x, w, c, 16, false)
				if want := sign * 127 * k * float32(l.most()-l.zero()); c[0] != want || c[15] != want {
					t.Errorf("%s, %s: %g, want %g", name, set.Name, c, want)
				}
			}
		}
	}
}

// Inputs that are not finite give results that are not finite.
func TestMulKNonFinite(t *testing.T) {
	r := rand.New(rand.NewPCG(57, 58))
	w := randomK(r, LayoutQ4K, 16, 256)
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		a := random(r, 256)
		a[77] = float32(bad)
		for _, set := range Sets() {
			var x InputsK
			x.Quantize(set, 1, 256, a, 256)
			c := make([]float32, 16)
			set.MulK(1, &x, w, c, 16, false)
			for j, v := range c {
				if v*0 == 0 {
					t.Errorf("%s, %g: output %d is %g", set.Name, bad, j, v)
				}
			}
		}
	}
}
