package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// layerNorm generates the sum, the sum of the squares of the deviations, and the normalization.
func layerNorm() {
	TEXT("sum16", NOSPLIT, "func(n int, x *float32) float32")
	Doc("sum16 is genericSum. n is a positive multiple of 16.")
	Pragma("noescape")
	reduce(func(v, sum reg.VecVirtual) { VADDPS(v, sum, sum) })

	TEXT("deviations16", NOSPLIT, "func(n int, x *float32, mean float32) float32")
	Doc("deviations16 is genericDeviations. n is a positive multiple of 16.")
	Pragma("noescape")
	mean := YMM()
	VBROADCASTSS(NewParamAddr("mean", 16), mean)
	reduce(func(v, sum reg.VecVirtual) {
		VSUBPS(mean, v, v)
		VFMADD231PS(v, v, sum)
	})

	TEXT("normalize16", NOSPLIT, "func(n int, dst *float32, x *float32, mean float32, scale float32, weight *float32, bias *float32)")
	Doc("normalize16 is genericNormalize. n is a positive multiple of 16.")
	Pragma("noescape")
	n, dst, x, weight, bias := param("n"), param("dst"), param("x"), param("weight"), param("bias")
	m, scale := YMM(), YMM()
	VBROADCASTSS(NewParamAddr("mean", 24), m)
	VBROADCASTSS(NewParamAddr("scale", 28), scale)
	Label("loop")
	for at := 0; at < panelSize; at += 4 * lane {
		v, b := YMM(), YMM()
		VMOVUPS(Mem{Base: x, Disp: at}, v)
		VSUBPS(m, v, v)
		VMULPS(scale, v, v)
		VMOVUPS(Mem{Base: bias, Disp: at}, b)
		VFMADD231PS(Mem{Base: weight, Disp: at}, v, b)
		VMOVUPS(b, Mem{Base: dst, Disp: at})
	}
	for _, p := range []reg.GPVirtual{dst, x, weight, bias} {
		ADDQ(Imm(panelSize), p)
	}
	SUBQ(Imm(panel), n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// reduce generates a loop over x[n], which adds to sixteen sums, and returns them added by halves.
func reduce(add func(v, sum reg.VecVirtual)) {
	n, x := param("n"), param("x")
	sums := registers(2)
	for _, s := range sums {
		VXORPS(s, s, s)
	}
	Label("loop")
	for i, s := range sums {
		v := YMM()
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
