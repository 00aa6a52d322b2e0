package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// emulated returns the operations of AVX-512, executed by an emulator.
func emulated(t *testing.T) *Set {
	e, err := parseAssembly("avx512_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	s := generic
	s.Name = "emulated avx512"
	s.tile = func(rows, k int, a []float32, lda int, b, next, c []float32, ldc int, add bool) {
		split(rows, len(avx512Tiles)-1, func(first, tiles, size int) {
			e.call(fmt.Sprintf("tile%dAVX512", size), tiles, k, a[first*lda:], lda, b, next, c[first*ldc:], ldc, add)
		})
	}
	s.wide = func(k int, a, b []float32, stride int, c []float32, add bool) {
		e.call("wideAVX512", k, a, b, stride, c, add)
	}
	s.tile8 = func(rows, k int, a []uint8, b []int8, c []float32, ldc int, rowScale, scale []float32, bias []int32, add bool) {
		groups := Groups(k)
		split(rows, len(avx512Tiles8)-1, func(first, tiles, size int) {
			e.call(fmt.Sprintf("tileInt8x%dAVX512", size), tiles, k, a[first*k:], k, b, c[first*ldc:], ldc, rowScale[first*groups:], groups, scale, bias, add)
		})
	}
	s.wide8 = func(k int, a []uint8, b []int8, stride int, c []float32, rowScale, scale []float32, bias []int32, add bool) {
		for p := range 4 {
			at := p * Groups(k) * Width
			s.tile8(1, k, a, b[p*stride:], c[p*Width:], Width, rowScale, scale[at:], bias[at:], add)
		}
	}
	s.rowsQ = func(l LayoutQ, rows, k int, panel, a []uint8, c []float32, ldc int) {
		lda := k / partQ * inputBytesQ
		split(rows, len(avx512RowsOfQ[l])-1, func(first, tiles, size int) {
			e.call(fmt.Sprintf("rows%sx%dAVX512", strings.ReplaceAll(l.String(), "_", ""), size), tiles, k, panel, a[first*lda:], lda, c[first*ldc:], ldc)
		})
	}
	s.quantize = func(groups int, dst []uint8, src, scales []float32) {
		e.call("quantizeAVX512", groups, dst, src, scales)
	}
	s.exp = func(dst, src []float32, shift float32) { e.call("expAVX512", len(dst), dst, src, shift) }
	gated := func(name string) func(dst, gate, up []float32) {
		return func(dst, gate, up []float32) { e.call(name, len(dst), dst, gate, up) }
	}
	s.siluMul, s.geluMul, s.gatedGelu = gated("siluMulAVX512"), gated("geluMulAVX512"), gated("gatedGeluAVX512")
	s.gelu = func(dst, x []float32) { e.call("geluAVX512", len(dst), dst, x) }
	s.add = func(dst, x []float32) { e.call("addAVX512", len(dst), dst, x) }
	s.squares = func(x []float32) float32 { return e.call("squaresAVX512", len(x), x)[0] }
	s.sum = func(x []float32) float32 { return e.call("sumAVX512", len(x), x)[0] }
	s.deviations = func(x []float32, mean float32) float32 { return e.call("deviationsAVX512", len(x), x, mean)[0] }
	s.maximum = func(x []float32) (float32, float32) {
		r := e.call("maximumAVX512", len(x), x)
		return r[0], r[1]
	}
	s.scale = func(dst, x []float32, scale float32, weight []float32) {
		e.call("scaleAVX512", len(dst), dst, x, scale, weight)
	}
	s.normalize = func(dst, x []float32, mean, scale float32, weight, bias []float32) {
		e.call("normalizeAVX512", len(dst), dst, x, mean, scale, weight, bias)
	}
	s.softmax = func(n int, scores []float32, width, first, last int) {
		e.call("softmaxAVX512", n, scores, width, first, last)
	}
	return &s
}

// The code for AVX-512 gives the bits of plain Go, also where the processor does not have it.
func TestEmulatedAVX512(t *testing.T) {
	set := emulated(t)
	r := rand.New(rand.NewPCG(41, 42))
	for _, n := range []int{16, 48} {
		for name, x := range variedRows(r, n) {
			for operation, do := range vectorOperations(r, x, n) {
				if err := sameBits(do(set), do(&generic)); err != nil {
					t.Errorf("%s of %s numbers: %v", operation, name, err)
				}
			}
		}
	}
	for _, k := range []int{1, 7, 72} {
		const n = 80
		w := random(r, n*k)
		matrix, matrix8 := pack(n, k, w), pack8(n, k, w)
		for _, m := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 22, 24, 25} {
			productsAgree(t, r, m, matrix, matrix8, []*Set{set})
		}
	}
	for l := range allQ() {
		w := randomQ(r, l, 16, 2*l.Block())
		for m := 1; m <= 13; m++ {
			productsOfQAgree(t, r, m, w, []*Set{set})
		}
	}
	const groups = 3
	a, q, scales := random(r, groups*GroupSize), make([]uint8, 2*groups*GroupSize), make([]float32, 2*groups)
	clear(a[GroupSize : 2*GroupSize])
	for i := range a[2*GroupSize:] {
		a[2*GroupSize+i] *= 1e-38 // too small to divide by
	}
	set.Quantize(1, len(a), a, len(a), q, scales)
	generic.Quantize(1, len(a), a, len(a), q[len(a):], scales[groups:])
	if !slices.Equal(q[:len(a)], q[len(a):]) || !slices.Equal(scales[:groups], scales[groups:]) {
		t.Errorf("%v with %g, want %v with %g", q[:len(a)], scales[:groups], q[len(a):], scales[groups:])
	}
}
