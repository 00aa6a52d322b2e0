package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// softmax processes a row in three passes over its panels: the maximum, the powers and their sum,
// and the product with the inverse of the sum.
func softmax(data table) {
	indices := GLOBL(name("indices"), RODATA|NOPTR)
	for i := range panel {
		DATA(4*i, U32(uint32(i)))
	}
	TEXT(name("softmax"), NOSPLIT, "func(n int, scores *float32, width int, first int, last int)")
	Doc(name("softmax") + " is genericSoftmax.")
	Pragma("noescape")
	n, row, width := param("n"), param("scores"), param("width")
	first, last := param("first"), param("last")
	DECQ(first) // an index is above first and below last
	below, above, step, low := register(), register(), register(), register()
	broadcast(first, below)
	broadcast(last, above)
	broadcast(constant(panel), step)
	minimum := GP64()
	MOVQ(U32(0xff800000), minimum) // -Inf
	broadcast(minimum, low)
	index, most, none, sums := registers(halves()), registers(halves()), registers(halves()), registers(halves())
	each := func(label string, do func(h int, x reg.VecVirtual, at Mem)) {
		p, left := GP64(), GP64()
		MOVQ(row, p)
		MOVQ(width, left)
		for h, r := range index {
			VMOVUPS(indices.Offset(4*lane*h), r)
		}
		Label(label)
		for h := range halves() {
			at := Mem{Base: p, Disp: 4 * lane * h}
			x := register()
			VMOVUPS(at, x)
			do(h, x, at)
		}
		for _, r := range index {
			VPADDD(step, r, r)
		}
		ADDQ(Imm(panelSize), p)
		SUBQ(Imm(panel), left)
		JNZ(LabelRef(label))
	}

	Label("row")
	for h, m := range most {
		VMOVAPS(low, m)
		clear(none[h], sums[h])
	}
	each("maximum", func(h int, x reg.VecVirtual, _ Mem) {
		inside, outside := between(index[h], below, above), register()
		VANDPS(inside, x, x)
		VANDNPS(low, inside, outside)
		VORPS(outside, x, x)
		VMAXPS(x, most[h], most[h])
		VORPS(unordered(x), none[h], none[h])
	})
	m := fold(most, maximumOf)
	VORPS(fold(none, or), m, m) // all bits set are a NaN
	maximum := register()
	VBROADCASTSS(m.AsX(), maximum)
	each("powers", func(h int, x reg.VecVirtual, at Mem) {
		VSUBPS(maximum, x, x)
		expRegister(x, data)
		VANDPS(between(index[h], below, above), x, x)
		VMOVUPS(x, at)
		VADDPS(x, sums[h], sums[h])
	})
	sum, scale := fold(sums, addPS), register()
	one := XMM()
	VMOVSS(data.at("one"), one)
	VDIVSS(sum.AsX(), one, one)
	VBROADCASTSS(one, scale)
	each("scale", func(_ int, x reg.VecVirtual, at Mem) {
		VMULPS(scale, x, x)
		VMOVUPS(x, at)
	})
	LEAQ(Mem{Base: row, Index: width, Scale: 4}, row)
	DECQ(n)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// add computes dst += x.
func add() {
	TEXT(name("add"), NOSPLIT, "func(n int, dst *float32, x *float32)")
	Doc(name("add") + " is genericAdd. n is a positive multiple of 16.")
	Pragma("noescape")
	n, dst, x := param("n"), param("dst"), param("x")
	Label("loop")
	v := register()
	VMOVUPS(Mem{Base: x}, v)
	VADDPS(Mem{Base: dst}, v, v)
	VMOVUPS(v, Mem{Base: dst})
	next(n, dst, x)
}

func constant(n int) reg.GPVirtual {
	r := GP64()
	MOVQ(U32(uint32(n)), r)
	return r
}

// broadcast sets all lanes to the low 32 bits of n.
func broadcast(n reg.GPVirtual, dst reg.VecVirtual) {
	x := XMM()
	VMOVD(n.As32(), x)
	VPBROADCASTD(x, dst)
}

// between returns a register that has all bits set where an index is above below and below above.
func between(index, below, above reg.VecVirtual) reg.VecVirtual {
	mask := register()
	if lane == 16 {
		k, l := K(), K()
		VPCMPGTD(below, index, k)
		VPCMPGTD(index, above, l)
		KANDW(k, l, k)
		VPMOVM2D(k, mask)
		return mask
	}
	t := YMM()
	VPCMPGTD(below, index, mask)
	VPCMPGTD(index, above, t)
	VPAND(t, mask, mask)
	return mask
}
