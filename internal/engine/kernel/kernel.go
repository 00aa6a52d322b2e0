// Package kernel implements the time-critical arithmetic: products with packed matrices of 32-bit
// and 8-bit numbers, and functions of vectors. Each operation exists in Go, which is its
// specification and runs on every platform, and in assembly for AVX2 and for AVX-512 with VNNI,
// which the module in gen generates.
//
// Every sum of 32-bit floating-point numbers adds k = 0, 1, 2, ... to one accumulator (Dots: to
// eight accumulators, one for each k modulo 8), each by one fused multiply-add. The order does not
// depend on the number of rows or on the division of k into blocks. Sums of 8-bit products are
// exact integers. Therefore the result of a row does not depend on the rows that are computed with
// it, nor on the instruction set, in any bit.
package kernel

//go:generate go -C gen run . -isa avx2 -out ../avx2_amd64.s -stubs ../avx2_amd64.go -pkg kernel
//go:generate go -C gen run . -isa avx512 -out ../avx512_amd64.s -stubs ../avx512_amd64.go -pkg kernel

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Width is the number of outputs in a panel of a packed matrix.
const Width = 16

// Set is the operations for one instruction set.
type Set struct {
	Name string // the value of FIRESTEEL_ISA that selects it

	// tile computes C[rows][16] (+)= A[rows][k] * B[k][16]. It prefetches next, the panel that is
	// used next.
	tile func(rows, k int, a []float32, lda int, b, next, c []float32, ldc int, add bool)
	// wide computes c[64] (+)= a[k] * B[4][k][16]. The stride of the panels of B is stride.
	wide func(k int, a []float32, b []float32, stride int, c []float32, add bool)
	// dots computes C[rows][2] = A[rows][k] * B[2][k]; see Dots.
	dots func(rows, k int, a []float32, lda int, b []float32, stride int, c []float32, ldc int)
	// tile8 computes C[rows][16] (+)= the sum over groups of inputs of (A[rows][k] * B + bias) *
	// rowScale * scale. B is a panel of a Matrix8, and Quantize has made A. k is a multiple of 8.
	tile8 func(rows, k int, a []uint8, b []int8, c []float32, ldc int, rowScale, scale []float32, bias []int32, add bool)
	// wide8 is tile8 for one row and four panels with the given stride.
	wide8 func(k int, a []uint8, b []int8, stride int, c []float32, rowScale, scale []float32, bias []int32, add bool)
	// rowsQ computes C[rows][16] += A[rows] * a panel of a MatrixQ of k inputs. A is the rows of an
	// InputsQ.
	rowsQ func(l LayoutQ, rows, k int, panel, a []uint8, c []float32, ldc int)
	// quantize quantizes one or more groups; see Quantize.
	quantize func(groups int, dst []uint8, src, scales []float32)
	// quantizeQ quantizes one or more groups of 32 numbers to an InputsQ.
	quantizeQ func(groups int, dst []uint8, src []float32)
	// weightBounds returns the maximum magnitude of a group of weights, and the maximum of
	// A + |S| over its quads (see weightGroup). sum is NaN if a weight is not finite.
	weightBounds func(w *[GroupSize]float32) (maximum, sum float32)
	// roundWeights rounds weights times factor, whose magnitude is at most 127. The bits of over
	// are the quads that exceed the limit of weightGroup.
	roundWeights func(dst *[GroupSize]int8, w *[GroupSize]float32, factor float32) (over uint16)
	// The lengths of these are positive multiples of 8; for squares and maximum, of 16.
	exp              func(dst, src []float32, shift float32)
	siluMul, geluMul func(dst, gate, up []float32)
	squares          func(x []float32) float32                      // the sum of the squares
	maximum          func(x []float32) (maximum, nonFinite float32) // nonFinite is 0 if all of x is finite
	scale            func(dst, x []float32, scale float32, weight []float32)
	// gelu is Gelu, and gatedGelu is GatedGelu. The lengths are positive multiples of 8.
	gelu      func(dst, x []float32)
	gatedGelu func(dst, gate, up []float32)
	// The lengths of these are positive multiples of 16. sum has sixteen partial sums, one for each
	// i modulo 16, and adds them by halves. deviations is the same sum of (x[i] - mean)².
	// normalize computes dst[i] = (x[i] - mean) * scale * weight[i] + bias[i].
	sum        func(x []float32) float32
	deviations func(x []float32, mean float32) float32
	normalize  func(dst, x []float32, mean, scale float32, weight, bias []float32)
	add        func(dst, x []float32)
	softmax    func(n int, scores []float32, width, first, last int) // see Softmax
	// transpose computes dst[j*16+i] = src[i*stride+j] for eight rows of k numbers. k is a
	// positive multiple of 8.
	transpose func(k int, dst, src []float32, stride int)
}

// Select returns the operations for the named instruction set. If name is empty, it returns those
// for the best instruction set of this machine.
func Select(name string) (*Set, error) {
	sets := available()
	if name == "" {
		return &sets[len(sets)-1], nil
	}
	var names []string
	for i := range sets {
		if sets[i].Name == name {
			return &sets[i], nil
		}
		names = append(names, sets[i].Name)
	}
	return nil, fmt.Errorf("FIRESTEEL_ISA is %q, but the instruction sets of this CPU are %s", name, strings.Join(names, ", "))
}

// Sets returns the operations for each instruction set of this machine, the generic ones first.
func Sets() []*Set {
	sets := available()
	all := make([]*Set, len(sets))
	for i := range sets {
		all[i] = &sets[i]
	}
	return all
}

// Pad rounds n up to a multiple of Width.
func Pad(n int) int { return (n + Width - 1) / Width * Width }

// Stride returns a stride for rows of n numbers. It is not a multiple of 4 KiB, because such rows
// evict each other from the first-level cache.
func Stride(n int) int { return Pad(n) + Width }

// Exp computes dst[i] = e^(src[i] - shift). A result that would underflow is the smallest normal
// number, and never zero. NaN stays NaN. The lengths are the same multiple of 8.
func (s *Set) Exp(dst, src []float32, shift float32) {
	if len(dst) > 0 {
		s.exp(dst, src[:len(dst)], shift)
	}
}

// SiluMul computes dst[i] = gate[i] / (1 + e^-gate[i]) * up[i]. The lengths are the same multiple
// of 8.
func (s *Set) SiluMul(dst, gate, up []float32) {
	if len(dst) > 0 {
		s.siluMul(dst, gate[:len(dst)], up[:len(dst)])
	}
}

// Max returns the maximum of x, which must not be empty. It returns NaN if x has a NaN.
func (s *Set) Max(x []float32) float32 {
	maximum, _ := s.maximumOf(x)
	return maximum
}

// ArgMax returns the index of the maximum of x, the first one of equals, and whether all of x is
// finite.
func (s *Set) ArgMax(x []float32) (index int, finite bool) {
	const part = 32 * Width // the index is searched in one part only
	var nonFinite float32
	maximum, from := float32(math.Inf(-1)), 0
	for i := 0; i < len(x); i += part {
		m, zero := s.maximumOf(x[i:min(i+part, len(x))])
		nonFinite += zero
		if m > maximum {
			maximum, from = m, i
		}
	}
	if nonFinite != 0 { // or NaN
		return 0, false
	}
	return from + slices.Index(x[from:], maximum), true
}

// maximumOf is maximum for any length.
func (s *Set) maximumOf(x []float32) (maximum, nonFinite float32) {
	whole := len(x) / Width * Width
	maximum = float32(math.Inf(-1))
	if whole > 0 {
		maximum, nonFinite = s.maximum(x[:whole])
	}
	for _, v := range x[whole:] {
		maximum = max(maximum, v)
		nonFinite += v * 0
	}
	return maximum, nonFinite
}

// GeluMul computes dst[i] = gelu(gate[i]) * up[i] with the tanh approximation of gelu. The lengths
// are the same multiple of 8.
func (s *Set) GeluMul(dst, gate, up []float32) {
	if len(dst) > 0 {
		s.geluMul(dst, gate[:len(dst)], up[:len(dst)])
	}
}

// RMSNorm computes dst = x / sqrt(mean(x²) + epsilon) * weight for one row. The length is a
// multiple of 16.
func (s *Set) RMSNorm(dst, x, weight []float32, epsilon float32) {
	if len(dst) > 0 {
		mean := float64(s.squares(x[:len(dst)])) / float64(len(dst))
		s.scale(dst, x[:len(dst)], float32(1/math.Sqrt(mean+float64(epsilon))), weight[:len(dst)])
	}
}

// Transpose writes n rows of k numbers to consecutive outputs of a panel:
// dst[j*Width+i] = src[i*stride+j]. k is a multiple of 8.
func (s *Set) Transpose(n, k int, dst, src []float32, stride int) {
	if k == 0 {
		return
	}
	i := 0
	for ; i+8 <= n; i += 8 {
		s.transpose(k, dst[i:], src[i*stride:], stride)
	}
	for ; i < n; i++ {
		for j, x := range src[i*stride : i*stride+k] {
			dst[j*Width+i] = x
		}
	}
}

// Panels computes C[m][16*panels] (+)= A[m][k] * B. Panel p of B begins at b[p*stride] and is
// [k][16]. lda and ldc are the strides of the rows.
func (s *Set) Panels(m, k int, a []float32, lda int, b []float32, stride, panels int, c []float32, ldc int, add bool) {
	if m == 0 || k == 0 || panels == 0 {
		return
	}
	p := 0
	if m == 1 {
		for ; p+4 <= panels; p += 4 {
			s.wide(k, a, b[p*stride:], stride, c[p*Width:], add)
		}
	}
	for ; p < panels; p++ {
		s.tile(m, k, a, lda, b[p*stride:], b[min(p+1, panels-1)*stride:], c[p*Width:], ldc, add)
	}
}

// Dots computes C[m][n] = A[m][k] * B[n][k]. The numbers 16i to 16i+15 of row j of B begin at
// b[i*stride+j*16], so that Panels can use B transposed. k is a multiple of 16. B and C have room
// for an even number of rows and columns.
func (s *Set) Dots(m, n, k int, a []float32, lda int, b []float32, stride int, c []float32, ldc int) {
	if k == 0 || m == 0 {
		for i := range m {
			clear(c[i*ldc : i*ldc+n])
		}
		return
	}
	for j := 0; j < n; j += 2 {
		s.dots(m, k, a, lda, b[j*Width:], stride, c[j:], ldc)
	}
}
