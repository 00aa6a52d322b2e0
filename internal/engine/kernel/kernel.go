// Package kernel does the arithmetic that takes the time: products with packed
// matrices of 32-bit and of 8-bit numbers, and functions over vectors. Each
// operation exists as plain Go, which is its specification and runs anywhere,
// and as AVX2 assembly, which is made by the module in gen.
//
// Every sum of 32-bit floating-point numbers runs over k = 0, 1, 2, ... into
// one accumulator (Dots: into eight, one for each k modulo 8), whatever the
// number of rows and however k is cut into blocks; sums of 8-bit products are
// exact integers. So a row's result never depends, in any bit, on the rows
// computed beside it.
package kernel

//go:generate go -C gen run . -out ../avx2_amd64.s -stubs ../avx2_amd64.go -pkg kernel

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Width is how many outputs lie side by side in a packed matrix.
const Width = 16

// Set is the operations for one instruction set.
type Set struct {
	Name string // as FIRESTEEL_ISA names it

	// tile computes C[rows][16] (+)= A[rows][k] * B[k][16]. next is a panel like
	// B, or its beginning, that is needed soon.
	tile func(rows, k int, a []float32, lda int, b, next, c []float32, ldc int, add bool)
	// wide computes c[64] (+)= a[k] * B[4][k][16], panels stride apart.
	wide func(k int, a []float32, b []float32, stride int, c []float32, add bool)
	// dots computes C[rows][2] = A[rows][k] * B[2][k]; see Dots.
	dots func(rows, k int, a []float32, lda int, b []float32, stride int, c []float32, ldc int)
	// tile8 computes C[rows][16] (+)= the sum over groups of inputs of
	// (A[rows][k] * B + bias) * rowScale * scale, where B is a panel of a Matrix8
	// and A what Quantize makes; k is a multiple of 8.
	tile8 func(rows, k int, a []uint8, b []int8, c []float32, ldc int, rowScale, scale []float32, bias []int32, add bool)
	// wide8 does one row by four panels, stride apart.
	wide8 func(k int, a []uint8, b []int8, stride int, c []float32, rowScale, scale []float32, bias []int32, add bool)
	// quantize does one group or more.
	quantize func(groups int, dst []uint8, src, scales []float32)
	// weightBounds gives what the unit of a group of weights depends on: the
	// greatest magnitude, and the greatest sum A + |S| of a four (see weightGroup), which
	// is not a number where a weight is not finite.
	weightBounds func(w *[GroupSize]float32) (greatest, sum float32)
	// roundWeights gives weights times factor, at most 127 in magnitude, and as
	// bits which fours are to be made smaller.
	roundWeights func(dst *[GroupSize]int8, w *[GroupSize]float32, factor float32) (over uint16)
	// These take lengths that are positive multiples of 8, squares and maximum
	// of 16.
	exp              func(dst, src []float32, shift float32)
	siluMul, geluMul func(dst, gate, up []float32)
	squares          func(x []float32) float32
	maximum          func(x []float32) (greatest, zero float32)
	scale            func(dst, x []float32, scale float32, weight []float32)
	// turn puts eight rows of k numbers, stride apart, beside each other:
	// dst[j*16+i] = src[i*stride+j]; k is a positive multiple of 8.
	turn func(k int, dst, src []float32, stride int)
}

// Select gives the operations for the named instruction set, or for the best
// one this machine has if the name is empty.
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
	return nil, fmt.Errorf("FIRESTEEL_ISA is %q, but this CPU's instruction sets are %s", name, strings.Join(names, ", "))
}

// Sets gives the operations for each instruction set of this machine, the plain
// ones first.
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

// Stride is a good distance of rows of n numbers: rows that lie a multiple of
// 4 KiB apart would push each other out of the first-level cache.
func Stride(n int) int { return Pad(n) + Width }

// Exp computes dst[i] = e^(src[i] - shift), never zero: what would underflow is
// the least normal number. What is not a number stays so. The lengths are the same
// multiple of 8.
func (s *Set) Exp(dst, src []float32, shift float32) {
	if len(dst) > 0 {
		s.exp(dst, src[:len(dst)], shift)
	}
}

// SiluMul computes dst[i] = gate[i] / (1 + e^-gate[i]) * up[i]. The lengths are
// the same multiple of 8.
func (s *Set) SiluMul(dst, gate, up []float32) {
	if len(dst) > 0 {
		s.siluMul(dst, gate[:len(dst)], up[:len(dst)])
	}
}

// Max returns the greatest number of x, which must not be empty, and NaN if one of
// them is NaN.
func (s *Set) Max(x []float32) float32 {
	greatest, _ := s.greatest(x)
	return greatest
}

// Best gives the index of the greatest number of x, of equals the first, and
// whether all of them are finite.
func (s *Set) Best(x []float32) (index int, finite bool) {
	const part = 32 * Width // the greatest is looked for in its part only
	var zeros float32
	greatest, from := float32(math.Inf(-1)), 0
	for i := 0; i < len(x); i += part {
		most, zero := s.greatest(x[i:min(i+part, len(x))])
		zeros += zero
		if most > greatest {
			greatest, from = most, i
		}
	}
	if zeros != 0 { // or not a number
		return 0, false
	}
	return from + slices.Index(x[from:], greatest), true
}

// greatest is maximum for any length.
func (s *Set) greatest(x []float32) (greatest, zero float32) {
	whole := len(x) / Width * Width
	greatest = float32(math.Inf(-1))
	if whole > 0 {
		greatest, zero = s.maximum(x[:whole])
	}
	for _, v := range x[whole:] {
		greatest = max(greatest, v)
		zero += v * 0
	}
	return greatest, zero
}

// GeluMul computes dst[i] = gelu(gate[i]) * up[i], with gelu by its
// approximation with the hyperbolic tangent. The lengths are the same multiple
// of 8.
func (s *Set) GeluMul(dst, gate, up []float32) {
	if len(dst) > 0 {
		s.geluMul(dst, gate[:len(dst)], up[:len(dst)])
	}
}

// RMSNorm computes dst = x / sqrt(mean(x²) + epsilon) * weight for one row,
// whose length is a multiple of 16.
func (s *Set) RMSNorm(dst, x, weight []float32, epsilon float32) {
	if len(dst) > 0 {
		mean := float64(s.squares(x[:len(dst)])) / float64(len(dst))
		s.scale(dst, x[:len(dst)], float32(1/math.Sqrt(mean+float64(epsilon))), weight[:len(dst)])
	}
}

// Turn puts n rows of k numbers, stride apart, into a panel as its outputs from
// the first of dst on: dst[j*Width+i] = src[i*stride+j]. k is a multiple of 8.
func (s *Set) Turn(n, k int, dst, src []float32, stride int) {
	if k == 0 {
		return
	}
	i := 0
	for ; i+8 <= n; i += 8 {
		s.turn(k, dst[i:], src[i*stride:], stride)
	}
	for ; i < n; i++ {
		for j, x := range src[i*stride : i*stride+k] {
			dst[j*Width+i] = x
		}
	}
}

// Panels computes C[m][16*panels] (+)= A[m][k] * B, where B's panel p begins at
// b[p*stride] and holds [k][16]. lda and ldc are the distances of rows.
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

// Dots computes C[m][n] = A[m][k] * B[n][k], where B is what Panels takes the
// other way round: the numbers of row j from 16i on are at b[i*stride+j*16]. k
// is a multiple of 16. Rows of B, and columns of C, are there up to an even
// number of them.
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
