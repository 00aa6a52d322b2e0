// Command gen writes the AVX2 kernels. It is run by go generate in the folder
// above.
package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	tileRows  = 6
	lane      = 8  // numbers in a register
	panel     = 16 // outputs side by side in a packed matrix
	panelSize = 4 * panel
	unroll    = 4
)

func main() {
	for rows := 1; rows <= tileRows; rows++ {
		tile(rows)
	}
	wide()
	table := newExpTable()
	exp(table)
	siluMul(table)
	Generate()
}

func registers(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = YMM()
	}
	return v
}

// rows addresses up to six rows of a matrix by two base registers.
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

// loopK runs step over k in strides of unroll, then one by one. step must not
// change the order of additions into any one accumulator.
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

// tile: C[n][16] (+)= A[n][k] * B[k][16].
func tile(n int) {
	TEXT(fmt.Sprintf("tile%d", n), NOSPLIT, "func(k int, a *float32, lda int, b *float32, c *float32, ldc int, add int)")
	Doc(fmt.Sprintf("tile%d computes C[%d][16] (+)= A[%d][k] * B[k][16]; lda and ldc are in numbers.", n, n, n))
	Pragma("noescape")
	k, b, add := param("k"), param("b"), param("add")
	lda, ldc := param("lda"), param("ldc")
	SHLQ(Imm(2), lda)
	SHLQ(Imm(2), ldc)
	a, c := newRows(param("a"), lda, n), newRows(param("c"), ldc, n)
	sums := registers(2 * n)
	TESTQ(add, add)
	JNZ(LabelRef("load"))
	for _, s := range sums {
		VXORPS(s, s, s)
	}
	JMP(LabelRef("start"))
	Label("load")
	for i := range n {
		VMOVUPS(c.at(i, 0), sums[2*i])
		VMOVUPS(c.at(i, 4*lane), sums[2*i+1])
	}
	Label("start")
	loopK(k, func(u int) {
		b0, b1, x := YMM(), YMM(), YMM()
		VMOVUPS(Mem{Base: b, Disp: u * panelSize}, b0)
		VMOVUPS(Mem{Base: b, Disp: u*panelSize + 4*lane}, b1)
		for i := range n {
			VBROADCASTSS(a.at(i, 4*u), x)
			VFMADD231PS(b0, x, sums[2*i])
			VFMADD231PS(b1, x, sums[2*i+1])
		}
	}, func(steps int) {
		a.advance(uint64(4 * steps))
		ADDQ(U32(uint32(steps*panelSize)), b)
	})
	for i := range n {
		VMOVUPS(sums[2*i], c.at(i, 0))
		VMOVUPS(sums[2*i+1], c.at(i, 4*lane))
	}
	VZEROUPPER()
	RET()
}

// wide: one row by four panels, so that enough sums are under way at once.
func wide() {
	TEXT("wide", NOSPLIT, "func(k int, a *float32, b *float32, stride int, c *float32, add int)")
	Doc("wide computes c[64] (+)= a[k] * B[4][k][16]; stride is from panel to panel, in numbers.")
	Pragma("noescape")
	k, a, c, add := param("k"), param("a"), param("c"), param("add")
	stride := param("stride")
	SHLQ(Imm(2), stride)
	b := newRows(param("b"), stride, 4)
	sums := registers(8)
	TESTQ(add, add)
	JNZ(LabelRef("load"))
	for _, s := range sums {
		VXORPS(s, s, s)
	}
	JMP(LabelRef("start"))
	Label("load")
	for i, s := range sums {
		VMOVUPS(Mem{Base: c, Disp: 4 * lane * i}, s)
	}
	Label("start")
	loopK(k, func(u int) {
		x := YMM()
		VBROADCASTSS(Mem{Base: a, Disp: 4 * u}, x)
		for p := range 4 {
			VFMADD231PS(b.at(p, u*panelSize), x, sums[2*p])
			VFMADD231PS(b.at(p, u*panelSize+4*lane), x, sums[2*p+1])
		}
	}, func(steps int) {
		ADDQ(Imm(uint64(4*steps)), a)
		b.advance(uint64(steps * panelSize))
	})
	for i, s := range sums {
		VMOVUPS(s, Mem{Base: c, Disp: 4 * lane * i})
	}
	VZEROUPPER()
	RET()
}

// The numbers of expOne in the folder above, which explains them.
var (
	expLow, expHigh = float32(-87.33654), float32(88)
	log2E           = float32(1.4426950408889634)
	ln2High, ln2Low = float32(0.693359375), float32(-2.12194440e-4)
	expPolynomial   = []float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}
)

// expRegister replaces x by e^x.
func expRegister(x reg.VecVirtual, data expTable) {
	VMAXPS(data.at("low"), x, x)
	VMINPS(data.at("high"), x, x)
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

// expTable is the constants in memory, each eight times over.
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
	return t
}

func (t expTable) at(name string) Mem { return t.memory.Offset(t.offsets[name]) }

// exp: dst = e^(src - shift).
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

// siluMul: dst = gate / (1 + e^-gate) * up.
func siluMul(data expTable) {
	TEXT("siluMul8", NOSPLIT, "func(n int, dst *float32, gate *float32, up *float32)")
	Doc("siluMul8 computes dst[i] = gate[i] / (1 + e^-gate[i]) * up[i]; n is a positive multiple of 8.")
	Pragma("noescape")
	n, dst, gate, up := param("n"), param("dst"), param("gate"), param("up")
	Label("loop")
	g, x := YMM(), YMM()
	VMOVUPS(Mem{Base: gate}, g)
	VXORPS(x, x, x)
	VSUBPS(g, x, x)
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
