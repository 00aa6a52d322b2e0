package kernel

// Matrix8 is a packed weight matrix of 8-bit numbers from K inputs to N outputs. Each output has a
// scale for every group of GroupSize inputs, and so has each row that the matrix is multiplied by.
// Language models have a few numbers that are much larger than the others; they reduce the
// precision of their group only. Panel p holds the weights of outputs 16p to 16p+15 as
// [PadK(K)/4][16][4]. Inputs and outputs beyond K and N are zero.
//
// Inputs are unsigned 8-bit numbers with a zero point of 128, so one vpmaddubsw multiplies 32 pairs
// and adds neighbors in 16 bits. That instruction saturates: arbitrary 8-bit weights give wrong
// sums (which oneDNN's kernels for AVX2 accept, for example). weightGroup limits the weights: of
// the four products that are added in 16 bits, neither the positive nor the negative weights exceed
// 128 in sum, and 255 * 128 < 32768. Therefore the sums of a group are exact in any order, and one
// widening vpmaddwd takes the sum of two products. Groups are added in order.
type Matrix8 struct {
	N, K int
	// Panels is [Pad(N)/16][PadK(K)/4][16][4].
	Panels []int8
	// Scales has the value of one unit of a weight: [Pad(N)/16][Groups(K)][16].
	Scales []float32
	// bias subtracts what the zero point of the inputs adds to the sum of a group. Its shape is
	// that of Scales.
	bias []int32
}

// GroupSize is the number of inputs that share a scale.
const GroupSize = 64

// Groups returns the number of groups of k inputs.
func Groups(k int) int { return (k + GroupSize - 1) / GroupSize }

// PadK rounds k up to the padded length of a row of 8-bit numbers.
func PadK(k int) int { return (k + 7) / 8 * 8 }

// Size8 returns the size in bytes of a packed matrix of n outputs and k inputs.
func Size8(n, k int) int { return Pad(n) * PadK(k) }

// NewMatrix8 returns a matrix of zeros. It keeps storage, which must hold at least Size8(n, k)
// zeros. SetPanel sets the weights.
func NewMatrix8(n, k int, storage []int8) *Matrix8 {
	return &Matrix8{
		N: n, K: k,
		Panels: storage[:Size8(n, k)],
		Scales: make([]float32, Pad(n)*Groups(k)),
		bias:   make([]int32, Pad(n)*Groups(k)),
	}
}

// Outputs returns the matrix of the outputs first to last-1. first must be a multiple of Width.
func (w *Matrix8) Outputs(first, last int) Matrix8 {
	depth, groups := PadK(w.K), Groups(w.K)
	end := Pad(last)
	return Matrix8{last - first, w.K, w.Panels[first*depth : end*depth], w.Scales[first*groups : end*groups], w.bias[first*groups : end*groups]}
}

// SetPanel quantizes and packs up to 16 rows of K weights as panel p.
func (w *Matrix8) SetPanel(s *Set, p int, rows []float32) {
	depth, groups := PadK(w.K), Groups(w.K)
	panel := w.Panels[p*depth*Width : (p+1)*depth*Width]
	var group weightGroup
	for j := 0; j*w.K < len(rows); j++ {
		row := rows[j*w.K : (j+1)*w.K]
		for g := range groups {
			first := g * GroupSize
			count := min(GroupSize, depth-first)
			n := (p*groups+g)*Width + j
			w.Scales[n] = group.quantize(s, row[first:min(first+GroupSize, w.K)])
			sum := int32(0)
			for i := 0; i < count; i += 4 {
				four := (*[4]int8)(group.out[i:])
				*(*[4]int8)(panel[(first+i)*Width+4*j:]) = *four
				sum += int32(four[0]) + int32(four[1]) + int32(four[2]) + int32(four[3])
			}
			w.bias[n] = -128 * sum
		}
	}
}

// Panel dequantizes the weights of panel p to dst, which is [K][16].
func (w *Matrix8) Panel(p int, dst []float32) {
	depth, groups := PadK(w.K), Groups(w.K)
	panel, scales := w.Panels[p*depth*Width:], w.Scales[p*groups*Width:]
	for i := range w.K {
		for j := range Width {
			dst[i*Width+j] = float32(panel[i/4*4*Width+4*j+i%4]) * scales[i/GroupSize*Width+j]
		}
	}
}

// Quantize converts m rows of K numbers to 8 bits. The stride of the rows is lda. q receives
// PadK(K) bytes for each row, and scales Groups(K) scales for each row. The scale of a group with
// a number that is not finite is not finite.
func (s *Set) Quantize(m, k int, a []float32, lda int, q []uint8, scales []float32) {
	depth, groups := PadK(k), Groups(k)
	whole := k / GroupSize
	for i := range m {
		row, out := a[i*lda:i*lda+k], q[i*depth:(i+1)*depth]
		if whole > 0 {
			s.quantize(whole, out, row, scales[i*groups:])
		}
		if whole < groups {
			var padded [GroupSize]float32
			copy(padded[:], row[whole*GroupSize:])
			var last [GroupSize]uint8
			s.quantize(1, last[:], padded[:], scales[i*groups+whole:])
			copy(out[whole*GroupSize:], last[:])
		}
	}
}

// minScaled is the smallest magnitude by which 127 can be divided. Groups whose maximum is smaller
// are zero.
const minScaled = 1e-36

// Mul8 computes C[m][Pad(N)] (+)= A[m][K] * W, where Quantize has made A. The stride of the rows of
// C is ldc, which is at least Pad(N).
func (s *Set) Mul8(m int, q []uint8, scales []float32, w *Matrix8, c []float32, ldc int, add bool) {
	depth, groups := PadK(w.K), Groups(w.K)
	panels := Pad(w.N) / Width
	size := depth * Width
	p := 0
	if m == 1 {
		for ; p+4 <= panels; p += 4 {
			at := p * groups * Width
			s.wide8(depth, q, w.Panels[p*size:], size, c[p*Width:], scales, w.Scales[at:], w.bias[at:], add)
		}
	}
	// Process blocks of rows that stay in the second-level cache while all panels are used.
	for first := 0; first < m; first += blockRows8 {
		last := min(m, first+blockRows8)
		for p := p; p < panels; p++ {
			at := p * groups * Width
			s.tile8(last-first, depth, q[first*depth:], w.Panels[p*size:], c[first*ldc+p*Width:], ldc, scales[first*groups:], w.Scales[at:], w.bias[at:], add)
		}
	}
}

const blockRows8 = 256
