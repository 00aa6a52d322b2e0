package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// layout is a layout of a MatrixQ.
type layout struct {
	name    string
	bits    int
	groups  int  // with 8-bit scales in a block of 256 inputs; 0 if blocks are of 32 inputs
	minimum bool // whether there are minima
	start   int  // the offset of the starts of sums in 32 inputs; 0 if the zero point is 0
}

var layouts = []layout{
	{"Q40", 4, 0, false, inputStarts + 8}, {"Q41", 4, 0, true, 0}, {"Q50", 5, 0, false, inputStarts + 12},
	{"Q51", 5, 0, true, 0}, {"Q80", 8, 0, false, inputStarts + 16},
	{"Q4K", 4, 8, true, 0}, {"Q5K", 5, 8, true, 0}, {"Q6K", 6, 16, false, inputStarts},
}

// scaled reports whether groups have 8-bit scales.
func (l layout) scaled() bool { return l.groups > 0 }

// group is the number of inputs in a group.
func (l layout) group() int {
	if l.scaled() {
		return superBlock / l.groups
	}
	return 32
}

// Sizes and offsets in bytes: of the weights of 32 inputs; in a block of 256 inputs; and of d and m.
func (l layout) partBytes() int { return 64 * l.bits }
func (l layout) scales() int    { return 8 * l.partBytes() }
func (l layout) factors() int {
	if l.minimum {
		return l.scales() + 32*l.groups
	}
	return l.scales() + 16*l.groups
}
func (l layout) factorBytes() int {
	if l.minimum {
		return 4 * panel
	}
	return 2 * panel
}
func (l layout) blockBytes() int { return (l.factors() + l.factorBytes() + 63) / 64 * 64 }

// superBlock is the number of inputs in a block whose groups have scales.
const superBlock = 256

// Offsets in 32 inputs, which are described at InputsQ.
const (
	inputScale  = 32
	inputSum    = 36
	inputStarts = 40
	inputBytes  = 64
)

// ahead is the distance in bytes at which weights are prefetched.
const ahead = 4096

func load(from Mem, to reg.VecVirtual) {
	if lane == 16 {
		VMOVDQU32(from, to)
	} else {
		VMOVDQU(from, to)
	}
}

func and(m, x, to reg.VecVirtual) {
	if lane == 16 {
		VPANDD(m, x, to)
	} else {
		VPAND(m, x, to)
	}
}

// repeated returns a register with a byte in each place.
func repeated(value uint32) reg.VecVirtual {
	m, g := register(), GP32()
	MOVL(U32(value*0x01010101), g)
	if lane == 16 {
		VPBROADCASTD(g, m)
	} else {
		VMOVD(g, m.AsX())
		VPBROADCASTD(m.AsX(), m)
	}
	return m
}

// unpacker converts weights to bytes.
type unpacker struct {
	layout
	low, high reg.VecVirtual // masks; high is that of the zero points of 8 bits
}

func newUnpacker(l layout) unpacker {
	u := unpacker{layout: l}
	if l.bits < 8 {
		u.low = repeated(0x0f)
	}
	switch {
	case l.bits == 5:
		u.high = repeated(0x10)
	case l.bits == 6:
		u.high = repeated(0x30)
	case l.signed():
		u.high = repeated(0x80)
	}
	return u
}

// signed reports whether weights of 8 bits are signed numbers: without VNNI, the products of two
// unsigned weights do not fit into 16 bits.
func (l layout) signed() bool { return l.bits == 8 && lane == 8 }

// part unpacks weights of a part. do receives each four inputs, of those from first to last-1. at is
// the first byte of the outputs, a multiple of the size of a register.
func (u unpacker) part(src reg.GPVirtual, at, first, last int, do func(four int, w reg.VecVirtual)) {
	var top reg.VecVirtual
	for four := first; four < last; four++ {
		x := register()
		if u.bits == 8 {
			load(Mem{Base: src, Disp: 64*four + at}, x)
			if u.signed() {
				VPXOR(u.high, x, x)
			}
			do(four, x)
			continue
		}
		load(Mem{Base: src, Disp: 64*(four/2) + at}, x)
		if four%2 == 1 {
			VPSRLW(Imm(4), x, x)
		}
		and(u.low, x, x)
		if u.bits > 4 {
			perRegister := 8 / (u.bits - 4) // fours whose high bits are in a register
			if four == first || four%perRegister == 0 {
				top = register()
				load(Mem{Base: src, Disp: 256 + 64*(four/perRegister) + at}, top)
			}
			h := register()
			// The high bits begin at bit (u.bits-4) * (four % perRegister) and become bits 4 and above.
			switch shift := 4 - (u.bits-4)*(four%perRegister); {
			case shift > 0:
				VPSLLW(Imm(uint64(shift)), top, h)
				and(u.high, h, h)
			case shift < 0:
				VPSRLW(Imm(uint64(-shift)), top, h)
				and(u.high, h, h)
			default:
				and(u.high, top, h)
			}
			if lane == 16 {
				VPORD(h, x, x)
			} else {
				VPOR(h, x, x)
			}
		}
		do(four, x)
	}
}

// halves16 converts 16-bit floating-point numbers.
func halves16(from Mem) reg.VecVirtual {
	x := register()
	VCVTPH2PS(from, x)
	return x
}

// scaled computes 8-bit numbers at from times 16-bit floating-point numbers at factors.
func scaled(from, factors Mem) reg.VecVirtual {
	x := register()
	VPMOVSXBD(from, x)
	VCVTDQ2PS(x, x)
	VMULPS(halves16(factors), x, x)
	return x
}

func prefetch(src reg.GPVirtual, first, end int) {
	for at := first; at < end; at += 64 {
		PREFETCHT0(Mem{Base: src, Disp: ahead + at})
	}
}

// begin sets a sum of group g to its start.
func (l layout) begin(g int, a rows, row int, sum reg.VecVirtual) {
	switch {
	case l.start > 0 && !l.signed():
		VPBROADCASTD(a.at(row, l.start+4*g), sum)
	case lane == 16:
		VPXORD(sum, sum, sum)
	default:
		VPXOR(sum, sum, sum)
	}
}

// addScaled512 adds sums times the scales of a row and of the weights to total.
func addScaled512(sums reg.VecVirtual, a rows, row int, scales, total reg.VecVirtual) {
	t := ZMM()
	VCVTDQ2PS(sums, sums)
	VMULPS_BCST(a.at(row, inputScale), scales, t)
	VFMADD231PS(t, sums, total)
}

// fitting is the number of products of four inputs whose sums of neighbors fit into 16 bits: weights
// have at most 15, 31 and 63, and 16 * 15 * 127, 8 * 31 * 127 and 4 * 63 * 127 are less than 32768.
// Of 8 bits it is one, because the magnitudes of signed weights are at most 128.
func (l layout) fitting() int { return map[int]int{4: 8, 5: 4, 6: 2, 8: 1}[l.bits] }

// rowsQ computes the products of n rows with a panel.
func rowsQ(n int, l layout, ones Mem) {
	f := name(fmt.Sprintf("rows%sx%d", l.name, n))
	TEXT(f, NOSPLIT, "func(tiles int, k int, src *uint8, a *uint8, lda int, c *float32, ldc int)")
	Doc(fmt.Sprintf("%s adds the products of %d rows with a panel of k inputs to C[%d][16], for consecutive tiles.", f, n, n))
	Pragma("noescape")
	p := product{unpacker: newUnpacker(l), n: n, inRegisters: lane == 16 || n <= 2}
	if lane == 8 {
		p.one = register()
		VMOVDQU(ones, p.one)
	}
	Label("tile")
	p.src, p.a = param("src"), newRows(param("a"), param("lda"), n)
	p.totals = make([][]reg.VecVirtual, halves())
	if !p.inRegisters {
		ldc := param("ldc")
		SHLQ(Imm(2), ldc)
		p.c = newRows(param("c"), ldc, n)
	}
	eachTotal := func(do func(h, i int, m Mem)) {
		c, ldc := param("c"), param("ldc")
		SHLQ(Imm(2), ldc)
		for i := range n {
			for h := range p.totals {
				do(h, i, Mem{Base: c, Disp: 32 * h})
			}
			ADDQ(ldc, c)
		}
	}
	if p.inRegisters {
		for h := range p.totals {
			p.totals[h] = registers(n)
		}
		eachTotal(func(h, i int, m Mem) { VMOVUPS(m, p.totals[h][i]) })
	}
	if l.scaled() {
		p.scaledBlocks()
	} else {
		p.plainBlocks()
	}
	if p.inRegisters {
		eachTotal(func(h, i int, m Mem) { VMOVUPS(p.totals[h][i], m) })
	}
	tiles := param("tiles")
	DECQ(tiles)
	JZ(LabelRef("done"))
	Store(tiles, Param("tiles"))
	advance("a", "lda", n)
	advance("c", "ldc", 4*n)
	JMP(LabelRef("tile"))
	Label("done")
	VZEROUPPER()
	RET()
}

// product is the registers of a product of n rows.
type product struct {
	unpacker
	n           int
	inRegisters bool // the totals
	src         reg.GPVirtual
	a, c        rows
	one         reg.VecVirtual
	totals      [][]reg.VecVirtual // by half and row
}

// scaledBlocks processes blocks of 256 inputs.
func (p product) scaledBlocks() {
	blocks := param("k")
	SHRQ(Imm(8), blocks)
	Label("block")
	scales, count, factors := GP64(), GP64(), GP64()
	LEAQ(Mem{Base: p.src, Disp: p.scales()}, scales)
	LEAQ(Mem{Base: p.src, Disp: p.factors()}, factors)
	MOVQ(U32(8), count)
	Label("group")
	prefetch(p.src, 0, p.partBytes())
	perPart := 32 / p.group()
	for g := range perPart {
		p.addGroup(g, func(h int) reg.VecVirtual {
			return scaled(Mem{Base: scales, Disp: 16*g + lane*h}, Mem{Base: factors, Disp: 16 * h})
		}, func(h int) reg.VecVirtual {
			return scaled(Mem{Base: scales, Disp: 16*p.groups + lane*h}, Mem{Base: factors, Disp: 32 + 16*h})
		})
	}
	p.a.advance(inputBytes)
	ADDQ(U32(uint32(p.partBytes())), p.src)
	ADDQ(Imm(uint64(16*perPart)), scales)
	DECQ(count)
	JNZ(LabelRef("group"))
	prefetch(p.src, 0, p.blockBytes()-p.scales())
	ADDQ(U32(uint32(p.blockBytes()-p.scales())), p.src)
	DECQ(blocks)
	JNZ(LabelRef("block"))
}

// plainBlocks processes blocks of 32 inputs.
func (p product) plainBlocks() {
	blocks, factors := param("k"), GP64()
	SHRQ(Imm(5), blocks)
	IMUL3Q(I32(int32(p.partBytes())), blocks, factors)
	ADDQ(p.src, factors)
	Label("block")
	prefetch(p.src, 0, p.partBytes())
	PREFETCHT0(Mem{Base: factors, Disp: ahead / 8})
	p.addGroup(0, func(h int) reg.VecVirtual { return halves16(Mem{Base: factors, Disp: 16 * h}) },
		func(h int) reg.VecVirtual { return halves16(Mem{Base: factors, Disp: 32 + 16*h}) })
	p.a.advance(inputBytes)
	ADDQ(U32(uint32(p.partBytes())), p.src)
	ADDQ(Imm(uint64(p.factorBytes())), factors)
	DECQ(blocks)
	JNZ(LabelRef("block"))
}

// addGroup adds the products of group g of 32 inputs to the totals. scale and minimum compute those of
// half of the outputs.
func (p product) addGroup(g int, scale, minimum func(half int) reg.VecVirtual) {
	for h := range p.totals {
		var sums []reg.VecVirtual
		if lane == 16 {
			sums = p.sums512(g)
		} else {
			sums = p.sums(g, h)
		}
		total := p.totals[h]
		if !p.inRegisters {
			total = registers(p.n)
		}
		s := scale(h)
		for i, sum := range sums {
			if lane == 16 {
				addScaled512(sum, p.a, i, s, total[i])
				continue
			}
			r := YMM()
			VBROADCASTSS(p.a.at(i, inputScale), r)
			VMULPS(s, r, r)
			VCVTDQ2PS(sum, sum)
			if p.inRegisters {
				VFMADD231PS(r, sum, total[i])
			} else {
				VFMADD213PS(p.c.at(i, 32*h), r, sum)
				total[i] = sum
			}
		}
		if p.minimum {
			s = minimum(h)
			for i, t := range total {
				if lane == 16 {
					VFMADD231PS_BCST(p.a.at(i, inputSum), s, t)
					continue
				}
				r := YMM()
				VBROADCASTSS(p.a.at(i, inputSum), r)
				VFMADD231PS(s, r, t)
			}
		}
		if !p.inRegisters {
			for i, t := range total {
				VMOVUPS(t, p.c.at(i, 32*h))
			}
		}
	}
}

// sums512 computes the sums of group g of 32 inputs, by row.
func (p product) sums512(g int) []reg.VecVirtual {
	chains := [][]reg.VecVirtual{registers(p.n), nil}
	chains[1] = chains[0]
	two := 2*p.n < fewSums
	if two {
		chains[1] = registers(p.n)
	}
	for i := range p.n {
		p.begin(g, p.a, i, chains[0][i])
		if two {
			VPXORD(chains[1][i], chains[1][i], chains[1][i])
		}
	}
	p.part(p.src, 0, g*p.group()/4, (g+1)*p.group()/4, func(four int, w reg.VecVirtual) {
		for i, s := range chains[four%2] {
			VPDPBUSD_BCST(p.a.at(i, 4*four), w, s)
		}
	})
	if two {
		for i, s := range chains[1] {
			VPADDD(s, chains[0][i], chains[0][i])
		}
	}
	return chains[0]
}

// sums computes half of what sums512 does.
func (p product) sums(g, half int) []reg.VecVirtual {
	short := registers(p.n)
	whole := p.fitting() == p.group()/4 // the group fits into 16 bits
	var sums []reg.VecVirtual
	if !whole {
		sums = registers(p.n)
		for i, s := range sums {
			p.begin(g, p.a, i, s)
		}
	}
	done := 0
	p.part(p.src, 32*half, g*p.group()/4, (g+1)*p.group()/4, func(four int, w reg.VecVirtual) {
		magnitudes := w
		if p.signed() {
			magnitudes = YMM()
			VPABSB(w, magnitudes)
		}
		for i, s := range short {
			x := s
			if done%p.fitting() > 0 {
				x = YMM()
			}
			VPBROADCASTD(p.a.at(i, 4*four), x)
			if p.signed() {
				VPSIGNB(w, x, x)
			}
			VPMADDUBSW(x, magnitudes, x)
			if done%p.fitting() > 0 {
				VPADDW(x, s, s)
			}
		}
		if done++; done%p.fitting() > 0 {
			return
		}
		for i, s := range short {
			VPMADDWD(p.one, s, s)
			if !whole {
				VPADDD(s, sums[i], sums[i])
			}
		}
	})
	if !whole {
		return sums
	}
	if p.start > 0 {
		for i, s := range short {
			start := YMM()
			p.begin(g, p.a, i, start)
			VPADDD(start, s, s)
		}
	}
	return short
}
