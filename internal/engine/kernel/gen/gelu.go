package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The constants of geluOne in package kernel.
var (
	geluLimit = float32(13.2)
	geluUpper = []float32{.004028641452048518, .040041457807821715, .18147734911483654, .43591777718342645, .5000000025222086}
	geluLower = []float32{.010098165570022515, .10037634489436346, .4648305524875527, 1.195194698213903, 1.6697204784989381, 1}
)

// gelu generates the exact gelu, and its product with a second vector.
func gelu(data expTable) {
	for _, gated := range []bool{false, true} {
		signature := "func(n int, dst *float32, x *float32)"
		name, doc := "gelu8", "gelu8 is genericGelu. n is a positive multiple of 8."
		if gated {
			signature = "func(n int, dst *float32, x *float32, up *float32)"
			name, doc = "gatedGelu8", "gatedGelu8 is genericGatedGelu. n is a positive multiple of 8."
		}
		TEXT(name, NOSPLIT, signature)
		Doc(doc)
		Pragma("noescape")
		n, dst, src := param("n"), param("dst"), param("x")
		pointers := []reg.GPVirtual{dst, src}
		if gated {
			pointers = append(pointers, param("up"))
		}
		zero := YMM()
		VXORPS(zero, zero, zero)
		Label("loop")
		x := YMM()
		VMOVUPS(Mem{Base: src}, x)
		y := geluRegister(x, zero, data)
		if gated {
			VMULPS(Mem{Base: pointers[2]}, y, y)
		}
		VMOVUPS(y, Mem{Base: dst})
		for _, p := range pointers {
			ADDQ(Imm(4*lane), p)
		}
		SUBQ(Imm(lane), n)
		JNZ(LabelRef("loop"))
		VZEROUPPER()
		RET()
	}
}

// geluRegister returns geluOne of x.
func geluRegister(x, zero reg.VecVirtual, data expTable) reg.VecVirtual {
	t, limit := YMM(), YMM()
	VANDPS(data.at("magnitude"), x, t)
	VMOVUPS(data.at("geluLimit"), limit)
	VMINPS(t, limit, t) // the last source is t, so that NaN stays
	polynomial := func(name string, coefficients int) reg.VecVirtual {
		p := YMM()
		VMOVUPS(data.at(name+"0"), p)
		for i := 1; i < coefficients; i++ {
			VFMADD213PS(data.at(fmt.Sprintf("%s%d", name, i)), t, p)
		}
		return p
	}
	upper, lower := polynomial("upper", len(geluUpper)), polynomial("lower", len(geluLower))
	VDIVPS(lower, upper, upper)
	square, rest, tail := YMM(), YMM(), YMM()
	VMULPS(t, t, square)
	VMOVAPS(square, rest)
	VFMSUB231PS(t, t, rest) // t*t - square
	VMULPS(data.at("minusHalf"), square, tail)
	expCore(tail, data)
	VMULPS(tail, upper, tail)
	VMULPS(data.at("minusHalf"), rest, rest)
	VFMADD213PS(tail, tail, rest) // tail*rest + tail
	y := YMM()
	VMAXPS(zero, x, y)
	VFNMADD231PS(t, rest, y) // y - t*tail
	VFMADD231PS(x, zero, y)  // x*0 is NaN if x is not finite
	return y
}
