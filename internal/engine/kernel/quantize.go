package kernel

import (
	"math"
	"math/bits"
)

// weightGroup is the weights of one output and one group of inputs, padded with zeros.
type weightGroup struct {
	in  [GroupSize]float32
	out [GroupSize]int8
}

// quantize converts w to 8-bit numbers in g.out and returns their scale, which is not finite if a
// weight is not. The products of the inputs i, i+1, i+4 and i+5, a quad (i is a multiple of 8, or 2
// more), are added in 16 bits. In a quad neither the positive nor the negative weights exceed 128
// in sum. With the sum A of the magnitudes and the sum S of the weights, the larger of the two sums
// is (A + |S|) / 2.
func (g *weightGroup) quantize(s *Set, w []float32) (scale float32) {
	clear(g.in[copy(g.in[:], w):])
	maximum, sum := s.weightBounds(&g.in)
	scale = max(maximum/127, sum/256)
	if !(scale >= minScaled) {
		clear(g.out[:])
		return scale
	}
	for over := s.roundWeights(&g.out, &g.in, 1/scale); over != 0; over &= over - 1 {
		shrink(quad(&g.out, bits.TrailingZeros16(over)))
	}
	return scale
}

// quad returns the weights of the n-th quad.
func quad[T any](group *[GroupSize]T, n int) [4]*T {
	i := n/2*8 + n%2*2
	return [4]*T{&group[i], &group[i+1], &group[i+4], &group[i+5]}
}

func genericWeightBounds(w *[GroupSize]float32) (maximum, sum float32) {
	for _, x := range w {
		maximum = max(maximum, abs(x))
	}
	nonFinite := float32(0)
	for n := range GroupSize / 4 {
		v := quad(w, n)
		a, b, c, d := *v[0], *v[1], *v[2], *v[3]
		s := (abs(a) + abs(b)) + (abs(c) + abs(d)) + abs((a+b)+(c+d))
		sum = max(sum, s)
		nonFinite += s * 0
	}
	return maximum, sum + nonFinite
}

// genericRoundWeights rounds to the nearest integer, ties to even. The bits of over are the quads
// whose positive or negative sum exceeds 128.
func genericRoundWeights(dst *[GroupSize]int8, w *[GroupSize]float32, factor float32) (over uint16) {
	for i, x := range w {
		dst[i] = int8(math.RoundToEven(float64(x * factor)))
	}
	for n := range GroupSize / 4 {
		magnitudes, sum := 0, 0
		for _, w := range quad(dst, n) {
			magnitudes += max(int(*w), -int(*w))
			sum += int(*w)
		}
		if magnitudes+max(sum, -sum) > 256 {
			over |= 1 << n
		}
	}
	return over
}

func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// shrink moves the weights of a quad towards zero until neither the positive nor the negative ones
// exceed 128 in sum.
func shrink(quad [4]*int8) {
	positive, negative := 0, 0
	for _, w := range quad {
		positive += max(int(*w), 0)
		negative += max(-int(*w), 0)
	}
	for i := 0; positive > 128 || negative > 128; i++ {
		switch w := quad[i%4]; {
		case *w > 0 && positive > 128:
			*w--
			positive--
		case *w < 0 && negative > 128:
			*w++
			negative--
		}
	}
}
