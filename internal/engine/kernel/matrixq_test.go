package kernel

import (
	"encoding/binary"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// allQ returns all layouts.
func allQ() iter.Seq[LayoutQ] {
	return func(yield func(LayoutQ) bool) {
		for l := range layoutsQ {
			if !yield(l) {
				return
			}
		}
	}
}

// most is the greatest weight.
func (l LayoutQ) most() int { return 1<<formsQ[l].bits - 1 }

// randomBlock returns a block with weights of about 1.
func randomBlock(r *rand.Rand, l LayoutQ) *Block {
	var b Block
	for i := range b.Q {
		b.Q[i] = uint8(r.IntN(l.most() + 1))
		switch r.IntN(5) {
		case 0:
			b.Q[i] = uint8(l.most())
		case 1:
			b.Q[i] = 0
		}
	}
	for g := range b.Scales {
		b.Scales[g] = int8(r.IntN(256) - 128)
		b.Mins[g] = int8(r.IntN(64))
	}
	b.D, b.M = randomHalf(r, -10), randomHalf(r, -7)
	return &b
}

// randomHalf returns a 16-bit floating-point number of about 2^exponent.
func randomHalf(r *rand.Rand, exponent int) uint16 {
	return uint16(r.IntN(2)<<15 | (15+exponent-r.IntN(3))<<10 | r.IntN(1024))
}

func (b *Block) factors() (d, m float64) {
	var bytes [4]uint8
	binary.LittleEndian.PutUint16(bytes[:], b.D)
	binary.LittleEndian.PutUint16(bytes[2:], b.M)
	return float64(half(bytes[:])), float64(half(bytes[2:]))
}

// randomQ returns a matrix with random weights.
func randomQ(r *rand.Rand, l LayoutQ, n, k int) *MatrixQ {
	w := NewMatrixQ(l, n, k, make([]uint8, l.Size(n, k)))
	for j := range n {
		for b := range k / l.Block() {
			w.Set(j, b, randomBlock(r, l))
		}
	}
	return w
}

// sizesQ returns numbers of inputs.
func sizesQ(l LayoutQ) []int { return []int{l.Block(), 5 * l.Block()} }

// Products are those of the weights that Set was called with, and of the inputs up to their
// rounding to 8 bits.
func TestMulQ(t *testing.T) {
	r := rand.New(rand.NewPCG(51, 52))
	for l := range allQ() {
		for _, k := range sizesQ(l) {
			const n, m, ldc = 35, 5, 50
			w := NewMatrixQ(l, n, k, make([]uint8, l.Size(n, k)))
			weights := make([]float64, n*k)
			for i := range weights {
				if i%l.Block() != 0 {
					continue
				}
				b, f := randomBlock(r, l), formsQ[l]
				w.Set(i/k, i%k/l.Block(), b)
				d, m := b.factors()
				for j, q := range b.Q[:l.Block()] {
					scale, minimum := 1.0, 1.0
					if f.scaled() {
						scale, minimum = float64(b.Scales[j/f.group]), float64(b.Mins[j/f.group])
					}
					weights[i+j] = d * scale * float64(int(q)-f.zero)
					if f.mins {
						weights[i+j] += m * minimum
					}
				}
			}
			a := random(r, m*k)
			// Inputs that 8 bits represent exactly.
			for i := range a {
				a[i] = float32(r.IntN(255) - 127)
				if i%partQ == 0 {
					a[i] = 127
				}
			}
			before := random(r, m*ldc)
			for _, add := range []bool{false, true} {
				for _, set := range Sets() {
					var x InputsQ
					x.Reserve(m, k)
					x.Quantize(set, 0, m, a, k)
					c := slices.Clone(before)
					set.MulQ(m, &x, w, c, ldc, add)
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
								t.Fatalf("%s, %s, k=%d, add=%v, row %d, output %d: %g, want %g", l, set.Name, k, add, i, j, got, want)
							}
						}
					}
				}
			}
		}
	}
}

// All sets have the bits of the generic set, for any number of rows.
func TestProductsOfQAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(53, 54))
	for l := range allQ() {
		for blocks, rows := range map[int][]int{1: {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 25}, 3: {1, 6, 13}} {
			w := randomQ(r, l, 48, blocks*l.Block())
			for _, m := range rows {
				productsOfQAgree(t, r, m, w, Sets()[1:])
			}
		}
	}
}

func productsOfQAgree(t *testing.T, r *rand.Rand, m int, w *MatrixQ, sets []*Set) {
	t.Helper()
	lda, ldc := w.K+3, w.N+5
	a := random(r, m*lda)
	before := random(r, m*ldc)
	for _, add := range []bool{false, true} {
		product := func(s *Set) []float32 {
			var x InputsQ
			x.Reserve(m, w.K)
			x.Quantize(&generic, 0, m, a, lda)
			c := slices.Clone(before)
			s.MulQ(m, &x, w, c, ldc, add)
			return c
		}
		want := product(&generic)
		for _, set := range sets {
			if err := sameBits(product(set), want); err != nil {
				t.Fatalf("%s, %s, %d rows, k=%d, add=%v: %v", w.Layout, set.Name, m, w.K, add, err)
			}
		}
	}
}

// The result of a row does not depend on the number of rows, and outputs not on their division.
func TestRowsOfQAreIndependent(t *testing.T) {
	r := rand.New(rand.NewPCG(55, 56))
	for l := range allQ() {
		const n, k, m = 48, 512, 29
		w := randomQ(r, l, n, k)
		a := random(r, m*k)
		for _, set := range Sets() {
			var x InputsQ
			x.Reserve(m, k)
			x.Quantize(set, 0, m, a, k)
			all := make([]float32, m*n)
			set.MulQ(m, &x, w, all, n, false)
			for i := range m {
				x.Reserve(1, k)
				x.Quantize(set, 0, 1, a[i*k:], k)
				one := make([]float32, n)
				for _, part := range [][2]int{{0, 16}, {16, 48}} {
					some := w.Outputs(part[0], part[1])
					set.MulQ(1, &x, &some, one[part[0]:], n, false)
				}
				if err := sameBits(one, all[i*n:(i+1)*n]); err != nil {
					t.Fatalf("%s, %s, row %d: %v", l, set.Name, i, err)
				}
			}
		}
	}
}

// The largest and the smallest weights and inputs do not saturate.
func TestMulQExtremes(t *testing.T) {
	for l := range allQ() {
		for _, q := range []int{0, l.most()} {
			k := l.Block()
			w := NewMatrixQ(l, 16, k, make([]uint8, l.Size(16, k)))
			var b Block
			for i := range b.Q {
				b.Q[i] = uint8(q)
			}
			for g := range b.Scales {
				b.Scales[g] = 1
			}
			b.D = 0x3c00 // 1
			for j := range 16 {
				w.Set(j, 0, &b)
			}
			for _, sign := range []float32{1, -1} {
				a := slices.Repeat([]float32{127 * sign}, k)
				for _, set := range Sets() {
					var x InputsQ
					x.Reserve(1, k)
					x.Quantize(set, 0, 1, a, k)
					c := make([]float32, 16)
					set.MulQ(1, &x, w, c, 16, false)
					if want := sign * 127 * float32(k*(q-formsQ[l].zero)); c[0] != want || c[15] != want {
						t.Errorf("%s, %s: %g, want %g", l, set.Name, c, want)
					}
				}
			}
		}
	}
}

// Inputs that are not finite give results that are not finite.
func TestMulQNonFinite(t *testing.T) {
	r := rand.New(rand.NewPCG(57, 58))
	w := randomQ(r, Q4_K, 16, 256)
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		a := random(r, 256)
		a[77] = float32(bad)
		for _, set := range Sets() {
			var x InputsQ
			x.Reserve(1, 256)
			x.Quantize(set, 0, 1, a, 256)
			c := make([]float32, 16)
			set.MulQ(1, &x, w, c, 16, false)
			for j, v := range c {
				if v*0 == 0 {
					t.Errorf("%s, %g: output %d is %g", set.Name, bad, j, v)
				}
			}
		}
	}
}

// All sets convert all 16-bit floating-point numbers exactly. Weights of 1 and inputs of 1 in one
// input give them.
func TestHalves(t *testing.T) {
	for _, set := range Sets() {
		var x InputsQ
		a := make([]float32, 32)
		a[0] = 127
		x.Reserve(1, 32)
		x.Quantize(set, 0, 1, a, 32)
		for first := 0; first < 1<<16; first += 16 {
			w := NewMatrixQ(Q4_1, 16, 32, make([]uint8, Q4_1.Size(16, 32)))
			for j := range 16 {
				b := Block{D: uint16(first + j)}
				b.Q[0] = 1
				w.Set(j, 0, &b)
			}
			c := make([]float32, 16)
			set.MulQ(1, &x, w, c, 16, false)
			for j, got := range c {
				h := uint16(first + j)
				var want float64
				switch sign, exponent, fraction := 1-2*float64(h>>15), int(h>>10&31), float64(h&1023); {
				case exponent == 0:
					want = sign * math.Ldexp(fraction, -24)
				case exponent < 31:
					want = sign * math.Ldexp(1024+fraction, exponent-25)
				default:
					want = math.NaN()
				}
				if want *= 127; got != float32(want) && (want == want || got*0 == 0) {
					t.Fatalf("%s: %#x times 127 is %g, want %g", set.Name, h, got, want)
				}
			}
		}
	}
}

// Inputs have the same bytes with each set.
func TestInputsQ(t *testing.T) {
	r := rand.New(rand.NewPCG(51, 52))
	const rows, k = 3, 160
	a := random(r, rows*k)
	clear(a[32:64])
	for i := 64; i < 96; i++ {
		a[i] *= 1e-38 // too small to divide by
	}
	a[100] = 1e30
	copy(a[128:], []float32{127, 0.5, 1.5, 2.5, -0.5, -1.5, -127}) // ties
	var want []uint8
	for _, set := range Sets() {
		var x InputsQ
		x.Reserve(rows, k)
		x.Quantize(set, 2, 3, a[2*k:], k)
		x.Quantize(set, 0, 2, a, k)
		if want == nil {
			want = x.data
		}
		if !slices.Equal(x.data, want) {
			t.Errorf("%s: %v, want %v", set.Name, x.data, want)
		}
	}
}
