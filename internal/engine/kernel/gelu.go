package kernel

// Gelu computes dst[i] = x[i] Φ(x[i]), where Φ is the cumulative distribution function of the
// normal distribution. (GeluMul uses the tanh approximation.) A number that is not finite gives
// NaN. The lengths are the same multiple of 8. dst may be x.
func (s *Set) Gelu(dst, x []float32) {
	if len(dst) > 0 {
		s.gelu(dst, x[:len(dst)])
	}
}

// GatedGelu computes dst[i] = gate[i] Φ(gate[i]) * up[i]. The lengths are the same multiple of 8.
func (s *Set) GatedGelu(dst, gate, up []float32) {
	if len(dst) > 0 {
		s.gatedGelu(dst, gate[:len(dst)], up[:len(dst)])
	}
}

func genericGelu(dst, x []float32) {
	for i, v := range x {
		dst[i] = geluOne(v)
	}
}

func genericGatedGelu(dst, gate, up []float32) {
	for i, g := range gate {
		dst[i] = geluOne(g) * up[i]
	}
}

// geluLimit is the largest magnitude that differs from geluLimit itself: Φ(-geluLimit) is
// subnormal.
const geluLimit = 13.2

// geluUpper and geluLower are the coefficients of P and Q in Φ(-t) = e^(-t²/2) P(t) / Q(t), the
// highest power first. They minimize the relative error for t from 0 to 13.4, which is 5.1e-9. All
// are positive, so that no digits cancel.
var (
	geluUpper = [...]float32{.004028641452048518, .040041457807821715, .18147734911483654, .43591777718342645, .5000000025222086}
	geluLower = [...]float32{.010098165570022515, .10037634489436346, .4648305524875527, 1.195194698213903, 1.6697204784989381, 1}
)

// geluOne returns x Φ(x) = max(x, 0) - |x| Φ(-|x|), with an error of at most three units in the
// last place for positive x and seven for negative x down to -12.8.
func geluOne(x float32) float32 {
	t := min(abs(x), geluLimit)
	upper, lower := geluUpper[0], geluLower[0]
	for _, c := range geluUpper[1:] {
		upper = fma(upper, t, c)
	}
	for _, c := range geluLower[1:] {
		lower = fma(lower, t, c)
	}
	// e^(-t²/2) = e^(-square/2) e^(-rest/2), where square is rounded.
	square := t * t
	rest := float32(float64(t)*float64(t) - float64(square)) // exact
	tail := upper / lower * expCore(square*-.5)
	tail = fma(tail, rest*-.5, tail)
	y := float32(0)
	if x > 0 {
		y = x
	}
	return fma(x, 0, fma(-t, tail, y))
}
