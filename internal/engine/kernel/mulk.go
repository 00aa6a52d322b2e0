package kernel

import (
	"encoding/binary"
	"math"
)

// InputsK is rows of inputs of products with a MatrixK, as signed 8-bit numbers. The memory is
// reused. For 32 inputs it has, in little-endian order:
//
//	q [32]     signed numbers
//	scale      the value of one unit, a 32-bit floating-point number
//	sum        scale times the sum of q, a 32-bit floating-point number
//	starts [2] of 16 inputs each, -32 times the sum of q, a 32-bit integer. The sums of products
//	           with Q6_K begin with it, because the zero point of its weights is 32
type InputsK struct {
	k      int
	data   []uint8   // by rows
	padded []float32 // a row in groups of GroupSize numbers, of which the second half is zero
	q      []uint8   // padded in 8 bits
	scales []float32
}

// Sizes and offsets of 32 inputs.
const (
	partK        = 32
	inputBytesK  = 48
	inputScaleK  = 32
	inputSumK    = 36
	inputStartsK = 40
)

// Quantize sets x to m rows of k numbers. The stride of the rows of a is lda. k is a multiple of
// BlockK.
func (x *InputsK) Quantize(s *Set, m, k int, a []float32, lda int) {
	x.k = k
	if n := m * x.stride(); len(x.data) < n {
		x.data = make([]uint8, n)
	}
	if n := k / partK * GroupSize; len(x.padded) < n {
		x.padded, x.q, x.scales = make([]float32, n), make([]uint8, n), make([]float32, k/partK)
	}
	for i := range m {
		in, row := a[i*lda:i*lda+k], x.data[i*x.stride():]
		for n := range k / partK {
			copy(x.padded[n*GroupSize:][:partK], in[n*partK:])
		}
		s.quantize(k/partK, x.q, x.padded, x.scales)
		for n := range k / partK {
			q, out := x.q[n*GroupSize:][:partK], row[n*inputBytesK:][:inputBytesK]
			scale := x.scales[n]
			first, second := centered(out, q), centered(out[16:], q[16:])
			binary.LittleEndian.PutUint32(out[inputScaleK:], math.Float32bits(scale))
			binary.LittleEndian.PutUint32(out[inputSumK:], math.Float32bits(scale*float32(first+second)))
			binary.LittleEndian.PutUint32(out[inputStartsK:], uint32(-32*first))
			binary.LittleEndian.PutUint32(out[inputStartsK+4:], uint32(-32*second))
		}
	}
}

// stride returns the size of a row in bytes.
func (x *InputsK) stride() int { return x.k / partK * inputBytesK }

// centered converts 16 numbers with a zero point of 128 to signed numbers and returns their sum.
func centered(dst, q []uint8) int {
	const zeros, every2 = 0x8080808080808080, 0x00ff00ff00ff00ff
	a, b := binary.LittleEndian.Uint64(q), binary.LittleEndian.Uint64(q[8:])
	binary.LittleEndian.PutUint64(dst, a^zeros)
	binary.LittleEndian.PutUint64(dst[8:], b^zeros)
	four := a&every2 + a>>8&every2 + b&every2 + b>>8&every2
	return int(four*0x0001000100010001>>48) - 16*128
}

// MulK computes C[m][Pad(N)] (+)= x * W, where x has m rows. The stride of the rows of C is ldc, which
// is at least Pad(N).
func (s *Set) MulK(m int, x *InputsK, w *MatrixK, c []float32, ldc int, add bool) {
	if !add {
		for i := range m {
			clear(c[i*ldc : i*ldc+Pad(w.N)])
		}
	}
	stride, blocks := x.stride(), w.K/BlockK
	size := blocks * w.Layout.blockBytes()
	// Process blocks of rows that stay in the second-level cache while all panels are used.
	for first := 0; first < m; first += blockRows8 {
		rows := min(m-first, blockRows8)
		for p := range Pad(w.N) / Width {
			s.rowsK(w.Layout, rows, blocks, w.Panels[p*size:], x.data[first*stride:], stride, c[first*ldc+p*Width:], ldc)
		}
	}
}

func genericRowsK(l LayoutK, rows, blocks int, src, a []uint8, lda int, c []float32, ldc int) {
	for i := range rows {
		for b := range blocks {
			genericBlockK(l, src[b*l.blockBytes():], a[i*lda+b*BlockK/partK*inputBytesK:], c[i*ldc:i*ldc+Width])
		}
	}
}

// genericBlockK adds the products of BlockK inputs and a block to c.
func genericBlockK(l LayoutK, block, a []uint8, c []float32) {
	scales := block[BlockK/8*l.Bits*Width:]
	mins, factors := scales[l.groups()*Width:], scales[l.scaleBytes():]
	for g := range l.groups() {
		part := a[g*l.Group/partK*inputBytesK:][:inputBytesK]
		scale, sum := floatAt(part[inputScaleK:], 0), floatAt(part[inputSumK:], 0)
		for j := range Width {
			products := int32(0)
			for n := g * l.Group; n < (g+1)*l.Group; n++ {
				products += int32(int8(part[n%partK])) * int32(l.weight(block, n, j))
			}
			if !l.Mins {
				products += int32(binary.LittleEndian.Uint32(part[inputStartsK+4*(g%2):]))
			}
			unit := float32(int8(scales[g*Width+j])) * floatAt(factors, j)
			c[j] = fma(float32(products), scale*unit, c[j])
			if l.Mins {
				c[j] = fma(sum, float32(int8(mins[g*Width+j]))*floatAt(factors, Width+j), c[j])
			}
		}
	}
}

// weight returns the weight of an input and an output of a block.
func (l LayoutK) weight(block []uint8, input, output int) uint8 {
	part, at := block[input/16*32*l.Bits:], 4*output+input%4
	q := part[input%16/8*64+at] >> (input % 8 / 4 * 4) & 15
	if l.Bits == 6 {
		q |= part[128+at] >> (input % 16 / 4 * 2) & 3 << 4
	}
	return q
}

// floatAt returns the n-th 32-bit floating-point number of data.
func floatAt(data []uint8, n int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(data[4*n:]))
}
