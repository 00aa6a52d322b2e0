package kernel

// quantizeGroup gives the weights of one output and group as 8-bit numbers and
// what their unit stands for. dst is a whole number of eights, zero beyond the
// weights. Of inputs i, i+1, i+4 and i+5 (i a multiple of 8, or 2 more), whose
// products meet in one 16-bit sum, neither the positive nor the negative
// weights exceed 128 together.
func quantizeGroup(dst []int8, w []float32) (unit float32) {
	greatest, sum := float32(0), float32(0)
	for i := 0; i < len(w); i += 8 {
		v := eight(w[i:])
		for j := 0; j < 4; j += 2 {
			p := max(v[j], 0) + max(v[j+1], 0) + max(v[j+4], 0) + max(v[j+5], 0)
			n := max(-v[j], 0) + max(-v[j+1], 0) + max(-v[j+4], 0) + max(-v[j+5], 0)
			sum = max(sum, p, n)
		}
		for _, x := range v {
			greatest = max(greatest, x, -x)
		}
	}
	unit = max(greatest/127, sum/128)
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
	positive := max(int(*a), 0) + max(int(*b), 0) + max(int(*c), 0) + max(int(*d), 0)
	negative := positive - int(*a) - int(*b) - int(*c) - int(*d)
	if positive <= 128 && negative <= 128 {
		return
	}
	four := [...]*int8{a, b, c, d}
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
