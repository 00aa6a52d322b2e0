package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// Weights of 8 bits lie as [k/4][16][4]: 64 bytes hold four inputs of a panel.
const group = 4 * panel

// ones is 1 in each 16-bit lane.
func ones() Mem {
	m := GLOBL("ones", RODATA|NOPTR)
	for i := range lane {
		DATA(4*i, U32(0x10001))
	}
	return m
}

// tileInt8: C[n][16] (+)= (A[n][k] * B[k][16] - bias[16]) * rowScale[n] * scale[16],
// for one tile of n rows after another.
//
// The products of a pair of neighbours fit into 16 bits, and so does the sum of
// two pairs, because the weights are made for it (see quantizeRow): one
// vpmaddwd then widens two vpmaddubsw. There is no register left for one.
func tileInt8(n int, one Mem) {
	TEXT(fmt.Sprintf("tileInt8x%d", n), NOSPLIT, "func(tiles int, k int, a *uint8, lda int, b *int8, c *float32, ldc int, rowScale *float32, scale *float32, bias *int32, add int)")
	Doc(fmt.Sprintf("tileInt8x%d computes C[%d][16] (+)= (A[%d][k] * B[k][16] - bias[16]) * rowScale[%d] * scale[16] for one tile after another; k is a multiple of 8.", n, n, n, n))
	Pragma("noescape")
	tiles, lda, ldc := param("tiles"), param("lda"), param("ldc")
	start, c, rowScale := param("a"), param("c"), param("rowScale")
	SHLQ(Imm(2), ldc)
	Label("tile")
	k, b := param("k"), param("b")
	from := GP64()
	MOVQ(start, from)
	a := newRows(from, lda, n)
	sums := registers(2 * n)
	for _, s := range sums {
		VPXOR(s, s, s)
	}
	Label("loop")
	w := registers(4)
	for i := range w {
		VMOVDQU(Mem{Base: b, Disp: 32 * i}, w[i])
	}
	for i := range n {
		x, y, s := YMM(), YMM(), YMM()
		VPBROADCASTD(a.at(i, 0), x)
		VPMADDUBSW(w[0], x, s)
		VPMADDUBSW(w[1], x, x)
		VPBROADCASTD(a.at(i, 4), y)
		z := YMM()
		VPMADDUBSW(w[2], y, z)
		VPADDW(z, s, s)
		VPMADDUBSW(w[3], y, y)
		VPADDW(y, x, x)
		VPMADDWD(one, s, s)
		VPADDD(s, sums[2*i], sums[2*i])
		VPMADDWD(one, x, x)
		VPADDD(x, sums[2*i+1], sums[2*i+1])
	}
	a.advance(8)
	ADDQ(U32(2*group), b)
	SUBQ(Imm(8), k)
	JG(LabelRef("loop"))

	// The bias comes off, the sums are scaled, and stored or added to C.
	scale, bias, add := param("scale"), param("bias"), param("add")
	scales, biases := registers(2), registers(2)
	for h := range 2 {
		VMOVUPS(Mem{Base: scale, Disp: 32 * h}, scales[h])
		VMOVDQU(Mem{Base: bias, Disp: 32 * h}, biases[h])
	}
	for i := range n {
		r := YMM()
		VBROADCASTSS(Mem{Base: rowScale, Disp: 4 * i}, r)
		for h := range 2 {
			s, t := sums[2*i+h], YMM()
			VPSUBD(biases[h], s, s)
			VCVTDQ2PS(s, s)
			VMULPS(scales[h], r, t)
			VMULPS(t, s, s)
		}
	}
	TESTQ(add, add)
	JZ(LabelRef("store"))
	out := GP64()
	MOVQ(c, out)
	for i := range n {
		for h := range 2 {
			VADDPS(Mem{Base: out, Disp: 32 * h}, sums[2*i+h], sums[2*i+h])
		}
		ADDQ(ldc, out)
	}
	Label("store")
	for i := range n {
		for h := range 2 {
			VMOVUPS(sums[2*i+h], Mem{Base: c, Disp: 32 * h})
		}
		ADDQ(ldc, c)
	}
	for range n {
		ADDQ(lda, start)
	}
	ADDQ(U32(uint32(4*n)), rowScale)
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// wideInt8: one row by four panels; at one row the weights' way from memory
// takes the time.
func wideInt8(one Mem) {
	TEXT("wideInt8", NOSPLIT, "func(k int, a *uint8, b *int8, stride int, c *float32, rowScale float32, scale *float32, bias *int32, add int)")
	Doc("wideInt8 computes c[64] (+)= (a[k] * B[4][k][16] - bias[64]) * rowScale * scale[64]; stride is from panel to panel, in bytes, k a multiple of 8.")
	Pragma("noescape")
	k, a, stride := param("k"), param("a"), param("stride")
	b := newRows(param("b"), stride, 4)
	sums := registers(8)
	for _, s := range sums {
		VPXOR(s, s, s)
	}
	Label("loop")
	x, y := YMM(), YMM()
	VPBROADCASTD(Mem{Base: a}, x)
	VPBROADCASTD(Mem{Base: a, Disp: 4}, y)
	for i := range sums {
		s, z := YMM(), YMM()
		VPMADDUBSW(b.at(i/2, 32*(i%2)), x, s)
		VPMADDUBSW(b.at(i/2, 32*(i%2)+group), y, z)
		VPADDW(z, s, s)
		VPMADDWD(one, s, s)
		VPADDD(s, sums[i], sums[i])
	}
	ADDQ(Imm(8), a)
	b.advance(2 * group)
	SUBQ(Imm(8), k)
	JG(LabelRef("loop"))

	c, scale, bias, add := param("c"), param("scale"), param("bias"), param("add")
	r := YMM()
	VBROADCASTSS(NewParamAddr("rowScale", 40), r)
	for i, s := range sums {
		t := YMM()
		VPSUBD(Mem{Base: bias, Disp: 32 * i}, s, s)
		VCVTDQ2PS(s, s)
		VMULPS(Mem{Base: scale, Disp: 32 * i}, r, t)
		VMULPS(t, s, s)
	}
	TESTQ(add, add)
	JZ(LabelRef("store"))
	for i, s := range sums {
		VADDPS(Mem{Base: c, Disp: 32 * i}, s, s)
	}
	Label("store")
	for i, s := range sums {
		VMOVUPS(s, Mem{Base: c, Disp: 32 * i})
	}
	VZEROUPPER()
	RET()
}

// quantize: dst = round(src * 127 / greatest) + 128 for one row.
func quantize() {
	order := GLOBL("packOrder", RODATA|NOPTR)
	for i, v := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
		DATA(4*i, U32(v))
	}

	TEXT("greatest32", NOSPLIT, "func(n int, x *float32) float32")
	Doc("greatest32 gives the greatest magnitude of x[n]; n is a positive multiple of 32.")
	Pragma("noescape")
	n, x := param("n"), param("x")
	mask := YMM()
	VPCMPEQD(mask, mask, mask)
	VPSRLD(Imm(1), mask, mask)
	most := registers(4)
	for _, m := range most {
		VXORPS(m, m, m)
	}
	Label("loop")
	for i, m := range most {
		v := YMM()
		VANDPS(Mem{Base: x, Disp: 32 * i}, mask, v)
		VMAXPS(v, m, m)
	}
	ADDQ(U32(128), x)
	SUBQ(Imm(32), n)
	JG(LabelRef("loop"))
	VMAXPS(most[1], most[0], most[0])
	VMAXPS(most[3], most[2], most[2])
	VMAXPS(most[2], most[0], most[0])
	h, t := XMM(), XMM()
	VEXTRACTF128(Imm(1), most[0], h)
	VMAXPS(h, most[0].AsX(), h)
	VPSHUFD(Imm(0x4e), h, t)
	VMAXPS(t, h, h)
	VPSHUFD(Imm(0xb1), h, t)
	VMAXPS(t, h, h)
	Store(h, ReturnIndex(0))
	VZEROUPPER()
	RET()

	TEXT("quantize32", NOSPLIT, "func(n int, dst *uint8, src *float32, factor float32)")
	Doc("quantize32 computes dst[i] = round(src[i] * factor) + 128, of equals the even one; n is a positive multiple of 32.")
	Pragma("noescape")
	n, dst, src := param("n"), param("dst"), param("src")
	factor, middle, permutation := YMM(), YMM(), YMM()
	VBROADCASTSS(NewParamAddr("factor", 24), factor)
	VMOVDQU(order, permutation)
	VPCMPEQW(middle, middle, middle)
	VPSLLW(Imm(7), middle, middle)
	VPACKSSWB(middle, middle, middle) // 0x80 in each byte, which as a sign adds 128
	Label("loop")
	v := registers(4)
	for i, r := range v {
		VMULPS(Mem{Base: src, Disp: 32 * i}, factor, r)
		VCVTPS2DQ(r, r)
	}
	VPACKSSDW(v[1], v[0], v[0])
	VPACKSSDW(v[3], v[2], v[2])
	VPACKSSWB(v[2], v[0], v[0])
	VPERMD(v[0], permutation, v[0])
	VPXOR(middle, v[0], v[0])
	VMOVDQU(v[0], Mem{Base: dst})
	ADDQ(U32(128), src)
	ADDQ(Imm(32), dst)
	SUBQ(Imm(32), n)
	JG(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
