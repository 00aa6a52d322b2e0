package main

import (
	"strconv"

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
func gelu(data table) {
	for _, gated := range []bool{false, true} {
		function, signature := "gelu", "func(n int, dst *float32, x *float32)"
		generic := "genericGelu"
		if gated {
			function, signature = "gatedGelu", "func(n int, dst *float32, x *float32, up *float32)"
			generic = "genericGatedGelu"
		}
		TEXT(name(function), NOSPLIT, signature)
		Doc(name(function) + " is " + generic + ". n is a positive multiple of " + strconv.Itoa(lane) + ".")
		Pragma("noescape")
		n, dst, src := param("n"), param("dst"), param("x")
		pointers := []reg.GPVirtual{dst, src}
		if gated {
			pointers = append(pointers, param("up"))
		}
		zero := register()
		clear(zero)
		Label("loop")
		x := register()
		VMOVUPS(Mem{Base: src}, x)
		y := geluRegister(x, zero, data)
		if gated {
			VMULPS(Mem{Base: pointers[2]}, y, y)
		}
		VMOVUPS(y, Mem{Base: dst})
		next(n, pointers...)
	}
}

// geluRegister returns geluOne of x.
func geluRegister(x, zero reg.VecVirtual, data table) reg.VecVirtual {
	t, limit := register(), register()
	data.and("magnitude", x, t)
	data.load("geluLimit", limit)
	VMINPS(t, limit, t) // the last source is t, so that NaN stays
	upper, lower := polynomial(t, "upper", len(geluUpper), data), polynomial(t, "lower", len(geluLower), data)
	VDIVPS(lower, upper, upper)
	square, rest, tail := register(), register(), register()
	VMULPS(t, t, square)
	VMOVAPS(square, rest)
	VFMSUB231PS(t, t, rest) // t*t - square
	data.mul("minusHalf", square, tail)
	expCore(tail, data)
	VMULPS(tail, upper, tail)
	data.mul("minusHalf", rest, rest)
	VFMADD213PS(tail, tail, rest) // tail*rest + tail
	y := register()
	VMAXPS(zero, x, y)
	VFNMADD231PS(t, rest, y) // y - t*tail
	VFMADD231PS(x, zero, y)  // x*0 is NaN if x is not finite
	return y
}
