package kernel

import (
	"math"
	"math/bits"
)

// weightGroup is the weights of one output and group, zero beyond the last.
type weightGroup struct {
	in  [GroupSize]float32
	out [GroupSize]int8
}

// quantize puts w into out as 8-bit numbers and gives what their unit stands
// for, which is not finite where they are not. Of inputs i, i+1, i+4 and
// i+5 (i a multiple of 8, or 2 more), whose products meet in one 16-bit sum,
// neither the positive nor the negative weights exceed 128 together.
//
// With the sums A of magnitudes and S of four, the greater of the two is
// (A + |S|) / 2.
func (g *weightGroup) quantize(s *Set, w []float32) (unit float32) {
	clear(g.in[copy(g.in[:], w):])
	greatest, sum := s.weightBounds(&g.in)
	unit = max(greatest/127, sum/256)
	if !(unit >= leastScaled) {
		clear(g.out[:])
		return unit
	}
	for over := s.roundWeights(&g.out, &g.in, 1/unit); over != 0; over &= over - 1 {
		shrink(four(&g.out, bits.TrailingZeros16(over)))
	}
	return unit
}

// four gives the n-th four of weights whose products meet in one sum.
func four[T any](group *[GroupSize]T, n int) [4]*T {
	i := n/2*8 + n%2*2
	return [4]*T{&group[i], &group[i+1], &group[i+4], &group[i+5]}
}

func genericWeightBounds(w *[GroupSize]float32) (greatest, sum float32) {
	for _, x := range w {
		greatest = max(greatest, abs(x))
	}
	zeros := float32(0)
	for n := range GroupSize / 4 {
		v := four(w, n)
		a, b, c, d := *v[0], *v[1], *v[2], *v[3]
		s := (abs(a) + abs(b)) + (abs(c) + abs(d)) + abs((a+b)+(c+d))
		sum = max(sum, s)
		zeros += s * 0
	}
	return greatest, sum + zeros
}

// genericRoundWeights rounds to the nearest number, of two the even one. The
// bits of over are the fours that exceed 128 for it.
func genericRoundWeights(dst *[GroupSize]int8, w *[GroupSize]float32, factor float32) (over uint16) {
	for i, x := range w {
		dst[i] = int8(math.RoundToEven(float64(x * factor)))
	}
	for n := range GroupSize / 4 {
		magnitudes, sum := 0, 0
		for _, w := range four(dst, n) {
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

// shrink makes weights smaller until neither the positive nor the negative
// ones exceed 128 together.
func shrink(four [4]*int8) {
	positive, negative := 0, 0
	for _, w := range four {
		positive += max(int(*w), 0)
		negative += max(-int(*w), 0)
	}
	for i := 0; positive > 128 || negative > 128; i++ {
		switch w := four[i%4]; {
		case *w > 0 && positive > 128:
			*w--
			positive--
		case *w < 0 && negative > 128:
			*w++
			negative--
		}
	}
}
