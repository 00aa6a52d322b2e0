package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func random(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

// integers returns small integers, whose products and sums are exact in any order.
func integers(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.IntN(9) - 4)
	}
	return v
}

func pack(n, k int, w []float32) *Matrix {
	m := NewMatrix(n, k, make([]float32, Size(n, k)))
	for p := range Pad(n) / Width {
		m.SetPanel(p, w[p*Width*k:min((p+1)*Width, n)*k])
	}
	return m
}

const canary = 12345

func TestMulExact(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, set := range Sets() {
		for _, n := range []int{1, 16, 33, 80, 130} {
			for _, k := range []int{1, 3, 4, 64, 255, 256, 257, 600} {
				w := integers(r, n*k)
				matrix := pack(n, k, w)
				for _, m := range []int{1, 2, 3, 4, 5, 6, 7, 11, 13, 25, 200} {
					if m > 13 && k > 300 && n > 33 {
						continue
					}
					lda, ldc := k+3, Pad(n)+5
					a, c := integers(r, m*lda), make([]float32, m*ldc)
					for i := range c {
						c[i] = canary
					}
					for _, add := range []bool{false, true} {
						set.Mul(m, a, lda, matrix, c, ldc, add)
						for i := range m {
							for j := range ldc {
								want := float32(canary)
								if j < Pad(n) {
									want = 0
								}
								if j < n {
									for x := range k {
										want += a[i*lda+x] * w[j*k+x]
									}
									if add {
										want *= 2
									}
								}
								if got := c[i*ldc+j]; got != want {
									t.Fatalf("%s %dx%dx%d add=%v: C[%d][%d] = %g, want %g", set.Name, m, n, k, add, i, j, got, want)
								}
							}
						}
					}
				}
			}
		}
	}
}

// The result of a row does not depend on the other rows, in any bit.
func TestRowsAreIndependent(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const n, k, rows = 208, 600, 210
	matrix := pack(n, k, random(r, n*k))
	a := random(r, rows*k)
	for _, set := range Sets() {
		want := make([]float32, rows*n)
		for i := range rows {
			set.Mul(1, a[i*k:], k, matrix, want[i*n:], n, false)
		}
		for _, m := range []int{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 24, 25, 193, 210} {
			got := make([]float32, m*n)
			first := rows - m
			set.Mul(m, a[first*k:], k, matrix, got, n, false)
			if !slices.Equal(got, want[first*n:]) {
				t.Errorf("%s: the results of %d rows differ from those of single rows", set.Name, m)
			}
		}
		// K in two parts, as attention adds blocks of keys.
		parts := make([]float32, rows*n)
		set.Panels(rows, 7, a, k, matrix.Panels, k*Width, n/Width, parts, n, false)
		set.Panels(rows, 593, a[7:], k, matrix.Panels[7*Width:], k*Width, n/Width, parts, n, true)
		if !slices.Equal(parts, want) {
			t.Errorf("%s: a sum in two parts differs", set.Name)
		}
	}
}

func TestDots(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for _, set := range Sets() {
		for _, k := range []int{0, 16, 32, 48, 512} {
			for m := range 14 {
				for _, n := range []int{0, 1, 2, 3, 7, 34} {
					lda, ldc, stride := k+r.IntN(5), n+1+r.IntN(5), (n+1)*Width
					a := integers(r, m*lda+1)[1:] // not aligned
					b := integers(r, max(1, k/Width)*stride)
					c := make([]float32, m*ldc)
					for i := range c {
						c[i] = canary
					}
					set.Dots(m, n, k, a, lda, b, stride, c, ldc)
					for i, got := range c {
						row, j := i/ldc, i%ldc
						want := float32(canary)
						if j < n {
							want = 0
							for x := range k {
								want += a[row*lda+x] * b[x/Width*stride+j*Width+x%Width]
							}
						} else if j == n && n%2 == 1 {
							continue // the second column of a pair
						}
						if got != want {
							t.Fatalf("%s %dx%dx%d: C[%d][%d] = %g, want %g", set.Name, m, n, k, row, j, got, want)
						}
					}
				}
			}
		}
		const k, n, m = 208, 6, 13
		a, b := random(r, m*k), random(r, k*n)
		together, separate := make([]float32, m*n), make([]float32, m*n)
		set.Dots(m, n, k, a, k, b, n*Width, together, n)
		for i := range m {
			set.Dots(1, n, k, a[i*k:], k, b, n*Width, separate[i*n:], n)
		}
		if !slices.Equal(together, separate) {
			t.Errorf("%s: the results of several rows differ from those of single rows", set.Name)
		}
	}
}

func TestRow(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	w := random(r, 33*7)
	matrix := pack(33, 7, w)
	for n := range 33 {
		row := make([]float32, 7)
		matrix.Row(n, row)
		if !slices.Equal(row, w[n*7:(n+1)*7]) {
			t.Errorf("row %d: %v", n, row)
		}
	}
}

func TestExp(t *testing.T) {
	for _, set := range Sets() {
		src, dst := make([]float32, 8*40000), make([]float32, 8*40000)
		for i := range src {
			src[i] = float32(i)*(176.0/float32(len(src))) - 88
		}
		src[0], src[1] = float32(math.Inf(-1)), -1000
		const shift = 1.5
		set.Exp(dst, src, shift)
		for i, x := range src {
			want := math.Exp(math.Max(float64(x-shift), -87.33654))
			if got := float64(dst[i]); math.Abs(got-want) > 2.5e-7*want {
				t.Fatalf("%s: e^%g = %g, want %g", set.Name, x-shift, got, want)
			}
		}
	}
}

func TestSiluMul(t *testing.T) {
	for _, set := range Sets() {
		gate, up, dst := make([]float32, 4096), make([]float32, 4096), make([]float32, 4096)
		for i := range gate {
			gate[i] = float32(i-2048) / 10
			up[i] = float32(i%7) - 3
		}
		set.SiluMul(dst, gate, up)
		for i, g := range gate {
			want := float64(g) / (1 + math.Exp(-float64(g))) * float64(up[i])
			if got := float64(dst[i]); math.Abs(got-want) > 1e-6*math.Abs(want)+1e-34 {
				t.Fatalf("%s: silu(%g)*%g = %g, want %g", set.Name, g, up[i], got, want)
			}
		}
	}
}

func TestGeluMul(t *testing.T) {
	for _, set := range Sets() {
		gate, up, dst := make([]float32, 4096), make([]float32, 4096), make([]float32, 4096)
		for i := range gate {
			gate[i] = float32(i-2048) / 200
			up[i] = float32(i%7) - 3
		}
		set.GeluMul(dst, gate, up)
		for i, g := range gate {
			x := float64(g)
			want := .5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+.044715*x*x*x))) * float64(up[i])
			if got := float64(dst[i]); math.Abs(got-want) > 2e-6*math.Abs(want)+1e-7 {
				t.Fatalf("%s: gelu(%g)*%g = %g, want %g", set.Name, g, up[i], got, want)
			}
		}
	}
}

// Gelu has an error of a few units in the last place, also for negative numbers, where it is small.
func TestGelu(t *testing.T) {
	for _, set := range Sets() {
		const n = 80000
		x, up := make([]float32, n), make([]float32, n)
		for i := range x {
			x[i], up[i] = float32(i-n/2)*(25.6/n), 2
		}
		x[0], x[n-1] = -1e30, 1e30
		plain, gated := make([]float32, n), make([]float32, n)
		set.Gelu(plain, x)
		set.GatedGelu(gated, x, up)
		for i, x := range x {
			want := float64(x) / 2 * math.Erfc(-float64(x)/math.Sqrt2)
			unit := max(math.Abs(want)*0x1p-23, 0x1p-149)
			if e := math.Abs(float64(plain[i])-want) / unit; e > 6 && x > -13 || e > 3 && x > 0 {
				t.Fatalf("%s: gelu(%g) = %g, want %g, which differs by %.1f units", set.Name, x, plain[i], want, e)
			}
			if x < -13 && (plain[i] > 0 || plain[i] < -1e-36) {
				t.Fatalf("%s: gelu(%g) = %g", set.Name, x, plain[i])
			}
			if gated[i] != 2*plain[i] {
				t.Fatalf("%s: the gated gelu(%g) = %g, want %g", set.Name, x, gated[i], 2*plain[i])
			}
		}
	}
}

func TestLayerNorm(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 14))
	for _, n := range []int{16, 48, 384} {
		x, weight, bias := random(r, n), random(r, n), random(r, n)
		mean, variance := 0.0, 0.0
		for i := range x {
			x[i] += 7
			mean += float64(x[i]) / float64(n)
		}
		for _, v := range x {
			variance += (float64(v) - mean) * (float64(v) - mean) / float64(n)
		}
		for _, set := range Sets() {
			dst := append(make([]float32, n), canary)
			set.LayerNorm(dst[:n], x, weight, bias, 1e-12)
			for i, v := range x {
				want := (float64(v)-mean)/math.Sqrt(variance+1e-12)*float64(weight[i]) + float64(bias[i])
				if math.Abs(float64(dst[i])-want) > 2e-6*(1+math.Abs(want)) {
					t.Errorf("%s, %d numbers: dst[%d] = %g, want %g", set.Name, n, i, dst[i], want)
				}
			}
			if dst[n] != canary {
				t.Errorf("%s wrote beyond the end", set.Name)
			}
		}
	}
}

func TestSoftmax(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 15))
	const rows, width = 3, 48
	for _, set := range Sets() {
		for first := 0; first < width; first += 5 {
			for last := first + 1; last <= width; last += 6 {
				scores := random(r, rows*width+1)
				scores[rows*width] = canary
				got := slices.Clone(scores)
				set.Softmax(rows, got, width, first, last)
				for i := range rows {
					row, sum := scores[i*width:(i+1)*width], 0.0
					for _, x := range row[first:last] {
						sum += math.Exp(float64(x))
					}
					for j, x := range row {
						want := 0.0
						if j >= first && j < last {
							want = math.Exp(float64(x)) / sum
						}
						if y := float64(got[i*width+j]); math.Abs(y-want) > 1e-6 || want == 0 && y != 0 {
							t.Fatalf("%s, %d to %d: weight %d of row %d is %g, want %g", set.Name, first, last, j, i, y, want)
						}
					}
				}
				if got[rows*width] != canary {
					t.Fatalf("%s wrote beyond the end", set.Name)
				}
			}
		}
	}
}

func TestRMSNorm(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, n := range []int{16, 48, 576} {
		x, weight := random(r, n), random(r, n)
		sum := 0.0
		for _, v := range x {
			sum += float64(v) * float64(v)
		}
		for _, set := range Sets() {
			dst := append(make([]float32, n), canary)
			set.RMSNorm(dst[:n], x, weight, 1e-5)
			for i, v := range x {
				want := float64(v) / math.Sqrt(sum/float64(n)+1e-5) * float64(weight[i])
				if math.Abs(float64(dst[i])-want) > 1e-6*(1+math.Abs(want)) {
					t.Errorf("%s, %d numbers: dst[%d] = %g, want %g", set.Name, n, i, dst[i], want)
				}
			}
			if dst[n] != canary {
				t.Errorf("%s wrote beyond the end", set.Name)
			}
		}
	}
}

func TestMax(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 13))
	for _, n := range []int{16, 32, 80, 1040} {
		for at := 0; at < n; at += 1 + n/100 {
			numbers := random(r, n)
			numbers[(at+1)%n] = float32(math.Inf(-1))
			numbers[at] = 9
			for _, set := range Sets() {
				x := slices.Clone(numbers)
				if got := set.Max(x); got != 9 {
					t.Errorf("%s: the maximum of %d numbers with 9 at %d is %g", set.Name, n, at, got)
				}
				if _, finite := set.ArgMax(x); finite {
					t.Errorf("%s: ArgMax does not report an infinity among %d numbers", set.Name, n)
				}
				x[(at+1)%n] = 9
				if got, finite := set.ArgMax(x[:n-1]); !finite || got != min(at, (at+1)%n) {
					t.Errorf("%s: ArgMax of %d numbers with 9 at %d and %d is %d, %v", set.Name, n-1, at, (at+1)%n, got, finite)
				}
				x[at] = float32(math.NaN())
				if _, finite := set.ArgMax(x); finite {
					t.Errorf("%s: ArgMax does not report NaN among %d numbers", set.Name, n)
				}
			}
		}
	}
}

func TestSelect(t *testing.T) {
	if s, err := Select("generic"); err != nil || s.Name != "generic" {
		t.Errorf("%v, %v", s, err)
	}
	if _, err := Select("avx9000"); err == nil {
		t.Error("an instruction set that does not exist was selected")
	}
	all := Sets()
	if s, err := Select(""); err != nil || s.Name != all[len(all)-1].Name {
		t.Errorf("%v, %v", s, err)
	}
}

func TestTranspose(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, set := range Sets() {
		for _, k := range []int{0, 8, 16, 24, 64, 136} {
			for n := range Width + 1 {
				stride := k + r.IntN(5)
				src := random(r, n*stride+1)[1:] // not aligned
				dst := make([]float32, k*Width)
				for i := range dst {
					dst[i] = canary
				}
				first := r.IntN(Width - n + 1)
				set.Transpose(n, k, dst[min(first, len(dst)):], src, stride)
				for i, got := range dst {
					want := float32(canary)
					if row := i%Width - first; row >= 0 && row < n {
						want = src[row*stride+i/Width]
					}
					if got != want {
						t.Fatalf("%s: %d rows of %d from output %d: dst[%d] = %g, want %g", set.Name, n, k, first, i, got, want)
					}
				}
			}
		}
	}
}
