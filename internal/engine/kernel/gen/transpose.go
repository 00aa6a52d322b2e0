package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transpose converts eight rows to eight columns of a panel, in squares of 8 x 8: it interleaves
// pairs of rows, then pairs of pairs, and then exchanges halves.
func transpose() {
	TEXT(name("transpose"), NOSPLIT, "func(k int, dst *float32, src *float32, stride int)")
	Doc("transposeAVX2 computes dst[j*16+i] = src[i*stride+j] for eight i. k is a positive multiple of 8.")
	Pragma("noescape")
	k, dst, src, stride := param("k"), param("dst"), param("src"), param("stride")
	SHLQ(Imm(2), stride)
	low := newRows(src, stride, 4)
	high := GP64()
	LEAQ(Mem{Base: src, Index: stride, Scale: 4}, high)
	top := newRows(high, stride, 4)
	Label("loop")
	var pairs [8]reg.VecVirtual
	for i := 0; i < 8; i += 2 {
		from := low
		if i >= 4 {
			from = top
		}
		a := YMM()
		VMOVUPS(from.at(i%4, 0), a)
		b := from.at(i%4+1, 0)
		pairs[i], pairs[i+1] = YMM(), YMM()
		VUNPCKLPS(b, a, pairs[i])
		VUNPCKHPS(b, a, pairs[i+1])
	}
	// The columns n and n+4 of rows 0 to 3 and of rows 4 to 7.
	var fours [8]reg.VecVirtual
	for i := 0; i < 8; i += 4 {
		for j := range 2 {
			first, second := YMM(), YMM()
			VSHUFPS(Imm(0x44), pairs[i+2+j], pairs[i+j], first)
			VSHUFPS(Imm(0xee), pairs[i+2+j], pairs[i+j], second)
			fours[i+2*j], fours[i+2*j+1] = first, second
		}
	}
	for n := range 4 {
		t := YMM()
		VPERM2F128(Imm(0x20), fours[4+n], fours[n], t)
		VMOVUPS(t, Mem{Base: dst, Disp: n * panelSize})
		VPERM2F128(Imm(0x31), fours[4+n], fours[n], t)
		VMOVUPS(t, Mem{Base: dst, Disp: (4 + n) * panelSize})
	}
	low.advance(uint64(4 * lane))
	top.advance(uint64(4 * lane))
	ADDQ(U32(uint32(lane*panelSize)), dst)
	SUBQ(Imm(uint64(lane)), k)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
