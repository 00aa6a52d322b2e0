package kernel

import (
	"encoding/binary"
	"math"
)

// InputsQ is rows of inputs of products with a MatrixQ, as signed 8-bit numbers. The memory is
// reused. For 32 inputs it has, in little-endian order:
//
//	q [32]     signed numbers
//	scale      the value of one unit, a 32-bit floating-point number
//	sum        scale times the sum of q, a 32-bit floating-point number
//	starts     32-bit integers: with the zero point z of the weights, -z times the sum of q. The sums
//	           of products begin with it. It is for z = 32 (two, of 16 inputs each), 8, 16 and 128
//	           (one each)
//	unused     4 bytes
type InputsQ struct {
	k    int
	data []uint8 // by rows
}

// Sizes and offsets of 32 inputs.
const (
	partQ        = 32
	inputBytesQ  = 64
	inputScaleQ  = 32
	inputSumQ    = 36
	inputStartsQ = 40
)

// startOf returns the offset of the start of the sums of group g of a part.
func (f *formQ) startOf(g int) int {
	switch f.zero {
	case 8:
		return inputStartsQ + 8
	case 16:
		return inputStartsQ + 12
	case 128:
		return inputStartsQ + 16
	}
	return inputStartsQ + 4*g
}

// Reserve makes x m rows of k numbers, which Quantize sets. k is a multiple of 32.
func (x *InputsQ) Reserve(m, k int) {
	x.k = k
	if n := m * x.stride(); len(x.data) < n {
		x.data = make([]uint8, n)
	}
}

// Quantize sets the rows first to last-1 to those of a, of which row first is the first. The stride of
// the rows of a is lda. It can be called for several ranges at once.
func (x *InputsQ) Quantize(s *Set, first, last int, a []float32, lda int) {
	for i := first; i < last; i++ {
		s.quantizeQ(x.k/partQ, x.data[i*x.stride():(i+1)*x.stride()], a[(i-first)*lda:][:x.k])
	}
}

// genericQuantizeQ quantizes groups of 32 numbers to an InputsQ. The scale of a group with a number
// that is not finite is not finite.
func genericQuantizeQ(groups int, dst []uint8, src []float32) {
	for n := range groups {
		in, out := src[n*partQ:][:partQ], dst[n*inputBytesQ:][:inputBytesQ]
		scale, factor := quantizer(in)
		var sums [2]int32 // of the halves
		for i, x := range in {
			q := int8(math.RoundToEven(float64(x * factor)))
			out[i] = uint8(q)
			sums[i*2/partQ] += int32(q)
		}
		sum := sums[0] + sums[1]
		binary.LittleEndian.PutUint32(out[inputScaleQ:], math.Float32bits(scale))
		binary.LittleEndian.PutUint32(out[inputSumQ:], math.Float32bits(scale*float32(sum)))
		for at, start := range [...]int32{-32 * sums[0], -32 * sums[1], -8 * sum, -16 * sum, -128 * sum} {
			binary.LittleEndian.PutUint32(out[inputStartsQ+4*at:], uint32(start))
		}
	}
}

// stride returns the size of a row in bytes.
func (x *InputsQ) stride() int { return x.k / partQ * inputBytesQ }
