package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Panels of 8-bit weights are [k/4][16][4]: fourInputs bytes hold four inputs of a panel. Up to
// groupSize inputs share a scale.
const (
	fourInputs = 4 * panel
	groupSize  = 64
)

// ones has 1 in each 16-bit lane.
func ones() Mem {
	m := GLOBL("ones", RODATA|NOPTR)
	for i := range lane {
		DATA(4*i, U32(0x10001))
	}
	return m
}

// multiply adds the products of n rows at a with the two halves of the panel at b to sums, two
// registers for each row. k is the number of inputs, a multiple of 8. It advances a and b.
//
// The products of two neighbors fit into 16 bits, and so does the sum of two such pairs, because
// the weights are limited (see weightGroup). Therefore one vpmaddwd widens two vpmaddubsw. Four
// inputs are broadcast twice, because no register is free to keep them. multiply prefetches the
// weights at b + ahead bytes.
func multiply(label string, n int, sums []reg.VecVirtual, a rows, b, k, ahead reg.GPVirtual, one reg.VecVirtual) {
	Label(label)
	w := registers(4)
	for i := range w {
		VMOVDQU(Mem{Base: b, Disp: 32 * i}, w[i])
	}
	PREFETCHT1(Mem{Base: b, Index: ahead, Scale: 1})
	PREFETCHT1(Mem{Base: b, Index: ahead, Scale: 1, Disp: fourInputs})
	for i := range n {
		x, y, s := YMM(), YMM(), YMM()
		VPBROADCASTD(a.at(i, 0), x)
		VPMADDUBSW(w[0], x, s)
		VPMADDUBSW(w[1], x, x)
		for j, sum := range []reg.VecVirtual{s, x} {
			VPBROADCASTD(a.at(i, 4), y)
			VPMADDUBSW(w[2+j], y, y)
			VPADDW(y, sum, sum)
		}
		VPMADDWD(one, s, s)
		VPADDD(s, sums[2*i], sums[2*i])
		VPMADDWD(one, x, x)
		VPADDD(x, sums[2*i+1], sums[2*i+1])
	}
	a.advance(8)
	ADDQ(U32(2*fourInputs), b)
	SUBQ(Imm(8), k)
	JG(LabelRef(label))
}

// nextGroup sets k to the number of inputs of the next group and subtracts it from left, the number
// of remaining inputs.
func nextGroup(left, k reg.GPVirtual) {
	MOVQ(U32(groupSize), k)
	CMPQ(left, k)
	CMOVQLT(left, k)
	SUBQ(k, left)
}

// putScaled converts the sums of a group to floats, scales them, and stores them or adds them to
// the numbers at to.
func putScaled(sums, rowScale reg.VecVirtual, scale Op, to Mem, add bool) {
	t := YMM()
	VCVTDQ2PS(sums, sums)
	VMULPS(scale, rowScale, t)
	if add {
		VFMADD213PS(to, t, sums)
	} else {
		VMULPS(t, sums, sums)
	}
	VMOVUPS(sums, to)
}

// tileInt8 computes C[n][16] (+)= sum over groups g of (A[n][g] * B[g][16] + bias[g][16]) *
// rowScale[n][g] * scale[g][16] for consecutive tiles of n rows.
func tileInt8(n int, ones Mem) {
	TEXT(name(fmt.Sprintf("tileInt8x%d", n)), NOSPLIT, "func(tiles int, k int, a *uint8, lda int, b *int8, c *float32, ldc int, rowScale *float32, ldr int, scale *float32, bias *int32, add int)")
	Doc(fmt.Sprintf("tileInt8x%dAVX2 computes C[%d][16] (+)= (A[%d][k] * B[k][16] + bias[16]) * rowScale[%d] * scale[16], summed over groups of inputs, for consecutive tiles. k is a multiple of 8.", n, n, n, n))
	Pragma("noescape")
	start, c := param("a"), param("c")
	lda, ldc := param("lda"), param("ldc")
	SHLQ(Imm(2), ldc)
	one := YMM()
	VMOVDQU(ones, one)
	Label("tile")
	left, b := param("k"), param("b")
	from := GP64()
	MOVQ(start, from)
	a := newRows(from, lda, n)
	scale, bias := param("scale"), param("bias")
	rowScale, add := param("rowScale"), param("add")

	Label("group")
	k := GP64()
	nextGroup(left, k)
	sums := registers(2 * n)
	for i, s := range sums {
		VMOVDQU(Mem{Base: bias, Disp: 32 * (i % 2)}, s)
	}
	ahead := param("k") // the next panel
	SHLQ(Imm(4), ahead)
	multiply("loop", n, sums, a, b, k, ahead, one)

	// Scale the sums, and store them or add them to C.
	scales := registers(2)
	for h := range scales {
		VMOVUPS(Mem{Base: scale, Disp: 32 * h}, scales[h])
	}
	at, out := GP64(), GP64()
	MOVQ(rowScale, at)
	MOVQ(c, out)
	ldr := param("ldr")
	TESTQ(add, add)
	JZ(LabelRef("store"))
	each := func(add bool) {
		for i := range n {
			r := YMM()
			VBROADCASTSS(Mem{Base: at}, r)
			for h := range 2 {
				putScaled(sums[2*i+h], r, scales[h], Mem{Base: out, Disp: 32 * h}, add)
			}
			if i < n-1 {
				LEAQ(Mem{Base: at, Index: ldr, Scale: 4}, at)
				ADDQ(ldc, out)
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
	TESTQ(left, left)
	JNZ(LabelRef("group"))

	rowScale, tiles := param("rowScale"), param("tiles")
	DECQ(tiles)
	JZ(LabelRef("done"))
	Store(tiles, Param("tiles"))
	for range n {
		ADDQ(lda, start)
		ADDQ(ldc, c)
		LEAQ(Mem{Base: rowScale, Index: ldr, Scale: 4}, rowScale)
	}
	Store(rowScale, Param("rowScale"))
	JMP(LabelRef("tile"))
	Label("done")
	VZEROUPPER()
	RET()
}

// wideInt8 multiplies one row by four panels. For one row the time is that of reading the weights
// from memory.
func wideInt8(one Mem) {
	TEXT(name("wideInt8"), NOSPLIT, "func(k int, a *uint8, b *int8, stride int, c *float32, rowScale *float32, scale *float32, bias *int32, groups int, add int)")
	Doc("wideInt8AVX2 computes c[64] (+)= (a[k] * B[4][k][16] + bias[64]) * rowScale * scale[64], summed over groups of inputs. stride is the distance between panels in bytes. k is a multiple of 8. The scales and biases of a panel are groups*16 numbers after those of the panel before.")
	Pragma("noescape")
	left, a, stride := param("k"), param("a"), param("stride")
	b := newRows(param("b"), stride, 4)
	c, rowScale, add := param("c"), param("rowScale"), param("add")
	apart := param("groups")
	SHLQ(Imm(6), apart)
	scale, bias := newRows(param("scale"), apart, 4), newRows(param("bias"), apart, 4)
	Label("group")
	k := GP64()
	nextGroup(left, k)
	sums := registers(8)
	for i, s := range sums {
		VMOVDQU(bias.at(i/2, 32*(i%2)), s)
	}
	Label("loop")
	x, y := YMM(), YMM()
	VPBROADCASTD(Mem{Base: a}, x)
	VPBROADCASTD(Mem{Base: a, Disp: 4}, y)
	for i := range sums {
		s, z := YMM(), YMM()
		VPMADDUBSW(b.at(i/2, 32*(i%2)), x, s)
		VPMADDUBSW(b.at(i/2, 32*(i%2)+fourInputs), y, z)
		VPADDW(z, s, s)
		VPMADDWD(one, s, s)
		VPADDD(s, sums[i], sums[i])
	}
	ADDQ(Imm(8), a)
	b.advance(2 * fourInputs)
	SUBQ(Imm(8), k)
	JG(LabelRef("loop"))

	r := YMM()
	VBROADCASTSS(Mem{Base: rowScale}, r)
	TESTQ(add, add)
	JZ(LabelRef("store"))
	each := func(add bool) {
		for i, s := range sums {
			putScaled(s, r, scale.at(i/2, 32*(i%2)), Mem{Base: c, Disp: 32 * i}, add)
		}
	}
	each(true)
	JMP(LabelRef("next"))
	Label("store")
	each(false)
	MOVQ(U32(1), add)
	Label("next")
	ADDQ(Imm(4), rowScale)
	scale.advance(4 * panel)
	bias.advance(4 * panel)
	TESTQ(left, left)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}

// packOrder is the order of the eight parts of the result of pack.
func packOrder() Mem {
	order := GLOBL("packOrder", RODATA|NOPTR)
	for i, v := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
		DATA(4*i, U32(v))
	}
	return order
}

// quantize computes dst = round(src * 127 / maximum) + 128 for consecutive groups. It returns the limits
// of units.
func quantize(order Mem) (limits Mem) {
	limits = GLOBL("quantizeLimits", RODATA|NOPTR)
	DATA(0, U32(math.Float32bits(127)))
	DATA(4, U32(math.Float32bits(minScaled)))

	TEXT(name("quantize"), NOSPLIT, "func(groups int, dst *uint8, src *float32, scales *float32)")
	Doc("quantizeAVX2 computes, for each group of 64, scales[g] = maximum magnitude / 127 and dst[i] = round(src[i] * (127 / maximum)) + 128, ties to even.")
	Pragma("noescape")
	groups, dst, src, scales := param("groups"), param("dst"), param("src"), param("scales")
	middle, permutation, mask := YMM(), YMM(), YMM()
	VMOVDQU(order, permutation)
	VPCMPEQD(mask, mask, mask)
	VPSRLD(Imm(1), mask, mask)
	VPCMPEQW(middle, middle, middle)
	VPSLLW(Imm(7), middle, middle)
	VPACKSSWB(middle, middle, middle) // 0x80 in each byte: adds 128 as a sign bit
	Label("loop")
	v := registers(8)
	VMOVSS(units(v, src, mask, limits), Mem{Base: scales})
	for i := 0; i < 8; i += 4 {
		pack(v[i:i+4], permutation)
		VPXOR(middle, v[i], v[i])
		VMOVDQU(v[i], Mem{Base: dst, Disp: 8 * i})
	}
	ADDQ(U32(256), src)
	ADDQ(Imm(64), dst)
	ADDQ(Imm(4), scales)
	DECQ(groups)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
	return limits
}

// units loads 8 numbers to each of v and converts them to units of the maximum magnitude by 127: the
// scale. If that is too small to divide by, they become zero. limits is 127 and minScaled.
//
// It compares magnitudes as integers, where NaN is greater than any number. VMAXPS would lose NaN.
func units(v []reg.VecVirtual, src reg.GPVirtual, mask reg.VecVirtual, limits Mem) (scale reg.VecVirtual) {
	most, t := YMM(), YMM()
	for i, r := range v {
		VMOVUPS(Mem{Base: src, Disp: 32 * i}, r)
		if i == 0 {
			VANDPS(r, mask, most)
			continue
		}
		VANDPS(r, mask, t)
		VPMAXSD(t, most, most)
	}
	h, f, factor := XMM(), XMM(), YMM()
	scale = XMM()
	VEXTRACTI128(Imm(1), most, h)
	VPMAXSD(h, most.AsX(), h)
	across(VPMAXSD, h)
	VDIVSS(limits, h, scale)
	VCMPSS(Imm(13), limits.Offset(4), h, t.AsX()) // greater or equal
	VMOVSS(limits, f)
	VDIVSS(h, f, f)
	VANDPS(t.AsX(), f, f)
	VBROADCASTSS(f, factor)
	for _, r := range v {
		VMULPS(factor, r, r)
		VCVTPS2DQ(r, r)
	}
	return scale
}

// quantizeQ computes the inputs of products with a MatrixQ, for consecutive groups of 32.
func quantizeQ(order, ones, limits Mem) {
	zeros := GLOBL("inputZeros", RODATA|NOPTR) // minus the zero points of starts
	for i, zero := range []int32{-32, -32, -8, -16} {
		DATA(4*i, U32(uint32(zero)))
	}

	TEXT(name("quantizeQ"), NOSPLIT, "func(groups int, dst *uint8, src *float32)")
	Doc("quantizeQAVX2 is genericQuantizeQ.")
	Pragma("noescape")
	groups, dst, src := param("groups"), param("dst"), param("src")
	one, bytes, permutation, mask := YMM(), repeated(1), YMM(), YMM()
	VMOVDQU(ones, one)
	VMOVDQU(order, permutation)
	VPCMPEQD(mask, mask, mask)
	VPSRLD(Imm(1), mask, mask)
	Label("loop")
	v := registers(4)
	scale := units(v, src, mask, limits)
	VMOVSS(scale, Mem{Base: dst, Disp: inputScale})
	pack(v, permutation)
	VMOVDQU(v[0], Mem{Base: dst})
	// The sums of the halves and of all, in whole registers.
	sums, h, all, wanted := YMM(), XMM(), XMM(), XMM()
	VPMADDUBSW(v[0], bytes, sums)
	VPMADDWD(one, sums, sums)
	VEXTRACTI128(Imm(1), sums, h)
	VPHADDD(h, sums.AsX(), h)
	VPHADDD(h, h, h)
	VPHADDD(h, h, all)
	VPUNPCKLQDQ(all, h, wanted)
	VPMULLD(zeros, wanted, wanted)
	VMOVDQU(wanted, Mem{Base: dst, Disp: inputStarts})
	VCVTDQ2PS(all, h)
	VMULSS(h, scale, scale)
	VMOVSS(scale, Mem{Base: dst, Disp: inputSum})
	VPSLLD(Imm(7), all, all)
	VPSUBD(all, zero(), all)
	VMOVD(all, Mem{Base: dst, Disp: inputStarts + 16})
	ADDQ(Imm(128), src)
	ADDQ(Imm(inputBytes), dst)
	DECQ(groups)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// zero returns a register of zeros.
func zero() reg.VecVirtual {
	x := XMM()
	VPXOR(x, x, x)
	return x
}

// minScaled equals the constant of package kernel.
const minScaled = 1e-36
