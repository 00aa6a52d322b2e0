package nn

import "math"

// RMSNorm computes out = x / sqrt(mean(x²) + epsilon) * weight for one row.
func RMSNorm(out, x, weight []float32, epsilon float32) {
	// Eight sums, because one would wait for itself at each step.
	var sums [8]float32
	n := len(x) &^ 7
	for i := 0; i < n; i += 8 {
		v := (*[8]float32)(x[i:])
		for j := range sums {
			sums[j] += v[j] * v[j]
		}
	}
	var sum float64
	for _, s := range sums {
		sum += float64(s)
	}
	for _, v := range x[n:] {
		sum += float64(v) * float64(v)
	}
	scale := float32(1 / math.Sqrt(sum/float64(len(x))+float64(epsilon)))
	weight, out = weight[:len(x)], out[:len(x)]
	for i, v := range x {
		out[i] = v * scale * weight[i]
	}
}

// Rotary turns pairs of numbers by angles that grow with a token's position.
type Rotary struct {
	frequencies []float64 // radians a position, by pair
}

// NewRotary makes a Rotary for heads of the given size. factors divide the
// frequencies of the pairs; nil leaves them.
func NewRotary(size int, base float64, factors []float32) *Rotary {
	r := &Rotary{make([]float64, size/2)}
	for i := range r.frequencies {
		r.frequencies[i] = math.Pow(base, -2*float64(i)/float64(size))
		if factors != nil {
			r.frequencies[i] /= float64(factors[i])
		}
	}
	return r
}

// Angles writes cosine and sine of each pair's angle at a position: out is
// [size/2][2].
func (r *Rotary) Angles(out []float32, position int) {
	for i, f := range r.frequencies {
		sin, cos := math.Sincos(f * float64(position))
		out[2*i], out[2*i+1] = float32(cos), float32(sin)
	}
}

// Rotate turns the pairs (0, 1), (2, 3), ... of each head in x by angles, and
// scales them. It is the order of GGUF's Llama files, whose weights of queries
// and keys are permuted for it.
func Rotate(x, angles []float32, scale float32) {
	for len(x) > 0 {
		head := x[:len(angles)]
		for i := 0; i+1 < len(head); i += 2 {
			a, b := head[i], head[i+1]
			cos, sin := angles[i], angles[i+1]
			head[i] = (a*cos - b*sin) * scale
			head[i+1] = (a*sin + b*cos) * scale
		}
		x = x[len(angles):]
	}
}

// AllFinite reports whether no number is infinite or not a number.
func AllFinite(x []float32) bool {
	var sum float32
	for _, v := range x {
		sum += v * 0 // 0, or not a number
	}
	return sum == 0
}
