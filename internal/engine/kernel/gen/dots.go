package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// dots multiplies n rows by two, with eight sums for each product. It prefetches the next two rows
// of B, which follow in memory.
func dots(n int) {
	TEXT(name(fmt.Sprintf("dots%d", n)), NOSPLIT, "func(k int, a *float32, lda int, b *float32, stride int, c *float32, ldc int)")
	Doc(fmt.Sprintf("dots%dAVX2 computes C[%d][2] = A[%d][k] * B[2][k]. B is [k/16][2][16], and stride is the distance between consecutive k/16 in numbers. k is a positive multiple of 16.", n, n, n))
	Pragma("noescape")
	k, b, stride := param("k"), param("b"), param("stride")
	lda, ldc := param("lda"), param("ldc")
	for _, numbers := range []Op{lda, ldc, stride} {
		SHLQ(Imm(2), numbers)
	}
	a, c := newRows(param("a"), lda, n), newRows(param("c"), ldc, n)
	sums := registers(2 * n)
	for _, s := range sums {
		VXORPS(s, s, s)
	}
	Label("loop")
	PREFETCHT0(Mem{Base: b, Disp: 2 * panelSize})
	PREFETCHT0(Mem{Base: b, Disp: 3 * panelSize})
	for at := 0; at < panelSize; at += 4 * lane {
		b0, b1, x := YMM(), YMM(), YMM()
		VMOVUPS(Mem{Base: b, Disp: at}, b0)
		VMOVUPS(Mem{Base: b, Disp: panelSize + at}, b1)
		for i := range n {
			VMOVUPS(a.at(i, at), x)
			VFMADD231PS(b0, x, sums[2*i])
			VFMADD231PS(b1, x, sums[2*i+1])
		}
	}
	a.advance(panelSize)
	ADDQ(stride, b)
	SUBQ(Imm(panel), k)
	JNZ(LabelRef("loop"))
	for i := 0; i < n; i += 2 {
		// Add neighbors of the sums of two rows twice, and then the halves.
		last := min(i+1, n-1)
		VHADDPS(sums[2*i+1], sums[2*i], sums[2*i])
		if last > i {
			VHADDPS(sums[2*last+1], sums[2*last], sums[2*last])
		}
		VHADDPS(sums[2*last], sums[2*i], sums[2*i])
		half := XMM()
		VEXTRACTF128(Imm(1), sums[2*i], half)
		VADDPS(half, sums[2*i].AsX(), half)
		VMOVLPS(half, c.at(i, 0))
		if last > i {
			VMOVHPS(half, c.at(last, 0))
		}
	}
	VZEROUPPER()
	RET()
}
