package kernel

import (
	"math"
	"testing"
)

// notFinite are numbers that no operation may turn into finite ones.
var notFinite = map[string]float32{"NaN": float32(math.NaN()), "Inf": float32(math.Inf(1)), "-Inf": float32(math.Inf(-1))}

func isFinite(x float32) bool { return x-x == 0 }

// withNumber returns n small numbers with x at an index.
func withNumber(n, at int, x float32) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i%7) - 2.5
	}
	v[at] = x
	return v
}

// A row with a number that is not finite has a scale that is not finite, and all products with the
// row are not finite, wherever the number is.
func TestQuantizeKeepsNonFinite(t *testing.T) {
	const n, k = 32, 2*GroupSize + 24
	weights := make([]float32, n*k)
	for i := range weights {
		weights[i] = float32(i%5) + 1
	}
	for _, set := range Sets() {
		m := NewMatrix8(n, k, make([]int8, Size8(n, k)))
		for p := range n / Width {
			m.SetPanel(set, p, weights[p*Width*k:(p+1)*Width*k])
		}
		for name, x := range notFinite {
			for at := range k {
				q, scales := make([]uint8, PadK(k)), make([]float32, Groups(k))
				set.Quantize(1, k, withNumber(k, at, x), k, q, scales)
				for g, scale := range scales {
					if isFinite(scale) == (g == at/GroupSize) {
						t.Errorf("%s: %s at %d: the scale of group %d is %g", set.Name, name, at, g, scale)
					}
				}
				c := make([]float32, n)
				set.Mul8(1, q, scales, m, c, n, false)
				for j, y := range c {
					if isFinite(y) {
						t.Fatalf("%s: %s at %d: product %d is %g", set.Name, name, at, j, y)
					}
				}
			}
			for at := range GroupSize {
				var w weightGroup
				if scale := w.quantize(set, withNumber(GroupSize, at, x)); isFinite(scale) {
					t.Errorf("%s: weights with %s at %d: the scale is %g", set.Name, name, at, scale)
				}
			}
		}
	}
}

// NaN stays NaN in each function of one number, and other numbers do not become NaN.
func TestFunctionsKeepNaN(t *testing.T) {
	const n = 64
	for _, set := range Sets() {
		for at := range n {
			x, ones, dst := withNumber(n, at, notFinite["NaN"]), make([]float32, n), make([]float32, n)
			for i := range ones {
				ones[i] = 1
			}
			for name, do := range map[string]func(){
				"Exp":     func() { set.Exp(dst, x, 1) },
				"SiluMul": func() { set.SiluMul(dst, x, ones) },
				"GeluMul": func() { set.GeluMul(dst, x, ones) },
				"up":      func() { set.SiluMul(dst, ones, x) },
				"Gelu":    func() { set.Gelu(dst, x) },
				"gated":   func() { set.GatedGelu(dst, x, ones) },
			} {
				do()
				for i, y := range dst {
					if math.IsNaN(float64(y)) != (i == at) {
						t.Errorf("%s, %s: NaN at %d: dst[%d] is %g", set.Name, name, at, i, y)
					}
				}
			}
			if !math.IsNaN(float64(set.Max(x))) || !math.IsNaN(float64(set.Max(x[:n-1]))) && at < n-1 {
				t.Errorf("%s: the maximum of numbers with NaN at %d is %g", set.Name, at, set.Max(x))
			}
			if set.Exp(dst, ones, float32(math.NaN())); isFinite(dst[at]) {
				t.Errorf("%s: e^(1 - NaN) is %g", set.Name, dst[at])
			}
			set.RMSNorm(dst, x, ones, 1e-5)
			for i, y := range dst {
				if isFinite(y) {
					t.Errorf("%s: NaN at %d: dst[%d] of RMSNorm is %g", set.Name, at, i, y)
				}
			}
			copy(dst, x)
			set.Softmax(1, dst, n, 0, n)
			for i, y := range dst {
				if isFinite(y) {
					t.Errorf("%s: NaN at %d: weight %d of Softmax is %g", set.Name, at, i, y)
				}
			}
			set.LayerNorm(dst, x, ones, ones, 1e-5)
			for i, y := range dst {
				if isFinite(y) {
					t.Errorf("%s: NaN at %d: dst[%d] of LayerNorm is %g", set.Name, at, i, y)
				}
			}
			for name, x := range notFinite {
				if set.Gelu(dst, withNumber(n, at, x)); isFinite(dst[at]) {
					t.Errorf("%s: gelu(%s) is %g", set.Name, name, dst[at])
				}
				if _, finite := set.ArgMax(withNumber(n, at, x)); finite {
					t.Errorf("%s: ArgMax does not report %s at %d", set.Name, name, at)
				}
			}
		}
		infinite, dst := withNumber(16, 0, notFinite["Inf"]), make([]float32, 16)
		infinite[1] = notFinite["-Inf"]
		if set.Exp(dst, infinite, 0); dst[0] < 1e38 || dst[1] > 1e-37 {
			t.Errorf("%s: e^Inf is %g, e^-Inf is %g", set.Name, dst[0], dst[1])
		}
		if got := set.Max(infinite); got != notFinite["Inf"] {
			t.Errorf("%s: the maximum is %g", set.Name, got)
		}
	}
}
