package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tile computes C[n][16] (+)= A[n][k] * B[k][16] for consecutive tiles of n rows.
func tile(n int) {
	TEXT(name(fmt.Sprintf("tile%d", n)), NOSPLIT, "func(tiles int, k int, a *float32, lda int, b *float32, next *float32, c *float32, ldc int, add int)")
	Doc(fmt.Sprintf("%s computes C[%d][16] (+)= A[%d][k] * B[k][16] for consecutive tiles. lda and ldc are in numbers. It prefetches the k*16 numbers at next.", name(fmt.Sprintf("tile%d", n)), n, n))
	Pragma("noescape")
	start, out := param("a"), param("c")
	lda, ldc := param("lda"), param("ldc")
	SHLQ(Imm(2), lda)
	SHLQ(Imm(2), ldc)
	Label("tile")
	sums := registers(halves() * n)
	add := param("add")
	TESTQ(add, add)
	JNZ(LabelRef("load"))
	clear(sums...)
	JMP(LabelRef("start"))
	Label("load")
	eachOutput(out, ldc, sums, func(sum reg.VecVirtual, c Mem) { VMOVUPS(c, sum) })
	Label("start")
	k, b, next := param("k"), param("b"), param("next")
	from := GP64()
	MOVQ(start, from)
	a := newRows(from, lda, n)
	loopK(k, func(u int) {
		w := registers(halves())
		for h := range w {
			VMOVUPS(Mem{Base: b, Disp: u*panelSize + 4*lane*h}, w[h])
		}
		PREFETCHT1(Mem{Base: next, Disp: u * panelSize})
		for i := range n {
			if lane == 16 {
				VFMADD231PS_BCST(a.at(i, 4*u), w[0], sums[i])
				continue
			}
			x := YMM()
			VBROADCASTSS(a.at(i, 4*u), x)
			for h := range w {
				VFMADD231PS(w[h], x, sums[halves()*i+h])
			}
		}
	}, func(steps int) {
		a.advance(uint64(4 * steps))
		ADDQ(U32(uint32(steps*panelSize)), b)
		ADDQ(U32(uint32(steps*panelSize)), next)
	})
	eachOutput(out, ldc, sums, func(sum reg.VecVirtual, c Mem) { VMOVUPS(sum, c) })
	for range n {
		ADDQ(lda, start)
		ADDQ(ldc, out)
	}
	tiles := param("tiles")
	DECQ(tiles)
	Store(tiles, Param("tiles"))
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// eachOutput calls do for each register of sums, and the memory that it has in the rows at c.
func eachOutput(c, ldc reg.GPVirtual, sums []reg.VecVirtual, do func(sum reg.VecVirtual, c Mem)) {
	row := GP64()
	MOVQ(c, row)
	for i, s := range sums {
		if i > 0 && i%halves() == 0 {
			ADDQ(ldc, row)
		}
		do(s, Mem{Base: row, Disp: 4 * lane * (i % halves())})
	}
}

// wide multiplies one row by four panels, so that enough sums are independent of each other.
func wide() {
	TEXT(name("wide"), NOSPLIT, "func(k int, a *float32, b *float32, stride int, c *float32, add int)")
	Doc(name("wide") + " computes c[64] (+)= a[k] * B[4][k][16]. stride is the distance between panels in numbers.")
	Pragma("noescape")
	k, a, c, add := param("k"), param("a"), param("c"), param("add")
	stride := param("stride")
	SHLQ(Imm(2), stride)
	b := newRows(param("b"), stride, 4)
	sums := registers(4 * halves())
	TESTQ(add, add)
	JNZ(LabelRef("load"))
	clear(sums...)
	JMP(LabelRef("start"))
	Label("load")
	for i, s := range sums {
		VMOVUPS(Mem{Base: c, Disp: 4 * lane * i}, s)
	}
	Label("start")
	loopK(k, func(u int) {
		x := register()
		VBROADCASTSS(Mem{Base: a, Disp: 4 * u}, x)
		for i, s := range sums {
			VFMADD231PS(b.at(i/halves(), u*panelSize+4*lane*(i%halves())), x, s)
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
