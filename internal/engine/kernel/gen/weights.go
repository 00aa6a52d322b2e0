package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// quads adds the inputs 0, 1, 4, 5 and 2, 3, 6, 7 of two registers, with the instructions for
// floats or for integers.
func quads(v, u reg.VecVirtual, horizontal func(a, b, c Op), add func(ops ...Op)) reg.VecVirtual {
	h, x := YMM(), XMM()
	horizontal(u, v, h)
	VEXTRACTF128(Imm(1), h, x)
	add(x, h.AsX(), x)
	return x
}

// weightBounds returns the maximum magnitude, and the maximum over quads of the sum of the
// magnitudes plus the magnitude of the sum.
func weightBounds() {
	TEXT(name("weightBounds"), NOSPLIT, "func(w *float32) (maximum, sum float32)")
	Doc("weightBoundsAVX2 is genericWeightBounds.")
	Pragma("noescape")
	w := param("w")
	mask, most, best, zeros, none := YMM(), YMM(), XMM(), XMM(), XMM()
	VPCMPEQD(mask, mask, mask)
	VPSRLD(Imm(1), mask, mask)
	VXORPS(most, most, most)
	for _, x := range []reg.VecVirtual{best, zeros, none} {
		VXORPS(x, x, x)
	}
	for i := 0; i < groupSize; i += 2 * lane {
		v, u := YMM(), YMM()
		VMOVUPS(Mem{Base: w, Disp: 4 * i}, v)
		VMOVUPS(Mem{Base: w, Disp: 4 * (i + lane)}, u)
		s := quads(v, u, VHADDPS, VADDPS)
		VANDPS(v, mask, v)
		VANDPS(u, mask, u)
		VMAXPS(v, most, most)
		VMAXPS(u, most, most)
		magnitudes := quads(v, u, VHADDPS, VADDPS)
		VANDPS(s, mask.AsX(), s)
		VADDPS(s, magnitudes, s)
		VMAXPS(s, best, best)
		VMULPS(s, none, s)
		VADDPS(s, zeros, zeros)
	}
	high := XMM()
	VEXTRACTF128(Imm(1), most, high)
	VMAXPS(high, most.AsX(), high)
	across(VMAXPS, high)
	Store(high, ReturnIndex(0))
	across(VMAXPS, best)
	across(VADDPS, zeros)
	VADDSS(zeros, best, best)
	Store(best, ReturnIndex(1))
	VZEROUPPER()
	RET()
}

// across folds four numbers into the first one.
func across(fold func(ops ...Op), x reg.VecVirtual) {
	t := XMM()
	VPSHUFD(Imm(0x4e), x, t)
	fold(t, x, x)
	VPSHUFD(Imm(0xb1), x, t)
	fold(t, x, x)
}

// roundWeights rounds 64 weights times factor to 8-bit numbers.
func roundWeights(order Mem) {
	limit := GLOBL("weightLimit", RODATA|NOPTR)
	for i := range 4 {
		DATA(4*i, U32(256))
	}
	TEXT(name("roundWeights"), NOSPLIT, "func(dst *int8, w *float32, factor float32) (over int)")
	Doc("roundWeightsAVX2 is genericRoundWeights.")
	Pragma("noescape")
	dst, w := param("dst"), param("w")
	f, permutation := YMM(), YMM()
	VBROADCASTSS(NewParamAddr("factor", 16), f)
	VMOVDQU(order, permutation)
	over, bits := GP64(), GP64()
	XORQ(over, over)
	for i := 0; i < groupSize; i += 4 * lane {
		v := registers(4)
		for j, r := range v {
			VMULPS(Mem{Base: w, Disp: 4 * (i + j*lane)}, f, r)
			VCVTPS2DQ(r, r)
		}
		for j := 0; j < 4; j += 2 {
			s := quads(v[j], v[j+1], VPHADDD, VPADDD)
			a, b := YMM(), YMM()
			VPABSD(v[j], a)
			VPABSD(v[j+1], b)
			magnitudes := quads(a, b, VPHADDD, VPADDD)
			VPABSD(s, s)
			VPADDD(magnitudes, s, s)
			VPCMPGTD(limit, s, s)
			VMOVMSKPS(s, bits.As32())
			SHLQ(Imm(uint64(i/4+2*j)), bits)
			ORQ(bits, over)
		}
		pack(v, permutation)
		VMOVDQU(v[0], Mem{Base: dst, Disp: i})
	}
	Store(over, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// pack converts the 32-bit numbers of four registers to 8-bit numbers in the first register.
func pack(v []reg.VecVirtual, permutation reg.VecVirtual) {
	VPACKSSDW(v[1], v[0], v[0])
	VPACKSSDW(v[3], v[2], v[2])
	VPACKSSWB(v[2], v[0], v[0])
	VPERMD(v[0], permutation, v[0])
}
