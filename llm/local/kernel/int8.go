package kernel

// Matrix8 is a weight matrix from K inputs to N outputs in 8 bits, packed once.
// Each output has a scale of its own. Panel p holds the weights of outputs 16p
// to 16p+15 as [KPad/4][16][4]; inputs and outputs beyond K and N are zero.
//
// A product takes the inputs of a row as unsigned 8-bit numbers, 128 being
// zero, so one vpmaddubsw multiplies 32 pairs and adds neighbours in 16 bits.
// That instruction saturates: weights that use all of their 8 bits give wrong
// sums (oneDNN's kernels for AVX2, for one, accept that). Here quantizeRow
// makes weights that can not: of the four that meet in one 16-bit sum, neither
// the positive nor the negative ones exceed 128, and 255 * 128 < 32768. So all
// sums are exact, whatever the order, and two products go through one widening
// vpmaddwd.
type Matrix8 struct {
	N, K int
	// Panels is [Pad(N)/16][KPad/4][16][4].
	Panels []int8
	// Scales is, by output, what a unit of its weights stands for.
	Scales []float32
	// bias is, by output, what the inputs' 128 adds to its sum.
	bias []int32
}

// step8 is how many inputs the kernels take at once.
const step8 = 32

// PadK rounds a number of inputs up to what rows in 8 bits are padded to.
func PadK(k int) int { return (k + step8 - 1) / step8 * step8 }

// Size8 is how many bytes a packed matrix of n outputs and k inputs takes.
func Size8(n, k int) int { return Pad(n) * PadK(k) }

// NewMatrix8 packs into storage, Size8(n, k) zeros, which it keeps. Rows are
// set one panel at a time by SetPanel.
func NewMatrix8(n, k int, storage []int8) *Matrix8 {
	return &Matrix8{
		N: n, K: k,
		Panels: storage[:Size8(n, k)],
		Scales: make([]float32, Pad(n)),
		bias:   make([]int32, Pad(n)),
	}
}

// SetPanel quantises and packs up to 16 rows of K weights as panel p.
func (w *Matrix8) SetPanel(p int, rows []float32) {
	depth := PadK(w.K)
	panel := w.Panels[p*depth*Width : (p+1)*depth*Width]
	row := make([]int8, depth)
	for j := 0; j*w.K < len(rows); j++ {
		n := p*Width + j
		w.Scales[n] = quantizeRow(row, rows[j*w.K:(j+1)*w.K])
		sum := int32(0)
		for i := 0; i < depth; i += 4 {
			four := (*[4]int8)(row[i:])
			*(*[4]int8)(panel[i*Width+4*j:]) = *four
			sum += int32(four[0]) + int32(four[1]) + int32(four[2]) + int32(four[3])
		}
		w.bias[n] = 128 * sum
	}
}

// Row gives the weights of output n, as they were quantised, to dst, K numbers.
func (w *Matrix8) Row(n int, dst []float32) {
	panel := w.Panels[n/Width*PadK(w.K)*Width+n%Width*4:]
	for i := range dst {
		dst[i] = float32(panel[i/4*4*Width+i%4]) * w.Scales[n]
	}
}

// Quantize turns rows of K numbers, lda apart, into 8 bits: q holds PadK(K)
// bytes a row, and what a unit stands for is put into scales. Numbers that are
// not finite give a scale that is not.
func (s *Set) Quantize(m, k int, a []float32, lda int, q []uint8, scales []float32) {
	depth := PadK(k)
	for i := range m {
		row := a[i*lda : i*lda+k]
		out := q[i*depth : (i+1)*depth]
		whole := k / step8 * step8
		greatest := float32(0)
		if whole > 0 {
			greatest = s.greatest(row[:whole])
		}
		for _, x := range row[whole:] {
			greatest = max(greatest, x, -x)
		}
		scales[i] = greatest / 127
		factor := float32(0)
		if greatest >= leastScaled {
			factor = 127 / greatest
		}
		if whole > 0 {
			s.quantize(out[:whole], row[:whole], factor)
		}
		if whole < k {
			var rest [step8]float32
			copy(rest[:], row[whole:])
			genericQuantize(out[whole:], rest[:], factor)
		}
	}
}

// leastScaled is below what 127 can be divided by; smaller rows count as zero.
const leastScaled = 1e-36

// Mul8 computes C[m][Pad(N)] (+)= A[m][K] * W, where A is rows that Quantize
// has made. Rows of C lie ldc numbers apart; ldc is at least Pad(N).
func (s *Set) Mul8(m int, q []uint8, scales []float32, w *Matrix8, c []float32, ldc int, add bool) {
	depth := PadK(w.K)
	panels := Pad(w.N) / Width
	size := depth * Width
	p := 0
	if m == 1 {
		for ; p+4 <= panels; p += 4 {
			n := p * Width
			s.wide8(depth, q, w.Panels[p*size:], size, c[n:], scales[0], w.Scales[n:], w.bias[n:], add)
		}
	}
	// Rows in blocks, so that they stay in the second-level cache while one
	// panel after the other passes.
	for first := 0; first < m; first += blockRows8 {
		last := min(m, first+blockRows8)
		for p := p; p < panels; p++ {
			n := p * Width
			s.tile8(last-first, depth, q[first*depth:], depth, w.Panels[p*size:], c[first*ldc+n:], ldc, scales[first:], w.Scales[n:], w.bias[n:], add)
		}
	}
}

const blockRows8 = 256
