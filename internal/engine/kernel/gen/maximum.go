package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// maximum returns the maximum of numbers, and whether all are finite. VMAXPS can lose NaN, so NaN
// is recorded separately.
func maximum() {
	TEXT(name("maximum"), NOSPLIT, "func(n int, x *float32) (maximum float32, nonFinite float32)")
	Doc(name("maximum") + " returns the maximum of x[n], which is NaN if x has a NaN, and the sum of x[i] * 0, which is 0 if all of x is finite. n is a positive multiple of 16.")
	Pragma("noescape")
	n, x := param("n"), param("x")
	most, zeros, none := registers(halves()), registers(halves()), registers(halves())
	zero := register()
	clear(zero)
	for i, m := range most {
		VMOVUPS(Mem{Base: x, Disp: 4 * lane * i}, m)
		clear(zeros[i], none[i])
	}
	Label("loop")
	for i, m := range most {
		v := register()
		VMOVUPS(Mem{Base: x, Disp: 4 * lane * i}, v)
		VMAXPS(v, m, m)
		VFMADD231PS(v, zero, zeros[i])
		VORPS(unordered(v), none[i], none[i])
	}
	ADDQ(Imm(panelSize), x)
	SUBQ(Imm(panel), n)
	JG(LabelRef("loop"))
	m := fold(most, maximumOf)
	VORPS(fold(none, or), m, m) // all bits set are a NaN
	Store(m, ReturnIndex(0))
	Store(fold(zeros, addPS), ReturnIndex(1))
	VZEROUPPER()
	RET()
}

// unordered returns a register that has all bits set where v is NaN.
func unordered(v reg.VecVirtual) reg.VecVirtual {
	mask := register()
	if lane == 16 {
		k := K()
		VCMPPS(Imm(3), v, v, k)
		VPMOVM2D(k, mask)
	} else {
		VCMPPS(Imm(3), v, v, mask)
	}
	return mask
}
