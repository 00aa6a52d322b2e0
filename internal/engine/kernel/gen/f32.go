package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// tile computes C[n][16] (+)= A[n][k] * B[k][16] for consecutive tiles of n rows.
func tile(n int) {
	TEXT(fmt.Sprintf("tile%d", n), NOSPLIT, "func(tiles int, k int, a *float32, lda int, b *float32, next *float32, c *float32, ldc int, add int)")
	Doc(fmt.Sprintf("tile%d computes C[%d][16] (+)= A[%d][k] * B[k][16] for consecutive tiles. lda and ldc are in numbers. It prefetches the k*16 numbers at next.", n, n, n))
	Pragma("noescape")
	start, out, tiles := param("a"), param("c"), param("tiles")
	lda, ldc := param("lda"), param("ldc")
	SHLQ(Imm(2), lda)
	SHLQ(Imm(2), ldc)
	Label("tile")
	k, b, next, add := param("k"), param("b"), param("next"), param("add")
	from, to := GP64(), GP64()
	MOVQ(start, from)
	MOVQ(out, to)
	a, c := newRows(from, lda, n), newRows(to, ldc, n)
	sums := registers(2 * n)
	TESTQ(add, add)
	JNZ(LabelRef("load"))
	for _, s := range sums {
		VXORPS(s, s, s)
	}
	JMP(LabelRef("start"))
	Label("load")
	for i := range n {
		VMOVUPS(c.at(i, 0), sums[2*i])
		VMOVUPS(c.at(i, 4*lane), sums[2*i+1])
	}
	Label("start")
	loopK(k, func(u int) {
		b0, b1, x := YMM(), YMM(), YMM()
		VMOVUPS(Mem{Base: b, Disp: u * panelSize}, b0)
		VMOVUPS(Mem{Base: b, Disp: u*panelSize + 4*lane}, b1)
		PREFETCHT1(Mem{Base: next, Disp: u * panelSize})
		for i := range n {
			VBROADCASTSS(a.at(i, 4*u), x)
			VFMADD231PS(b0, x, sums[2*i])
			VFMADD231PS(b1, x, sums[2*i+1])
		}
	}, func(steps int) {
		a.advance(uint64(4 * steps))
		ADDQ(U32(uint32(steps*panelSize)), b)
		ADDQ(U32(uint32(steps*panelSize)), next)
	})
	for i := range n {
		VMOVUPS(sums[2*i], c.at(i, 0))
		VMOVUPS(sums[2*i+1], c.at(i, 4*lane))
	}
	for range n {
		ADDQ(lda, start)
		ADDQ(ldc, out)
	}
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// wide multiplies one row by four panels, so that enough sums are independent of each other.
func wide() {
	TEXT("wide", NOSPLIT, "func(k int, a *float32, b *float32, stride int, c *float32, add int)")
	Doc("wide computes c[64] (+)= a[k] * B[4][k][16]. stride is the distance between panels in numbers.")
	Pragma("noescape")
	k, a, c, add := param("k"), param("a"), param("c"), param("add")
	stride := param("stride")
	SHLQ(Imm(2), stride)
	b := newRows(param("b"), stride, 4)
	sums := registers(8)
	TESTQ(add, add)
	JNZ(LabelRef("load"))
	for _, s := range sums {
		VXORPS(s, s, s)
	}
	JMP(LabelRef("start"))
	Label("load")
	for i, s := range sums {
		VMOVUPS(Mem{Base: c, Disp: 4 * lane * i}, s)
	}
	Label("start")
	loopK(k, func(u int) {
		x := YMM()
		VBROADCASTSS(Mem{Base: a, Disp: 4 * u}, x)
		for p := range 4 {
			VFMADD231PS(b.at(p, u*panelSize), x, sums[2*p])
			VFMADD231PS(b.at(p, u*panelSize+4*lane), x, sums[2*p+1])
		}
	}, func(steps int) {
		ADDQ(Imm(uint64(4*steps)), a)
		b.advance(uint64(steps * panelSize))
	})
	for i, s := range sums {
		VMOVUPS(s, Mem{Base: c, Disp: 4 * lane * i})
	}
	VZEROUPPER()
	RET()
}
