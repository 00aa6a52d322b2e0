package kernel

import (
	"math"
	"slices"
)

var generic = Set{
	Name: "generic",
	tile: genericTile, wide: genericWide, dots: genericDots,
	tile8: genericTile8, wide8: genericWide8, quantize: genericQuantize, quantizeQ: genericQuantizeQ,
	rowsQ:        genericRowsQ,
	weightBounds: genericWeightBounds, roundWeights: genericRoundWeights,
	exp: genericExp, siluMul: genericSiluMul, geluMul: genericGeluMul,
	squares: genericSquares, maximum: genericMaximum, scale: genericScale, transpose: genericTranspose,
	gelu: genericGelu, gatedGelu: genericGatedGelu,
	sum: genericSum, deviations: genericDeviations, normalize: genericNormalize,
	add: genericAdd, softmax: genericSoftmax,
}

func genericTile(rows, k int, a []float32, lda int, b, _, c []float32, ldc int, add bool) {
	for i := range rows {
		var sums [Width]float32
		out := c[i*ldc : i*ldc+Width]
		if add {
			copy(sums[:], out)
		}
		for n, x := range a[i*lda : i*lda+k] {
			fmaEach(&sums, (*[Width]float32)(b[n*Width:]), x)
		}
		copy(out, sums[:])
	}
}

func genericWide(k int, a []float32, b []float32, stride int, c []float32, add bool) {
	for p := range 4 {
		genericTile(1, k, a, k, b[p*stride:], nil, c[p*Width:], Width, add)
	}
}

func genericDots(rows, k int, a []float32, lda int, b []float32, stride int, c []float32, ldc int) {
	for i := range rows {
		for j := range 2 {
			var sums [8]float32
			for n, x := range a[i*lda : i*lda+k] {
				sums[n%8] = fma(x, b[n/Width*stride+j*Width+n%Width], sums[n%8])
			}
			c[i*ldc+j] = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
		}
	}
}

func genericExp(dst, src []float32, shift float32) {
	for i, x := range src {
		dst[i] = expOne(x - shift)
	}
}

func genericSiluMul(dst, gate, up []float32) {
	for i, g := range gate {
		dst[i] = g / (1 + expOne(-g)) * up[i]
	}
}

// expOne returns e^x for x of at most 88, with an error of at most two units in the last place.
func expOne(x float32) float32 { return expCore(min(max(x, -87.33654), 88)) }

// expPolynomial approximates (e^r - 1 - r) / r², the highest power first.
var expPolynomial = [...]float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}

// expCore is expOne for x from -87.33654 to 88. With x = n ln 2 + r and |r| <= ln 2 / 2 the result
// is 2^n e^r. The constants are those of expf in the Cephes library; ln 2 is in two parts, so that
// r is exact.
func expCore(x float32) float32 {
	n := float32(math.RoundToEven(float64(x * 1.4426950408889634)))
	r := fma(-n, 0.693359375, x)
	r = fma(-n, -2.12194440e-4, r)
	p := expPolynomial[0]
	for _, c := range expPolynomial[1:] {
		p = fma(p, r, c)
	}
	y := fma(p, r*r, r) + 1
	return math.Float32frombits(math.Float32bits(y) + uint32(int32(n))<<23)
}

func genericGeluMul(dst, gate, up []float32) {
	for i, g := range gate {
		// The conversions prevent that the compiler computes a product and a sum as one.
		x := geluFactor + float32(g*g*geluCube)
		dst[i] = g / (1 + expOne(x*g)) * up[i]
	}
}

// The exponent of the tanh approximation of gelu is geluFactor x + geluCube x³.
const (
	geluFactor = -1.5957691216057308 // -2 sqrt(2/pi)
	geluCube   = float32(geluFactor) * float32(.044715)
)

func genericSquares(x []float32) float32 {
	var sums [16]float32
	for i := 0; i < len(x); i += 16 {
		for j, v := range (*[16]float32)(x[i:]) {
			sums[j] = fma(v, v, sums[j])
		}
	}
	return foldSums(&sums)
}

func genericMaximum(x []float32) (maximum, nonFinite float32) {
	for _, v := range x {
		nonFinite += v * 0
	}
	return slices.Max(x), nonFinite
}

func genericScale(dst, x []float32, scale float32, weight []float32) {
	for i, v := range x {
		dst[i] = v * scale * weight[i]
	}
}

func genericTranspose(k int, dst, src []float32, stride int) {
	for j := range k {
		for i := range 8 {
			dst[j*Width+i] = src[i*stride+j]
		}
	}
}

func genericQuantize(groups int, dst []uint8, src, scales []float32) {
	for g := range groups {
		group := src[g*GroupSize : (g+1)*GroupSize]
		scale, factor := quantizer(group)
		scales[g] = scale
		for i, x := range group {
			dst[g*GroupSize+i] = uint8(int32(math.RoundToEven(float64(x*factor))) + 128)
		}
	}
}

// quantizer returns the value of one unit of a group in 8 bits, and the factor that converts the
// numbers of the group to units.
func quantizer(group []float32) (scale, factor float32) {
	maximum := float32(0)
	for _, x := range group {
		maximum = max(maximum, x, -x)
	}
	if maximum >= minScaled {
		factor = 127 / maximum
	}
	return maximum / 127, factor
}

func genericTile8(rows, k int, a []uint8, b []int8, c []float32, ldc int, rowScale, scale []float32, bias []int32, add bool) {
	groups := Groups(k)
	for i := range rows {
		row, out := a[i*k:(i+1)*k], c[i*ldc:i*ldc+Width]
		for g := range groups {
			var sums [Width]int32
			for n := g * GroupSize; n < min(k, (g+1)*GroupSize); n++ {
				for j := range sums {
					sums[j] += int32(row[n]) * int32(b[n/4*4*Width+4*j+n%4])
				}
			}
			for j, sum := range sums {
				x, unit := float32(sum+bias[g*Width+j]), rowScale[i*groups+g]*scale[g*Width+j]
				if add || g > 0 {
					out[j] = fma(x, unit, out[j])
				} else {
					out[j] = x * unit
				}
			}
		}
	}
}

func genericWide8(k int, a []uint8, b []int8, stride int, c []float32, rowScale, scale []float32, bias []int32, add bool) {
	for p := range 4 {
		at := p * Groups(k) * Width
		genericTile8(1, k, a, b[p*stride:], c[p*Width:], Width, rowScale, scale[at:], bias[at:], add)
	}
}
