package main

import (
	"strconv"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The constants of expCore and geluMul in package kernel.
var (
	expLow, expHigh = float32(-87.33654), float32(88)
	log2E           = float32(1.4426950408889634)
	ln2High, ln2Low = float32(0.693359375), float32(-2.12194440e-4)
	geluFactor      = float32(-1.5957691216057308) // -2 sqrt(2/pi)
	geluCube        = float32(0.044715)
	expPolynomial   = []float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}
)

// expRegister replaces x by e^x. VMAXPS and VMINPS return their last source if one is NaN, so the
// last source must be x.
func expRegister(x reg.VecVirtual, data table) {
	n := register()
	data.load("low", n)
	VMAXPS(x, n, x)
	data.load("high", n)
	VMINPS(x, n, x)
	expCore(x, data)
}

// expCore is expRegister for numbers between the limits.
func expCore(x reg.VecVirtual, data table) {
	n := register()
	data.mul("log2e", x, n)
	roundToEven(n, n)
	data.fnma231("ln2high", n, x)
	data.fnma231("ln2low", n, x)
	y := polynomial(x, "p", len(expPolynomial), data)
	square := register()
	VMULPS(x, x, square)
	VFMADD213PS(x, square, y) // y*x² + x
	data.add("one", y, y)
	VCVTPS2DQ(n, n)
	VPSLLD(Imm(23), n, n)
	VPADDD(n, y, x)
}

// polynomial returns the polynomial in x whose coefficients are the constants name0, name1 and so
// on, the highest power first.
func polynomial(x reg.VecVirtual, name string, coefficients int, data table) reg.VecVirtual {
	y := register()
	data.load(name+"0", y)
	for i := 1; i < coefficients; i++ {
		data.fma213(name+strconv.Itoa(i), x, y)
	}
	return y
}

// exp computes dst = e^(src - shift).
func exp(data table) {
	TEXT(name("exp"), NOSPLIT, "func(n int, dst *float32, src *float32, shift float32)")
	Doc(name("exp") + " is genericExp. n is a positive multiple of " + strconv.Itoa(lane) + ".")
	Pragma("noescape")
	n, dst, src := param("n"), param("dst"), param("src")
	shift := register()
	VBROADCASTSS(NewParamAddr("shift", 24), shift)
	Label("loop")
	x := register()
	VMOVUPS(Mem{Base: src}, x)
	VSUBPS(shift, x, x)
	expRegister(x, data)
	VMOVUPS(x, Mem{Base: dst})
	next(n, dst, src)
}

// next advances the pointers by one register. It returns from the function if no numbers are left,
// and otherwise jumps to the label loop.
func next(n reg.GPVirtual, pointers ...reg.GPVirtual) {
	for _, p := range pointers {
		ADDQ(Imm(uint64(4*lane)), p)
	}
	SUBQ(Imm(uint64(lane)), n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// gatedMul computes dst = gate / (1 + e^x) * up. exponent computes x from gate.
func gatedMul(function string, data table, exponent func(gate, x reg.VecVirtual)) {
	TEXT(name(function+"Mul"), NOSPLIT, "func(n int, dst *float32, gate *float32, up *float32)")
	Doc(name(function+"Mul") + " is generic" + strings.ToUpper(function[:1]) + function[1:] + "Mul. n is a positive multiple of " + strconv.Itoa(lane) + ".")
	Pragma("noescape")
	n, dst, gate, up := param("n"), param("dst"), param("gate"), param("up")
	Label("loop")
	g, x := register(), register()
	VMOVUPS(Mem{Base: gate}, g)
	exponent(g, x)
	expRegister(x, data)
	data.add("one", x, x)
	VDIVPS(x, g, g)
	VMULPS(Mem{Base: up}, g, g)
	VMOVUPS(g, Mem{Base: dst})
	next(n, gate, up, dst)
}

func siluMul(data table) {
	gatedMul("silu", data, func(gate, x reg.VecVirtual) {
		clear(x)
		VSUBPS(gate, x, x)
	})
}

// geluMul uses the exponent -2 sqrt(2/pi) (gate + 0.044715 gate³).
func geluMul(data table) {
	gatedMul("gelu", data, func(gate, x reg.VecVirtual) {
		VMULPS(gate, gate, x)
		data.mul("gelu3", x, x)
		data.add("gelu1", x, x)
		VMULPS(gate, x, x)
	})
}
