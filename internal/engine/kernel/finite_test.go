package kernel

import (
	"math"
	"testing"
)

// notFinite are numbers that no operation may lose.
var notFinite = map[string]float32{"NaN": float32(math.NaN()), "Inf": float32(math.Inf(1)), "-Inf": float32(math.Inf(-1))}

func isFinite(x float32) bool { return x-x == 0 }

// some gives n harmless numbers, and one that is not finite.
func some(n, at int, x float32) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i%7) - 2.5
	}
	v[at] = x
	return v
}

// Wherever a number that is not finite stands in a row, the row in 8 bits has a
// scale that is not finite, and so have all products with it.
func TestQuantizeKeepsNotFinite(t *testing.T) {
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
				set.Quantize(1, k, some(k, at, x), k, q, scales)
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
				if unit := w.quantize(set, some(GroupSize, at, x)); isFinite(unit) {
					t.Errorf("%s: %s among weights at %d: a unit is %g", set.Name, name, at, unit)
				}
			}
		}
	}
}

// What is not a number stays so through each function of a number, and none of
// the others becomes it.
func TestFunctionsKeepNaN(t *testing.T) {
	const n = 64
	for _, set := range Sets() {
		for at := range n {
			x, ones, dst := some(n, at, notFinite["NaN"]), make([]float32, n), make([]float32, n)
			for i := range ones {
				ones[i] = 1
			}
			for name, do := range map[string]func(){
				"Exp":     func() { set.Exp(dst, x, 1) },
				"SiluMul": func() { set.SiluMul(dst, x, ones) },
				"GeluMul": func() { set.GeluMul(dst, x, ones) },
				"up":      func() { set.SiluMul(dst, ones, x) },
			} {
				do()
				for i, y := range dst {
					if math.IsNaN(float64(y)) != (i == at) {
						t.Errorf("%s, %s: not a number at %d: %d is %g", set.Name, name, at, i, y)
					}
				}
			}
			if !math.IsNaN(float64(set.Max(x))) || !math.IsNaN(float64(set.Max(x[:n-1]))) && at < n-1 {
				t.Errorf("%s: the greatest of numbers of which one, at %d, is none is %g", set.Name, at, set.Max(x))
			}
			if set.Exp(dst, ones, float32(math.NaN())); isFinite(dst[at]) {
				t.Errorf("%s: e^(1 - NaN) is %g", set.Name, dst[at])
			}
			set.RMSNorm(dst, x, ones, 1e-5)
			for i, y := range dst {
				if isFinite(y) {
					t.Errorf("%s: not a number at %d: %d is normalised to %g", set.Name, at, i, y)
				}
			}
			for name, x := range notFinite {
				if _, finite := set.Best(some(n, at, x)); finite {
					t.Errorf("%s: %s at %d is overlooked", set.Name, name, at)
				}
			}
		}
		infinite, dst := some(16, 0, notFinite["Inf"]), make([]float32, 16)
		infinite[1] = notFinite["-Inf"]
		if set.Exp(dst, infinite, 0); dst[0] < 1e38 || dst[1] > 1e-37 {
			t.Errorf("%s: e^Inf is %g, e^-Inf is %g", set.Name, dst[0], dst[1])
		}
		if got := set.Max(infinite); got != notFinite["Inf"] {
			t.Errorf("%s: the greatest is %g", set.Name, got)
		}
	}
}
