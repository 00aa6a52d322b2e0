package kernel

import "math"

// quantizeGroup gives the weights of one output and group as 8-bit numbers and
// what their unit stands for. dst is a whole number of eights, zero beyond the
// weights. Of inputs i, i+1, i+4 and i+5 (i a multiple of 8, or 2 more), whose
// products meet in one 16-bit sum, neither the positive nor the negative
// weights exceed 128 together.
//
// With the sums A of magnitudes and S of four, the greater of the two is
// (A + |S|) / 2.
func quantizeGroup(dst []int8, w []float32) (unit float32) {
	greatest, sum := float32(0), float32(0)
	for i := 0; i < len(w); i += 8 {
		v := eight(w[i:])
		for j := 0; j < 4; j += 2 {
			a, b, c, d := v[j], v[j+1], v[j+4], v[j+5]
			if s := abs(a) + abs(b) + abs(c) + abs(d) + abs(a+b+c+d); !(s <= sum) {
				sum = s
			}
		}
		for _, x := range v {
			if x := abs(x); x > greatest {
				greatest = x
			}
		}
	}
	unit = max(greatest/127, sum/256)
	if !(unit >= leastScaled) {
		clear(dst)
		return unit
	}
	factor := 1 / unit
	for i := 0; i < len(w); i += 8 {
		v := eight(w[i:])
		out := (*[8]int8)(dst[i:])
		for j, x := range v {
			// Adding and taking off 1.5 * 2^23 rounds to the even whole number.
			out[j] = int8(x*factor + 0xc00000 - 0xc00000)
		}
		for j := 0; j < 4; j += 2 {
			limit(&out[j], &out[j+1], &out[j+4], &out[j+5])
		}
	}
	return unit
}

func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// eight gives the first eight numbers, zero where there are less.
func eight(w []float32) (v [8]float32) {
	if len(w) >= 8 {
		return [8]float32(w)
	}
	copy(v[:], w)
	return v
}

// limit makes up for rounding: it makes weights smaller until neither the
// positive nor the negative ones exceed 128 together.
func limit(a, b, c, d *int8) {
	magnitudes, sum := 0, 0
	for _, w := range [...]int{int(*a), int(*b), int(*c), int(*d)} {
		sign := w >> 63
		magnitudes += (w ^ sign) - sign
		sum += w
	}
	if magnitudes+max(sum, -sum) > 256 {
		shrink([...]*int8{a, b, c, d})
	}
}

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
