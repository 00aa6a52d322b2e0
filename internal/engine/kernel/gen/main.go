// Command gen generates the AVX2 kernels of package kernel. go generate runs it.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	tileRows  = 6
	tileRows8 = 4  // tileRows for 8-bit numbers
	lane      = 8  // numbers in a register
	panel     = 16 // outputs in a panel of a packed matrix
	panelSize = 4 * panel
	unroll    = 4
)

func main() {
	for rows := 1; rows <= tileRows; rows++ {
		tile(rows)
	}
	wide()
	for rows := 1; rows <= tileRows; rows++ {
		dots(rows)
	}
	one := ones()
	for rows := 1; rows <= tileRows8; rows++ {
		tileInt8(rows, one)
	}
	wideInt8(one)
	order := packOrder()
	quantize(order)
	weightBounds()
	roundWeights(order)
	table := newExpTable()
	exp(table)
	siluMul(table)
	geluMul(table)
	gelu(table)
	rmsNorm()
	layerNorm()
	maximum()
	transpose()
	Generate()
}

func registers(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = YMM()
	}
	return v
}

// rows addresses up to six rows of a matrix with two base registers.
type rows struct {
	first, fourth reg.GPVirtual
	stride        reg.GPVirtual // bytes
}

func newRows(base, stride reg.GPVirtual, n int) rows {
	r := rows{base, base, stride}
	if n > 3 {
		r.fourth = GP64()
		LEAQ(Mem{Base: base, Index: stride, Scale: 2}, r.fourth)
		ADDQ(stride, r.fourth)
	}
	return r
}

func (r rows) at(row, displacement int) Mem {
	m := Mem{Base: r.first, Disp: displacement}
	if row >= 3 {
		m.Base, row = r.fourth, row-3
	}
	if row > 0 {
		m.Index, m.Scale = r.stride, uint8(row)
	}
	return m
}

func (r rows) advance(bytes uint64) {
	ADDQ(U32(bytes), r.first)
	if r.fourth != r.first {
		ADDQ(U32(bytes), r.fourth)
	}
}

func param(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }

// loopK calls step for unroll consecutive k at a time, and for the remaining k one by one. step
// must not change the order of additions to an accumulator.
func loopK(k reg.GPVirtual, step func(unrolled int), advance func(steps int)) {
	SUBQ(Imm(unroll), k)
	JL(LabelRef("rest"))
	Label("loop")
	for u := range unroll {
		step(u)
	}
	advance(unroll)
	SUBQ(Imm(unroll), k)
	JGE(LabelRef("loop"))
	Label("rest")
	ADDQ(Imm(unroll), k)
	JZ(LabelRef("done"))
	Label("single")
	step(0)
	advance(1)
	DECQ(k)
	JNZ(LabelRef("single"))
	Label("done")
}
