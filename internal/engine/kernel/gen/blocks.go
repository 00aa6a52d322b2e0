package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// layout is the layout of the blocks of a MatrixK, which are of 256 inputs and 16 outputs.
type layout struct {
	name   string
	bits   int
	groups int  // in a block
	mins   bool // whether the minima are stored
}

var layouts = []layout{{"Q4K", 4, 8, true}, {"Q5K", 6, 8, true}, {"Q6K", 6, 16, false}}

// Offsets in a block in bytes.
func (l layout) partBytes() int { return 32 * l.bits }
func (l layout) scales() int    { return 16 * l.partBytes() }
func (l layout) minimums() int  { return l.factors() - 16*l.groups }
func (l layout) factors() int {
	if l.mins {
		return l.scales() + 32*l.groups
	}
	return l.scales() + 16*l.groups
}
func (l layout) blockBytes() int { return l.factors() + 8*panel }

// Offsets in 32 inputs, which are described at InputsK.
const (
	inputScale  = 32
	inputSum    = 36
	inputStarts = 40
	inputBytes  = 48
)

// ahead is the distance in bytes at which blocks are prefetched.
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
	low, high reg.VecVirtual // masks
}

func newUnpacker(l layout) unpacker {
	u := unpacker{layout: l, low: repeated(0x0f)}
	if l.bits == 6 {
		u.high = repeated(0x30)
	}
	return u
}

// part unpacks outputs of 16 inputs. do receives four times 4 inputs. at is the first byte of the
// outputs, a multiple of the size of a register.
func (u unpacker) part(src reg.GPVirtual, offset, at int, do func(four int, w reg.VecVirtual)) {
	var top reg.VecVirtual
	if u.bits == 6 {
		top = register()
		load(Mem{Base: src, Disp: offset + 128 + at}, top)
	}
	for four := range 4 {
		x := register()
		load(Mem{Base: src, Disp: offset + four/2*64 + at}, x)
		if four%2 == 1 {
			VPSRLW(Imm(4), x, x)
		}
		and(u.low, x, x)
		if u.bits == 6 { // bits 2*four and above become bits 4 and 5
			h := register()
			switch four {
			case 0:
				VPSLLW(Imm(4), top, h)
				and(u.high, h, h)
			case 1:
				VPSLLW(Imm(2), top, h)
				and(u.high, h, h)
			case 2:
				and(u.high, top, h)
			case 3:
				VPSRLW(Imm(2), top, h)
				and(u.high, h, h)
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

// scaled computes 8-bit numbers at from times the factors at factors.
func scaled(from, factors Mem) reg.VecVirtual {
	x := register()
	VPMOVSXBD(from, x)
	VCVTDQ2PS(x, x)
	VMULPS(factors, x, x)
	return x
}

func prefetch(src reg.GPVirtual, first, end int) {
	for at := first; at < end; at += 64 {
		PREFETCHT0(Mem{Base: src, Disp: ahead + at})
	}
}

// begin sets a sum of a group to zero or, in groups of 16, to its start.
func begin(group, g int, a rows, row int, sum reg.VecVirtual) {
	if group == 16 {
		VPBROADCASTD(a.at(row, inputStarts+4*g), sum)
	} else if lane == 16 {
		VPXORD(sum, sum, sum)
	} else {
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
func (l layout) fitting() int { return map[string]int{"Q4K": 8, "Q5K": 4, "Q6K": 2}[l.name] }

// rowsK computes the products of n rows with blocks of a panel.
func rowsK(n int, l layout, ones Mem) {
	f := name(fmt.Sprintf("rows%sx%d", l.name, n))
	TEXT(f, NOSPLIT, "func(tiles int, blocks int, src *uint8, a *uint8, lda int, c *float32, ldc int)")
	Doc(fmt.Sprintf("%s adds the products of %d rows with blocks of a panel to C[%d][16], for consecutive tiles.", f, n, n))
	Pragma("noescape")
	u := newUnpacker(l)
	var one reg.VecVirtual
	if lane == 8 {
		one = register()
		VMOVDQU(ones, one)
	}
	Label("tile")
	blocks, src := param("blocks"), param("src")
	a := newRows(param("a"), param("lda"), n)
	inRegisters := lane == 16 || n <= 2
	totals := make([][]reg.VecVirtual, halves()) // by half and row
	var to rows
	if !inRegisters {
		ldc := param("ldc")
		SHLQ(Imm(2), ldc)
		to = newRows(param("c"), ldc, n)
	}
	eachTotal := func(do func(h, i int, m Mem)) {
		c, ldc := param("c"), param("ldc")
		SHLQ(Imm(2), ldc)
		for i := range n {
			for h := range totals {
				do(h, i, Mem{Base: c, Disp: 32 * h})
			}
			ADDQ(ldc, c)
		}
	}
	if inRegisters {
		for h := range totals {
			totals[h] = registers(n)
		}
		eachTotal(func(h, i int, m Mem) { VMOVUPS(m, totals[h][i]) })
	}
	group := superBlock / l.groups
	Label("block")
	scales, count, factors := GP64(), GP64(), GP64()
	LEAQ(Mem{Base: src, Disp: l.scales()}, scales)
	LEAQ(Mem{Base: src, Disp: l.factors()}, factors)
	MOVQ(U32(8), count)
	Label("group")
	prefetch(src, 0, 2*l.partBytes())
	for g := range 32 / group {
		for h := range totals {
			var sums []reg.VecVirtual
			if lane == 16 {
				sums = rowSums512(u, n, group, g, a, src)
			} else {
				sums = rowSums(u, n, group, g, h, a, src, one)
			}
			total := totals[h]
			if !inRegisters {
				total = registers(n)
			}
			s := scaled(Mem{Base: scales, Disp: 16*g + lane*h}, Mem{Base: factors, Disp: 32 * h})
			for i, sum := range sums {
				if lane == 16 {
					addScaled512(sum, a, i, s, total[i])
					continue
				}
				r := YMM()
				VBROADCASTSS(a.at(i, inputScale), r)
				VMULPS(s, r, r)
				VCVTDQ2PS(sum, sum)
				if inRegisters {
					VFMADD231PS(r, sum, total[i])
				} else {
					VFMADD213PS(to.at(i, 32*h), r, sum)
					total[i] = sum
				}
			}
			if l.mins {
				s = scaled(Mem{Base: scales, Disp: 16*l.groups + lane*h}, Mem{Base: factors, Disp: 64 + 32*h})
				for i, t := range total {
					if lane == 16 {
						VFMADD231PS_BCST(a.at(i, inputSum), s, t)
						continue
					}
					r := YMM()
					VBROADCASTSS(a.at(i, inputSum), r)
					VFMADD231PS(s, r, t)
				}
			}
			if !inRegisters {
				for i, t := range total {
					VMOVUPS(t, to.at(i, 32*h))
				}
			}
		}
	}
	a.advance(inputBytes)
	ADDQ(U32(uint32(2*l.partBytes())), src)
	ADDQ(Imm(uint64(16*32/group)), scales)
	DECQ(count)
	JNZ(LabelRef("group"))
	prefetch(src, 0, l.blockBytes()-l.scales())
	ADDQ(U32(uint32(l.blockBytes()-l.scales())), src)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	if inRegisters {
		eachTotal(func(h, i int, m Mem) { VMOVUPS(totals[h][i], m) })
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

// rowSums512 computes the sums of n rows in group g of 32 inputs.
func rowSums512(u unpacker, n, group, g int, a rows, src reg.GPVirtual) []reg.VecVirtual {
	chains := [][]reg.VecVirtual{registers(n), nil}
	chains[1] = chains[0]
	if 2*n < fewSums {
		chains[1] = registers(n)
	}
	for i := range n {
		begin(group, g, a, i, chains[0][i])
		if 2*n < fewSums {
			VPXORD(chains[1][i], chains[1][i], chains[1][i])
		}
	}
	for part := g * group / 16; part < (g+1)*group/16; part++ {
		u.part(src, part*u.partBytes(), 0, func(four int, w reg.VecVirtual) {
			for i, s := range chains[four%2] {
				VPDPBUSD_BCST(a.at(i, 16*part+4*four), w, s)
			}
		})
	}
	if 2*n < fewSums {
		for i, s := range chains[1] {
			VPADDD(s, chains[0][i], chains[0][i])
		}
	}
	return chains[0]
}

// rowSums computes half of what rowSums512 does.
func rowSums(u unpacker, n, group, g, half int, a rows, src reg.GPVirtual, one reg.VecVirtual) []reg.VecVirtual {
	short := registers(n)
	whole := u.fitting() == group/4 // the group fits into 16 bits
	var sums []reg.VecVirtual
	if !whole {
		sums = registers(n)
		for i, s := range sums {
			begin(group, g, a, i, s)
		}
	}
	done := 0
	for part := g * group / 16; part < (g+1)*group/16; part++ {
		u.part(src, part*u.partBytes(), 32*half, func(four int, w reg.VecVirtual) {
			for i, s := range short {
				p := s
				if done%u.fitting() > 0 {
					p = YMM()
				}
				VPBROADCASTD(a.at(i, 16*part+4*four), p)
				VPMADDUBSW(p, w, p)
				if done%u.fitting() > 0 {
					VPADDW(p, s, s)
				}
			}
			if done++; done%u.fitting() > 0 {
				return
			}
			for i, s := range short {
				VPMADDWD(one, s, s)
				if !whole {
					VPADDD(s, sums[i], sums[i])
				}
			}
		})
	}
	if whole {
		return short
	}
	return sums
}

// superBlock is the number of inputs in a block.
const superBlock = 256
