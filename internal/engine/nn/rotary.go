package nn

import "math"

// Rotary computes rotary position embeddings: it rotates pairs of numbers by angles that are
// proportional to the position of a token.
type Rotary struct {
	frequencies []float64 // by pair, in radians for each position
}

// NewRotary returns a Rotary for heads of the given size. factors divide the frequencies of the
// pairs; it may be nil.
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

// Angles writes the cosine and the sine of the angle of each pair at a position to out, which is
// [size/2][2].
func (r *Rotary) Angles(out []float32, position int) {
	for i, f := range r.frequencies {
		sin, cos := math.Sincos(f * float64(position))
		out[2*i], out[2*i+1] = float32(cos), float32(sin)
	}
}

// Rotate rotates the pairs (0, 1), (2, 3), ... of each head in x by angles and multiplies them by
// scale. The Llama files of GGUF use these pairs; their query and key weights are
// permuted for them.
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

// RotateHalves is Rotate for the pairs (0, n/2), (1, n/2 + 1), ... of heads of n numbers, which
// most other files use.
func RotateHalves(x, angles []float32, scale float32) {
	for len(x) > 0 {
		low, high := x[:len(angles)/2], x[len(angles)/2:len(angles)]
		for i, a := range low {
			b := high[i]
			cos, sin := angles[2*i], angles[2*i+1]
			low[i] = (a*cos - b*sin) * scale
			high[i] = (a*sin + b*cos) * scale
		}
		x = x[len(angles):]
	}
}
