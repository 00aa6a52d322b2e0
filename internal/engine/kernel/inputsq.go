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
	k      int
	data   []uint8   // by rows
	padded []float32 // a row in groups of GroupSize numbers, of which the second half is zero
	q      []uint8   // padded in 8 bits
	scales []float32
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

// Quantize sets x to m rows of k numbers. The stride of the rows of a is lda. k is a multiple of 32.
func (x *InputsQ) Quantize(s *Set, m, k int, a []float32, lda int) {
	x.k = k
	if n := m * x.stride(); len(x.data) < n {
		x.data = make([]uint8, n)
	}
	if n := k / partQ * GroupSize; len(x.padded) < n {
		x.padded, x.q, x.scales = make([]float32, n), make([]uint8, n), make([]float32, k/partQ)
	}
	for i := range m {
		in, row := a[i*lda:i*lda+k], x.data[i*x.stride():]
		for n := range k / partQ {
			copy(x.padded[n*GroupSize:][:partQ], in[n*partQ:])
		}
		s.quantize(k/partQ, x.q, x.padded, x.scales)
		for n := range k / partQ {
			q, out := x.q[n*GroupSize:][:partQ], row[n*inputBytesQ:][:inputBytesQ]
			scale := x.scales[n]
			first, second := centered(out, q), centered(out[16:], q[16:])
			sum := first + second
			binary.LittleEndian.PutUint32(out[inputScaleQ:], math.Float32bits(scale))
			binary.LittleEndian.PutUint32(out[inputSumQ:], math.Float32bits(scale*float32(sum)))
			for at, start := range [...]int{-32 * first, -32 * second, -8 * sum, -16 * sum, -128 * sum} {
				binary.LittleEndian.PutUint32(out[inputStartsQ+4*at:], uint32(start))
			}
		}
	}
}

// stride returns the size of a row in bytes.
func (x *InputsQ) stride() int { return x.k / partQ * inputBytesQ }

// centered converts 16 numbers with a zero point of 128 to signed numbers and returns their sum.
func centered(dst, q []uint8) int {
	const zeros, every2 = 0x8080808080808080, 0x00ff00ff00ff00ff
	a, b := binary.LittleEndian.Uint64(q), binary.LittleEndian.Uint64(q[8:])
	binary.LittleEndian.PutUint64(dst, a^zeros)
	binary.LittleEndian.PutUint64(dst[8:], b^zeros)
	four := a&every2 + a>>8&every2 + b&every2 + b>>8&every2
	return int(four*0x0001000100010001>>48) - 16*128
}
