package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The constants of expOne in package kernel.
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
func expRegister(x reg.VecVirtual, data expTable) {
	n := YMM()
	VMOVUPS(data.at("low"), n)
	VMAXPS(x, n, x)
	VMOVUPS(data.at("high"), n)
	VMINPS(x, n, x)
	expCore(x, data)
}

// expCore is expRegister for numbers between the limits.
func expCore(x reg.VecVirtual, data expTable) {
	n := YMM()
	VMULPS(data.at("log2e"), x, n)
	VROUNDPS(Imm(0), n, n) // to nearest
	VFNMADD231PS(data.at("ln2high"), n, x)
	VFNMADD231PS(data.at("ln2low"), n, x)
	y := YMM()
	VMOVUPS(data.at("p0"), y)
	for i := 1; i < len(expPolynomial); i++ {
		VFMADD213PS(data.at(fmt.Sprintf("p%d", i)), x, y)
	}
	square := YMM()
	VMULPS(x, x, square)
	VFMADD213PS(x, square, y) // y*x² + x
	VADDPS(data.at("one"), y, y)
	VCVTPS2DQ(n, n)
	VPSLLD(Imm(23), n, n)
	VPADDD(n, y, x)
}

// expTable is the constants in memory, each repeated in all eight lanes.
type expTable struct {
	memory  Mem
	offsets map[string]int
}

func newExpTable() expTable {
	t := expTable{GLOBL("expConstants", RODATA|NOPTR), map[string]int{}}
	add := func(name string, f float32) {
		offset := 4 * lane * len(t.offsets)
		t.offsets[name] = offset
		for i := range lane {
			DATA(offset+4*i, U32(math.Float32bits(f)))
		}
	}
	add("low", expLow)
	add("high", expHigh)
	add("log2e", log2E)
	add("ln2high", ln2High)
	add("ln2low", ln2Low)
	for i, f := range expPolynomial {
		add(fmt.Sprintf("p%d", i), f)
	}
	add("one", 1)
	add("gelu1", geluFactor)
	add("gelu3", geluFactor*geluCube)
	add("minusHalf", -.5)
	add("magnitude", math.Float32frombits(1<<31-1))
	add("geluLimit", geluLimit)
	for i, f := range geluUpper {
		add(fmt.Sprintf("upper%d", i), f)
	}
	for i, f := range geluLower {
		add(fmt.Sprintf("lower%d", i), f)
	}
	return t
}

func (t expTable) at(name string) Mem { return t.memory.Offset(t.offsets[name]) }

// exp computes dst = e^(src - shift).
func exp(data expTable) {
	TEXT("exp8", NOSPLIT, "func(n int, dst *float32, src *float32, shift float32)")
	Doc("exp8 computes dst[i] = e^(src[i] - shift); n is a positive multiple of 8.")
	Pragma("noescape")
	n, dst, src := param("n"), param("dst"), param("src")
	shift := YMM()
	VBROADCASTSS(NewParamAddr("shift", 24), shift)
	Label("loop")
	x := YMM()
	VMOVUPS(Mem{Base: src}, x)
	VSUBPS(shift, x, x)
	expRegister(x, data)
	VMOVUPS(x, Mem{Base: dst})
	ADDQ(Imm(4*lane), src)
	ADDQ(Imm(4*lane), dst)
	SUBQ(Imm(lane), n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// gatedMul computes dst = gate / (1 + e^x) * up. exponent computes x from gate.
func gatedMul(name, doc string, data expTable, exponent func(gate, x reg.VecVirtual)) {
	TEXT(name, NOSPLIT, "func(n int, dst *float32, gate *float32, up *float32)")
	Doc(doc)
	Pragma("noescape")
	n, dst, gate, up := param("n"), param("dst"), param("gate"), param("up")
	Label("loop")
	g, x := YMM(), YMM()
	VMOVUPS(Mem{Base: gate}, g)
	exponent(g, x)
	expRegister(x, data)
	VADDPS(data.at("one"), x, x)
	VDIVPS(x, g, g)
	VMULPS(Mem{Base: up}, g, g)
	VMOVUPS(g, Mem{Base: dst})
	for _, p := range []reg.GPVirtual{gate, up, dst} {
		ADDQ(Imm(4*lane), p)
	}
	SUBQ(Imm(lane), n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

func siluMul(data expTable) {
	gatedMul("siluMul8", "siluMul8 computes dst[i] = gate[i] / (1 + e^-gate[i]) * up[i]. n is a positive multiple of 8.", data,
		func(gate, x reg.VecVirtual) {
			VXORPS(x, x, x)
			VSUBPS(gate, x, x)
		})
}

// geluMul uses the exponent -2 sqrt(2/pi) (gate + 0.044715 gate³).
func geluMul(data expTable) {
	gatedMul("geluMul8", "geluMul8 computes dst[i] = gelu(gate[i]) * up[i] with the tanh approximation. n is a positive multiple of 8.", data,
		func(gate, x reg.VecVirtual) {
			VMULPS(gate, gate, x)
			VMULPS(data.at("gelu3"), x, x)
			VADDPS(data.at("gelu1"), x, x)
			VMULPS(gate, x, x)
		})
}

// fold combines the lanes of two registers to one number by halves.
func fold(v []reg.VecVirtual, combine func(ops ...Op)) reg.VecVirtual {
	combine(v[1], v[0], v[0])
	h, t := XMM(), XMM()
	VEXTRACTF128(Imm(1), v[0], h)
	combine(h, v[0].AsX(), h)
	VPSHUFD(Imm(0x4e), h, t)
	combine(t, h, h)
	VPSHUFD(Imm(0xb1), h, t)
	combine(t, h, h)
	return h
}

func addPS(ops ...Op)     { VADDPS(ops[0], ops[1], ops[2]) }
func maximumOf(ops ...Op) { VMAXPS(ops[0], ops[1], ops[2]) }
func or(ops ...Op)        { VORPS(ops[0], ops[1], ops[2]) }

// rmsNorm generates the sum of squares, and the product with a scale and weights.
func rmsNorm() {
	TEXT("squares16", NOSPLIT, "func(n int, x *float32) float32")
	Doc("squares16 returns the sum of x[i]². It has sixteen partial sums, one for each i modulo 16, and adds them by halves. n is a positive multiple of 16.")
	Pragma("noescape")
	n, x := param("n"), param("x")
	sums := registers(2)
	for _, s := range sums {
		VXORPS(s, s, s)
	}
	Label("loop")
	for i, s := range sums {
		v := YMM()
		VMOVUPS(Mem{Base: x, Disp: 32 * i}, v)
		VFMADD231PS(v, v, s)
	}
	ADDQ(Imm(64), x)
	SUBQ(Imm(16), n)
	JG(LabelRef("loop"))
	Store(fold(sums, addPS), ReturnIndex(0))
	VZEROUPPER()
	RET()

	TEXT("scale8", NOSPLIT, "func(n int, dst *float32, x *float32, scale float32, weight *float32)")
	Doc("scale8 computes dst[i] = x[i] * scale * weight[i]. n is a positive multiple of 8.")
	Pragma("noescape")
	n, dst, src, weight := param("n"), param("dst"), param("x"), param("weight")
	scale := YMM()
	VBROADCASTSS(NewParamAddr("scale", 24), scale)
	Label("loop")
	v := YMM()
	VMULPS(Mem{Base: src}, scale, v)
	VMULPS(Mem{Base: weight}, v, v)
	VMOVUPS(v, Mem{Base: dst})
	for _, p := range []reg.GPVirtual{dst, src, weight} {
		ADDQ(Imm(4*lane), p)
	}
	SUBQ(Imm(lane), n)
	JG(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// maximum returns the maximum of numbers, and whether all are finite. VMAXPS can lose NaN, so NaN
// is recorded separately.
func maximum() {
	TEXT("maximum16", NOSPLIT, "func(n int, x *float32) (maximum float32, nonFinite float32)")
	Doc("maximum16 returns the maximum of x[n], which is NaN if x has a NaN, and the sum of x[i] * 0, which is 0 if all of x is finite. n is a positive multiple of 16.")
	Pragma("noescape")
	n, x := param("n"), param("x")
	most, zeros, none := registers(2), registers(2), registers(2)
	zero := YMM()
	VXORPS(zero, zero, zero)
	for i, m := range most {
		VMOVUPS(Mem{Base: x, Disp: 32 * i}, m)
		VXORPS(zeros[i], zeros[i], zeros[i])
		VXORPS(none[i], none[i], none[i])
	}
	Label("loop")
	for i, m := range most {
		v, unordered := YMM(), YMM()
		VMOVUPS(Mem{Base: x, Disp: 32 * i}, v)
		VMAXPS(v, m, m)
		VFMADD231PS(v, zero, zeros[i])
		VCMPPS(Imm(3), v, v, unordered)
		VORPS(unordered, none[i], none[i])
	}
	ADDQ(Imm(64), x)
	SUBQ(Imm(16), n)
	JG(LabelRef("loop"))
	m := fold(most, maximumOf)
	VORPS(fold(none, or), m, m) // all bits set are a NaN
	Store(m, ReturnIndex(0))
	Store(fold(zeros, addPS), ReturnIndex(1))
	VZEROUPPER()
	RET()
}
