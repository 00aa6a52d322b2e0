package kernel

import (
	"encoding/binary"
	"math"
)

// MulQ computes C[m][Pad(N)] (+)= x * W, where x has m rows. The stride of the rows of C is ldc, which
// is at least Pad(N).
func (s *Set) MulQ(m int, x *InputsQ, w *MatrixQ, c []float32, ldc int, add bool) {
	if !add {
		for i := range m {
			clear(c[i*ldc : i*ldc+Pad(w.N)])
		}
	}
	stride, size := x.stride(), formsQ[w.Layout].panelBytes(w.K)
	// Process blocks of rows that stay in the second-level cache while all panels are used.
	for first := 0; first < m; first += blockRows8 {
		rows := min(m-first, blockRows8)
		for p := range Pad(w.N) / Width {
			s.rowsQ(w.Layout, rows, w.K, w.Panels[p*size:][:size], x.data[first*stride:], c[first*ldc+p*Width:], ldc)
		}
	}
}

func genericRowsQ(l LayoutQ, rows, k int, panel, a []uint8, c []float32, ldc int) {
	lda := k / partQ * inputBytesQ
	for i := range rows {
		for n := range k / partQ {
			formsQ[l].addPart(panel, k, n, a[i*lda+n*inputBytesQ:][:inputBytesQ], c[i*ldc:][:Width])
		}
	}
}

// addPart adds the products of inputs and part n of a panel to c.
func (f *formQ) addPart(panel []uint8, k, n int, inputs []uint8, c []float32) {
	part, block := f.part(panel, n), n*partQ/f.block
	factors := f.factors(panel, k, block)
	scale, sum := floatAt(inputs[inputScaleQ:]), floatAt(inputs[inputSumQ:])
	for g := range partQ / f.group {
		group := n*partQ%f.block/f.group + g // in the block
		for j := range Width {
			products := int32(0)
			for i := g * f.group; i < (g+1)*f.group; i++ {
				products += int32(int8(inputs[i])) * int32(f.weight(part, i, j))
			}
			if f.zero > 0 {
				products += int32(binary.LittleEndian.Uint32(inputs[f.startOf(g):]))
			}
			unit, minimum := half(factors[2*j:]), float32(0)
			if f.mins {
				minimum = half(factors[2*(Width+j):])
			}
			if f.scaled() {
				scales := f.scales(panel, block)
				unit *= float32(int8(scales[group*Width+j]))
				if f.mins {
					minimum *= float32(int8(scales[(f.block/f.group+group)*Width+j]))
				}
			}
			c[j] = fma(float32(products), scale*unit, c[j])
			if f.mins {
				c[j] = fma(sum, minimum, c[j])
			}
		}
	}
}

// floatAt returns the 32-bit floating-point number at the beginning of data.
func floatAt(data []uint8) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(data)) }

// half returns the 16-bit floating-point number at the beginning of data.
func half(data []uint8) float32 {
	h := uint32(binary.LittleEndian.Uint16(data))
	sign, exponent, fraction := h>>15<<31, h>>10&31, h&1023
	switch exponent {
	case 0: // zero and subnormal: fraction * 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*(1.0/(1<<24))))
	case 31: // infinity, NaN
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}
