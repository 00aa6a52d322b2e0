//go:build !arm64

package kernel

import "math"

// fma returns x*y + z, rounded once, as the instruction vfmadd does. The product of two 32-bit
// numbers is exact in 64 bits. The sum is rounded to 64 bits and then to 32, which differs from one
// rounding only if the first result is halfway between two 32-bit numbers, or subnormal.
func fma(x, y, z float32) float32 {
	sum := float64(x)*float64(y) + float64(z)
	if roundsTwice(sum) {
		return roundOnce(x, y, z, sum)
	}
	return float32(sum)
}

// fmaEach computes sums[j] = x*y[j] + sums[j], each rounded once.
func fmaEach(sums, y *[Width]float32, x float32) {
	for j := range sums {
		sum := float64(x)*float64(y[j]) + float64(sums[j])
		if roundsTwice(sum) {
			sums[j] = roundOnce(x, y[j], sums[j], sum)
			continue
		}
		sums[j] = float32(sum)
	}
}

func roundsTwice(sum float64) bool {
	return math.Float64bits(sum)&(1<<29-1) == 1<<28 || math.Abs(sum) < 0x1p-126
}

// roundOnce returns x*y + z. sum is the nearest number of 64 bits. It is rounded to odd, so that an
// inexact result has an odd last bit. Such a number can be rounded again without error (Boldo and
// Melquiond 2008, "Emulation of FMA and correctly rounded sums").
//
//go:noinline
func roundOnce(x, y, z float32, sum float64) float32 {
	// The error of the sum, which is exact (Knuth's TwoSum).
	product := float64(x) * float64(y)
	back := sum - product
	e := (product - (sum - back)) + (float64(z) - back)
	if b := math.Float64bits(sum); e != 0 && b&1 == 0 {
		if (e > 0) == (sum > 0) {
			b++
		} else {
			b--
		}
		sum = math.Float64frombits(b)
	}
	return float32(sum)
}
