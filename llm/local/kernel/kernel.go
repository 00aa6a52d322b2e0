// Package kernel does the arithmetic that takes the time: products with packed
// matrices of 32-bit numbers, and the exponential function over vectors. Each
// operation exists as plain Go, which is its specification and runs anywhere,
// and as AVX2 assembly, which is made by the module in gen.
//
// Every sum runs over k = 0, 1, 2, ... into one accumulator, whatever the
// number of rows and however k is cut into blocks. So a row's result never
// depends, in any bit, on the rows computed beside it.
package kernel

//go:generate go -C gen run . -out ../avx2_amd64.s -stubs ../avx2_amd64.go -pkg kernel

import (
	"fmt"
	"strings"
)

// Width is how many outputs lie side by side in a packed matrix.
const Width = 16

// tileRows is how many rows a tile has at most.
const tileRows = 6

// Set is the operations for one instruction set.
type Set struct {
	Name string // as FIRESTEEL_ISA names it

	// tile computes C[rows][16] (+)= A[rows][k] * B[k][16] for 1 to 6 rows.
	tile func(rows, k int, a []float32, lda int, b []float32, c []float32, ldc int, add bool)
	// wide computes c[64] (+)= a[k] * B[4][k][16], panels stride apart.
	wide func(k int, a []float32, b []float32, stride int, c []float32, add bool)
	// exp and siluMul take lengths that are positive multiples of 8.
	exp     func(dst, src []float32, shift float32)
	siluMul func(dst, gate, up []float32)
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
// the least normal number. The lengths are the same multiple of 8.
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
		s.panel(m, k, a, lda, b[p*stride:], c[p*Width:], ldc, add)
	}
}

// panel does one panel for all rows.
func (s *Set) panel(m, k int, a []float32, lda int, b []float32, c []float32, ldc int, add bool) {
	for i := 0; i < m; {
		rows := min(m-i, tileRows)
		if left := m - i; left > tileRows && left < 2*tileRows {
			rows = (left + 1) / 2 // two tiles alike are faster than a thin one
		}
		s.tile(rows, k, a[i*lda:], lda, b, c[i*ldc:], ldc, add)
		i += rows
	}
}
