package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// fewSums is the number of sums from which on vpdpbusd need not wait for the one before it.
const fewSums = 8

// tileVNNI computes what tileInt8 does. vpdpbusd multiplies 64 pairs and adds each four of them to
// a sum of 32 bits, which is exact.
func tileVNNI(n int) {
	TEXT(name(fmt.Sprintf("tileInt8x%d", n)), NOSPLIT, "func(tiles int, k int, a *uint8, lda int, b *int8, c *float32, ldc int, rowScale *float32, ldr int, scale *float32, bias *int32, add int)")
	Doc(fmt.Sprintf("%s computes C[%d][16] (+)= (A[%d][k] * B[k][16] + bias[16]) * rowScale[%d] * scale[16], summed over groups of inputs, for consecutive tiles. k is a multiple of 8.", name(fmt.Sprintf("tileInt8x%d", n)), n, n, n))
	Pragma("noescape")
	local := AllocLocal(16)
	left, add := local, local.Offset(8)
	Label("tile")
	lda := param("lda")
	a, b := newRows(param("a"), lda, n), param("b")
	scale, bias, rowScale := param("scale"), param("bias"), param("rowScale")
	for _, variable := range []struct {
		name string
		at   Mem
	}{{"k", left}, {"add", add}} {
		MOVQ(param(variable.name), variable.at)
	}

	Label("group")
	k, rest := GP64(), GP64()
	MOVQ(left, rest)
	nextGroup(rest, k)
	MOVQ(rest, left)
	sums := registers(n)
	VMOVDQU32(Mem{Base: bias}, sums[0])
	for _, s := range sums[1:] {
		VMOVDQA32(sums[0], s)
	}
	second := sums // the sums of every second four inputs
	if n < fewSums {
		second = registers(n)
		clear(second...)
	}
	var ahead reg.GPVirtual
	if n > 1 {
		ahead = param("k") // the next panel
		SHLQ(Imm(4), ahead)
	}
	Label("loop")
	for u, sums := range [][]reg.VecVirtual{sums, second} {
		w := ZMM()
		VMOVDQU32(Mem{Base: b, Disp: fourInputs * u}, w)
		if n == 1 { // waits for memory most of the time, and panels follow each other
			PREFETCHT0(Mem{Base: b, Disp: fourInputs*u + 4096})
		} else {
			PREFETCHT1(Mem{Base: b, Index: ahead, Scale: 1, Disp: fourInputs * u})
		}
		for i, s := range sums {
			x := ZMM()
			VPBROADCASTD(a.at(i, 4*u), x)
			VPDPBUSD(w, x, s)
		}
	}
	a.advance(8)
	ADDQ(U32(2*fourInputs), b)
	SUBQ(Imm(8), k)
	JG(LabelRef("loop"))
	if n < fewSums {
		for i, s := range sums {
			VPADDD(second[i], s, s)
		}
	}

	// Scale the sums, and store them or add them to C.
	scales := ZMM()
	VMOVUPS(Mem{Base: scale}, scales)
	at, ldr := GP64(), param("ldr")
	MOVQ(rowScale, at)
	c, ldc := param("c"), param("ldc")
	SHLQ(Imm(2), ldc)
	CMPQ(add, Imm(0))
	JE(LabelRef("store"))
	each := func(add bool) {
		for i, s := range sums {
			t := ZMM()
			VCVTDQ2PS(s, s)
			VMULPS_BCST(Mem{Base: at}, scales, t)
			if add {
				VFMADD213PS(Mem{Base: c}, t, s)
			} else {
				VMULPS(t, s, s)
			}
			VMOVUPS(s, Mem{Base: c})
			if i < n-1 {
				LEAQ(Mem{Base: at, Index: ldr, Scale: 4}, at)
				ADDQ(ldc, c)
			}
		}
	}
	each(true)
	JMP(LabelRef("next"))
	Label("store")
	each(false)
	MOVQ(U32(1), add)
	Label("next")
	ADDQ(Imm(4), rowScale)
	ADDQ(Imm(4*panel), scale)
	ADDQ(Imm(4*panel), bias)
	CMPQ(left, Imm(0))
	JNE(LabelRef("group"))

	tiles := param("tiles")
	DECQ(tiles)
	JZ(LabelRef("done"))
	Store(tiles, Param("tiles"))
	advance("a", "lda", n)
	advance("c", "ldc", 4*n)
	advance("rowScale", "ldr", 4*n)
	JMP(LabelRef("tile"))
	Label("done")
	VZEROUPPER()
	RET()
}

// advance adds bytes times the parameter stride to a parameter.
func advance(pointer, stride string, bytes int) {
	p, d := param(pointer), param(stride)
	IMUL3Q(I32(int32(bytes)), d, d)
	ADDQ(d, p)
	Store(p, Param(pointer))
}

// quantize512 computes what quantize does.
func quantize512() {
	order := GLOBL(name("packOrder"), RODATA|NOPTR)
	for i := range lane { // part i of pack's result is part i/4 of register i%4
		DATA(4*i, U32(uint32(i%4*4+i/4)))
	}
	limits := GLOBL(name("quantizeLimits"), RODATA|NOPTR)
	for i, v := range []uint32{math.Float32bits(127), math.Float32bits(minScaled), 1<<31 - 1, 0x80808080} {
		DATA(4*i, U32(v))
	}
	TEXT(name("quantize"), NOSPLIT, "func(groups int, dst *uint8, src *float32, scales *float32)")
	Doc(name("quantize") + " is genericQuantize.")
	Pragma("noescape")
	groups, dst, src, scales := param("groups"), param("dst"), param("src"), param("scales")
	middle, permutation, mask := ZMM(), ZMM(), ZMM()
	VMOVDQU32(order, permutation)
	VPBROADCASTD(limits.Offset(8), mask)
	VPBROADCASTD(limits.Offset(12), middle) // adds 128 as a sign bit
	Label("loop")
	v := registers(4)
	most, t := ZMM(), ZMM()
	for i, r := range v {
		VMOVUPS(Mem{Base: src, Disp: 64 * i}, r)
		if i == 0 {
			VPANDD(r, mask, most)
			continue
		}
		VPANDD(r, mask, t)
		VPMAXSD(t, most, most)
	}
	h, s, f := fold([]reg.VecVirtual{most}, func(ops ...Op) { VPMAXSD(ops...) }), XMM(), XMM()
	VDIVSS(limits, h, s)
	VMOVSS(s, Mem{Base: scales})
	VCMPSS(Imm(13), limits.Offset(4), h, s) // greater or equal
	VMOVSS(limits, f)
	VDIVSS(h, f, f)
	VANDPS(s, f, f)
	factor := ZMM()
	VBROADCASTSS(f, factor)
	for _, r := range v {
		VMULPS(factor, r, r)
		VCVTPS2DQ(r, r)
	}
	VPACKSSDW(v[1], v[0], v[0])
	VPACKSSDW(v[3], v[2], v[2])
	VPACKSSWB(v[2], v[0], v[0])
	VPERMD(v[0], permutation, v[0])
	VPXORD(middle, v[0], v[0])
	VMOVDQU32(v[0], Mem{Base: dst})
	ADDQ(U32(256), src)
	ADDQ(Imm(64), dst)
	ADDQ(Imm(4), scales)
	DECQ(groups)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
