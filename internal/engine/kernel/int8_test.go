package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func pack8(n, k int, w []float32) *Matrix8 {
	m := NewMatrix8(n, k, make([]int8, Size8(n, k)))
	for p := range Pad(n) / Width {
		m.SetPanel(&generic, p, w[p*Width*k:min((p+1)*Width, n)*k])
	}
	return m
}

// extremes returns inputs or weights of maximum magnitude with random signs.
func extremes(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(1 - 2*r.IntN(2))
	}
	return v
}

// Sums of 8-bit products are exact. With scales that are powers of two, every set gives the bits of
// the definition. Nothing beyond the result is written.
func TestMul8(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for _, fill := range []func(*rand.Rand, int) []float32{random, extremes} {
		for _, n := range []int{1, 16, 33, 64, 130} {
			for _, k := range []int{1, 7, 8, 31, 63, 64, 65, 72, 128, 250, 544} {
				matrix := pack8(n, k, fill(r, n*k))
				depth, groups := PadK(k), Groups(k)
				for i := range matrix.Scales {
					matrix.Scales[i] = []float32{.25, .5, 1}[r.IntN(3)]
				}
				for _, m := range []int{1, 2, 3, 4, 5, 7, 9, 260} {
					if m > 9 && k > 72 {
						continue
					}
					q, scales := make([]uint8, m*depth), make([]float32, m*groups)
					generic.Quantize(m, k, fill(r, m*k), k, q, scales)
					for i := range scales {
						scales[i] = []float32{.5, 1, 2}[r.IntN(3)]
					}
					ldc := Pad(n) + 3
					before := integers(r, m*ldc)
					for _, add := range []bool{false, true} {
						want := slices.Clone(before)
						for i := range m {
							for j := range Pad(n) {
								sum := 0.0
								for x := range depth {
									weight := matrix.Panels[j/Width*depth*Width+x/4*4*Width+j%Width*4+x%4]
									scale := scales[i*groups+x/GroupSize] * matrix.Scales[(j/Width*groups+x/GroupSize)*Width+j%Width]
									sum += float64(int(q[i*depth+x])-128) * float64(weight) * float64(scale)
								}
								if add {
									sum += float64(before[i*ldc+j])
								}
								want[i*ldc+j] = float32(sum)
							}
						}
						for _, set := range Sets() {
							got := slices.Clone(before)
							set.Mul8(m, q, scales, matrix, got, ldc, add)
							if !slices.Equal(got, want) {
								t.Fatalf("%s %dx%dx%d add=%v differs from the definition", set.Name, m, n, k, add)
							}
						}
					}
				}
			}
		}
	}
}

// Several rows give the same bits as each row separately.
func TestMul8RowsAreIndependent(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	const n, k, rows = 208, 600, 270
	matrix := pack8(n, k, random(r, n*k))
	depth, groups := PadK(k), Groups(k)
	for _, set := range Sets() {
		q, scales := make([]uint8, rows*depth), make([]float32, rows*groups)
		set.Quantize(rows, k, random(r, rows*k), k, q, scales)
		want := make([]float32, rows*n)
		for i := range rows {
			set.Mul8(1, q[i*depth:], scales[i*groups:], matrix, want[i*n:], n, false)
		}
		for _, m := range []int{2, 3, 4, 5, 8, 11, 257, 270} {
			got := make([]float32, m*n)
			first := rows - m
			set.Mul8(m, q[first*depth:], scales[first*groups:], matrix, got, n, false)
			if !slices.Equal(got, want[first*n:]) {
				t.Errorf("%s: the results of %d rows differ from those of single rows", set.Name, m)
			}
		}
	}
}

// With maximum weights vpmaddubsw saturates. The weights of weightGroup prevent this.
func TestNoSaturation(t *testing.T) {
	const k = 64
	w := make([]float32, k)
	for i := range w {
		w[i] = 1
	}
	saturated := func(weights []int8) bool {
		for i := 0; i < k; i += 8 {
			for j := 0; j < 4; j += 2 {
				if 255*(int(weights[i+j])+int(weights[i+j+1])+int(weights[i+j+4])+int(weights[i+j+5])) > math.MaxInt16 {
					return true
				}
			}
		}
		return false
	}
	plain := make([]int8, k)
	for i := range plain {
		plain[i] = 127
	}
	if !saturated(plain) {
		t.Error("127 everywhere does not saturate, so this test cannot fail")
	}
	row := quantized(&generic, w)
	if saturated(row) {
		t.Errorf("weights %v saturate", row)
	}
	r := rand.New(rand.NewPCG(15, 16))
	for range 3000 {
		w := random(r, 1+r.IntN(GroupSize))
		for range r.IntN(8) {
			w[r.IntN(len(w))] *= 30
		}
		row := quantized(&generic, w)
		for i := 0; i < len(row); i += 8 {
			for j := 0; j < 4; j += 2 {
				positive, negative := 0, 0
				for _, v := range []int8{row[i+j], row[i+j+1], row[i+j+4], row[i+j+5]} {
					positive += max(0, int(v))
					negative += max(0, -int(v))
				}
				if positive > 128 || negative > 128 {
					t.Fatalf("weights %v", row)
				}
			}
		}
	}
}

// All sets quantize weights to the same bits.
func TestQuantizeWeights(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for round := range 3000 {
		w := random(r, 1+r.IntN(GroupSize))
		for range r.IntN(8) {
			w[r.IntN(len(w))] = float32(r.IntN(120) - 60)
		}
		factor := []float32{1, 1e-38, 1e34, 0}[r.IntN(4)]
		for i := range w {
			w[i] *= factor
		}
		if round%5 == 0 {
			w[r.IntN(len(w))] = []float32{inf, -inf, nan}[r.IntN(3)]
		}
		var want weightGroup
		scale := want.quantize(&generic, w)
		if finite := scale-scale == 0; finite == (round%5 == 0) {
			t.Fatalf("the scale of %v is %g", w, scale)
		}
		for _, set := range Sets() {
			var got struct {
				weightGroup
				after [64]int8
			}
			got.out[0] = 99
			if s := got.quantize(set, w); math.Float32bits(s) != math.Float32bits(scale) && s == s || got.out != want.out || got.after != [64]int8{} {
				t.Fatalf("%s: %v gives %g %v, want %g %v", set.Name, w, s, got, scale, want)
			}
		}
	}
}

func quantized(s *Set, w []float32) []int8 {
	var g weightGroup
	g.quantize(s, w)
	return g.out[:]
}

// TestQuantizeError limits the error of products, relative to their standard deviation. For normal
// weights and inputs the error would be 0.0104 if both used all 8 bits, and 0.0168 if the inputs
// had 7 bits.
func TestQuantizeError(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	const n, k, m = 256, 512, 64
	w, a := random(r, n*k), random(r, m*k)
	matrix, exact := pack8(n, k, w), pack(n, k, w)
	q, scales := make([]uint8, m*k), make([]float32, m*Groups(k))
	generic.Quantize(m, k, a, k, q, scales)
	got, want := make([]float32, m*n), make([]float32, m*n)
	best := Sets()[len(Sets())-1]
	best.Mul8(m, q, scales, matrix, got, n, false)
	best.Mul(m, a, k, exact, want, n, false)
	var diff, all float64
	for i := range got {
		d := float64(got[i] - want[i])
		diff += d * d
		all += float64(want[i]) * float64(want[i])
	}
	e := math.Sqrt(diff / all)
	t.Logf("relative error %.4f", e)
	if e > 0.0155 {
		t.Errorf("the relative error is %.4f", e)
	}
}

func TestQuantize(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 20))
	for _, k := range []int{1, 31, 63, 64, 65, 100, 576} {
		a := random(r, 3*(k+5))
		clear(a[k+5 : 2*(k+5)])
		depth, groups := PadK(k), Groups(k)
		var first []uint8
		for _, set := range Sets() {
			q, scales := make([]uint8, 3*depth), make([]float32, 3*groups)
			set.Quantize(3, k, a, k+5, q, scales)
			if first == nil {
				first = q
			} else if !slices.Equal(first, q) {
				t.Fatalf("%s differs for %d numbers", set.Name, k)
			}
			for i := range 3 {
				for j := range depth {
					want := float32(0)
					if j < k {
						want = a[i*(k+5)+j]
					}
					scale := scales[i*groups+j/GroupSize]
					if got := float32(int(q[i*depth+j])-128) * scale; math.Abs(float64(got-want)) > float64(scale)*.501 {
						t.Fatalf("%s: row %d: %g becomes %g", set.Name, i, want, got)
					}
				}
			}
		}
	}
}
