package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lane is the number of 32-bit numbers in a register: 8 for AVX2 and 16 for AVX-512.
var lane int

// halves is the number of registers that hold the outputs of a panel.
func halves() int { return panel / lane }

// name returns the name of a function, or of a constant, for the instruction set.
func name(function string) string {
	if lane == 16 {
		return function + "AVX512"
	}
	return function + "AVX2"
}

func register() reg.VecVirtual {
	if lane == 16 {
		return ZMM()
	}
	return YMM()
}

func registers(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = register()
	}
	return v
}

// clear sets registers to zero.
func clear(v ...reg.VecVirtual) {
	for _, r := range v {
		VXORPS(r, r, r)
	}
}

// roundToEven rounds x to the nearest integer.
func roundToEven(x, dst reg.VecVirtual) {
	if lane == 16 {
		VRNDSCALEPS(Imm(0), x, dst)
	} else {
		VROUNDPS(Imm(0), x, dst)
	}
}

// fold combines the numbers of a panel, in one register or two, to one number by halves.
func fold(v []reg.VecVirtual, combine func(ops ...Op)) reg.VecVirtual {
	half := YMM()
	if lane == 16 {
		VEXTRACTF64X4(Imm(1), v[0], half)
		combine(half, v[0].AsY(), half)
	} else {
		half = v[0]
		combine(v[1], half, half)
	}
	h, t := XMM(), XMM()
	VEXTRACTF128(Imm(1), half.AsY(), h)
	combine(h, half.AsX(), h)
	VPSHUFD(Imm(0x4e), h, t)
	combine(t, h, h)
	VPSHUFD(Imm(0xb1), h, t)
	combine(t, h, h)
	return h
}

func addPS(ops ...Op)     { VADDPS(ops[0], ops[1], ops[2]) }
func maximumOf(ops ...Op) { VMAXPS(ops[0], ops[1], ops[2]) }
func or(ops ...Op)        { VORPS(ops[0], ops[1], ops[2]) }
