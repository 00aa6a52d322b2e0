package main

import (
	"strconv"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rmsNorm generates the sum of squares, and the product with a scale and weights.
func rmsNorm() {
	TEXT(name("squares"), NOSPLIT, "func(n int, x *float32) float32")
	Doc(name("squares") + " is genericSquares. n is a positive multiple of 16.")
	Pragma("noescape")
	reduce(func(v, sum reg.VecVirtual) { VFMADD231PS(v, v, sum) })

	TEXT(name("scale"), NOSPLIT, "func(n int, dst *float32, x *float32, scale float32, weight *float32)")
	Doc(name("scale") + " is genericScale. n is a positive multiple of " + strconv.Itoa(lane) + ".")
	Pragma("noescape")
	n, dst, src, weight := param("n"), param("dst"), param("x"), param("weight")
	scale := register()
	VBROADCASTSS(NewParamAddr("scale", 24), scale)
	Label("loop")
	v := register()
	VMULPS(Mem{Base: src}, scale, v)
	VMULPS(Mem{Base: weight}, v, v)
	VMOVUPS(v, Mem{Base: dst})
	next(n, dst, src, weight)
}

// layerNorm generates the sum, the sum of the squares of the deviations, and the normalization.
func layerNorm() {
	TEXT(name("sum"), NOSPLIT, "func(n int, x *float32) float32")
	Doc(name("sum") + " is genericSum. n is a positive multiple of 16.")
	Pragma("noescape")
	reduce(func(v, sum reg.VecVirtual) { VADDPS(v, sum, sum) })

	TEXT(name("deviations"), NOSPLIT, "func(n int, x *float32, mean float32) float32")
	Doc(name("deviations") + " is genericDeviations. n is a positive multiple of 16.")
	Pragma("noescape")
	mean := register()
	VBROADCASTSS(NewParamAddr("mean", 16), mean)
	reduce(func(v, sum reg.VecVirtual) {
		VSUBPS(mean, v, v)
		VFMADD231PS(v, v, sum)
	})

	TEXT(name("normalize"), NOSPLIT, "func(n int, dst *float32, x *float32, mean float32, scale float32, weight *float32, bias *float32)")
	Doc(name("normalize") + " is genericNormalize. n is a positive multiple of " + strconv.Itoa(lane) + ".")
	Pragma("noescape")
	n, dst, x, weight, bias := param("n"), param("dst"), param("x"), param("weight"), param("bias")
	m, scale := register(), register()
	VBROADCASTSS(NewParamAddr("mean", 24), m)
	VBROADCASTSS(NewParamAddr("scale", 28), scale)
	Label("loop")
	v, b := register(), register()
	VMOVUPS(Mem{Base: x}, v)
	VSUBPS(m, v, v)
	VMULPS(scale, v, v)
	VMOVUPS(Mem{Base: bias}, b)
	VFMADD231PS(Mem{Base: weight}, v, b)
	VMOVUPS(b, Mem{Base: dst})
	next(n, dst, x, weight, bias)
}

// reduce generates a loop over x[n], which adds to sixteen sums, and returns them added by halves.
func reduce(add func(v, sum reg.VecVirtual)) {
	n, x := param("n"), param("x")
	sums := registers(halves())
	clear(sums...)
	Label("loop")
	for i, s := range sums {
		v := register()
		VMOVUPS(Mem{Base: x, Disp: 4 * lane * i}, v)
		add(v, s)
	}
	ADDQ(Imm(panelSize), x)
	SUBQ(Imm(panel), n)
	JNZ(LabelRef("loop"))
	Store(fold(sums, addPS), ReturnIndex(0))
	VZEROUPPER()
	RET()
}
