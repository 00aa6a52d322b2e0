package main

import (
	"math"
	"strconv"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// table is the constants of the functions of vectors. AVX2 has each repeated in all lanes of a
// register; AVX-512 repeats a number when it reads it.
type table struct {
	memory  Mem
	offsets map[string]int
}

func newTable() table {
	t := table{GLOBL(name("constants"), RODATA|NOPTR), map[string]int{}}
	repeat := lane
	if lane == 16 {
		repeat = 1
	}
	add := func(name string, f float32) {
		offset := 4 * repeat * len(t.offsets)
		t.offsets[name] = offset
		for i := range repeat {
			DATA(offset+4*i, U32(math.Float32bits(f)))
		}
	}
	addAll := func(name string, coefficients []float32) {
		for i, f := range coefficients {
			add(name+strconv.Itoa(i), f)
		}
	}
	add("low", expLow)
	add("high", expHigh)
	add("log2e", log2E)
	add("ln2high", ln2High)
	add("ln2low", ln2Low)
	addAll("p", expPolynomial)
	add("one", 1)
	add("gelu1", geluFactor)
	add("gelu3", geluFactor*geluCube)
	add("minusHalf", -.5)
	add("magnitude", math.Float32frombits(1<<31-1))
	add("geluLimit", geluLimit)
	addAll("upper", geluUpper)
	addAll("lower", geluLower)
	return t
}

func (t table) at(name string) Mem { return t.memory.Offset(t.offsets[name]) }

// load sets all lanes of dst to a constant.
func (t table) load(name string, dst reg.VecVirtual) {
	if lane == 16 {
		VBROADCASTSS(t.at(name), dst)
	} else {
		VMOVUPS(t.at(name), dst)
	}
}

// The operations below have a constant as their first operand.

func (t table) operate(name string, plain, broadcast func(ops ...Op), ops ...Op) {
	if lane == 16 {
		plain = broadcast
	}
	plain(append([]Op{t.at(name)}, ops...)...)
}

func (t table) add(name string, ops ...Op)    { t.operate(name, VADDPS, VADDPS_BCST, ops...) }
func (t table) mul(name string, ops ...Op)    { t.operate(name, VMULPS, VMULPS_BCST, ops...) }
func (t table) and(name string, ops ...Op)    { t.operate(name, VANDPS, VANDPS_BCST, ops...) }
func (t table) fma213(name string, ops ...Op) { t.operate(name, VFMADD213PS, VFMADD213PS_BCST, ops...) }
func (t table) fnma231(name string, ops ...Op) {
	t.operate(name, VFNMADD231PS, VFNMADD231PS_BCST, ops...)
}
