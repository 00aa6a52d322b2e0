package kernel

// Matrix8 is a weight matrix from K inputs to N outputs in 8 bits, packed once.
// Each output has a scale for every group of GroupSize inputs, and so have the
// rows that it is multiplied with: a few numbers far greater than the others,
// which language models have, spoil the precision of their group only. Panel p
// holds the weights of outputs 16p to 16p+15 as [PadK(K)/4][16][4]; inputs and
// outputs beyond K and N are zero.
//
// A product takes the inputs of a row as unsigned 8-bit numbers, 128 being
// zero, so one vpmaddubsw multiplies 32 pairs and adds neighbours in 16 bits.
// That instruction saturates: weights that use all of their 8 bits give wrong
// sums (oneDNN's kernels for AVX2, for one, accept that). Here weightGroup makes
// weights that can not: of the four that meet in one 16-bit sum, neither the
// positive nor the negative ones exceed 128, and 255 * 128 < 32768. So the sums
// of a group are exact, whatever the order, and two products go through one
// widening vpmaddwd. The groups are added up in order.
type Matrix8 struct {
	N, K int
	// Panels is [Pad(N)/16][PadK(K)/4][16][4].
	Panels []int8
	// Scales is what a unit of weights stands for: [Pad(N)/16][Groups(K)][16].
	Scales []float32
	// bias takes off what the inputs' 128 adds to a group's sum; as Scales.
	bias []int32
}

// GroupSize is how many inputs share a scale.
const GroupSize = 64

// Groups is how many groups k inputs have.
func Groups(k int) int { return (k + GroupSize - 1) / GroupSize }

// PadK rounds a number of inputs up to what rows in 8 bits are padded to.
func PadK(k int) int { return (k + 7) / 8 * 8 }

// Size8 is how many bytes a packed matrix of n outputs and k inputs takes.
func Size8(n, k int) int { return Pad(n) * PadK(k) }

// NewMatrix8 packs into storage, Size8(n, k) zeros, which it keeps. Rows are
// set one panel at a time by SetPanel.
func NewMatrix8(n, k int, storage []int8) *Matrix8 {
	return &Matrix8{
		N: n, K: k,
		Panels: storage[:Size8(n, k)],
		Scales: make([]float32, Pad(n)*Groups(k)),
		bias:   make([]int32, Pad(n)*Groups(k)),
	}
}

// Outputs is the part from output first, a multiple of Width, to before last.
func (w *Matrix8) Outputs(first, last int) Matrix8 {
	depth, groups := PadK(w.K), Groups(w.K)
	end := Pad(last)
	return Matrix8{last - first, w.K, w.Panels[first*depth : end*depth], w.Scales[first*groups : end*groups], w.bias[first*groups : end*groups]}
}

// SetPanel quantises and packs up to 16 rows of K weights as panel p.
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

// Panel unpacks what weights of panel p stand for to dst, [K][16].
func (w *Matrix8) Panel(p int, dst []float32) {
	depth, groups := PadK(w.K), Groups(w.K)
	panel, scales := w.Panels[p*depth*Width:], w.Scales[p*groups*Width:]
	for i := range w.K {
		for j := range Width {
			dst[i*Width+j] = float32(panel[i/4*4*Width+4*j+i%4]) * scales[i/GroupSize*Width+j]
		}
	}
}

// Quantize turns rows of K numbers, lda apart, into 8 bits: q holds PadK(K)
// bytes a row, and what a unit of each group stands for is put into scales,
// Groups(K) a row. Numbers that are not finite give a scale that is not.
func (s *Set) Quantize(m, k int, a []float32, lda int, q []uint8, scales []float32) {
	depth, groups := PadK(k), Groups(k)
	whole := k / GroupSize
	for i := range m {
		row, out := a[i*lda:i*lda+k], q[i*depth:(i+1)*depth]
		if whole > 0 {
			s.quantize(whole, out, row, scales[i*groups:])
		}
		if whole < groups {
			var rest [GroupSize]float32
			copy(rest[:], row[whole*GroupSize:])
			var last [GroupSize]uint8
			s.quantize(1, last[:], rest[:], scales[i*groups+whole:])
			copy(out[whole*GroupSize:], last[:])
		}
	}
}

// leastScaled is below what 127 can be divided by; smaller rows count as zero.
const leastScaled = 1e-36

// Mul8 computes C[m][Pad(N)] (+)= A[m][K] * W, where A is rows that Quantize
// has made. Rows of C lie ldc numbers apart; ldc is at least Pad(N).
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
	// Rows in blocks, so that they stay in the second-level cache while one
	// panel after the other passes.
	for first := 0; first < m; first += blockRows8 {
		last := min(m, first+blockRows8)
		for p := p; p < panels; p++ {
			at := p * groups * Width
			s.tile8(last-first, depth, q[first*depth:], w.Panels[p*size:], c[first*ldc+p*Width:], ldc, scales[first*groups:], w.Scales[at:], w.bias[at:], add)
		}
	}
}

const blockRows8 = 256
