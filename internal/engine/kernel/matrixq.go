package kernel

import "encoding/binary"

// MatrixQ is a packed weight matrix whose weights are as in the file: those of a block type of GGUF
// files (see LayoutQ). Panel p holds the weights of outputs 16p to 16p+15. If the blocks are of 256
// inputs, it is a sequence of blocks, each padded to a multiple of 64 bytes:
//
//	8 parts of 32 inputs
//	scales [256/group][16]
//	mins [256/group][16]    if there are any
//	d [16], m [16]          m if there are minima
//
// If they are of 32 inputs, it has first the parts of all blocks and then d and m of all blocks, and
// is padded. A part is
//
//	low [4][16 outputs][4], and high   of 4 to 6 bits
//	weights [8][16 outputs][4]         of 8 bits
//
// The low and the high half of byte [h][j][i] of low are the low 4 bits of inputs 8h+i and 8h+4+i of
// output j. Of 5 bits, high is [16 outputs][4], and bit n of byte [j][i] is bit 4 of input 4n+i. Of 6
// bits it is [2][16 outputs][4], and bits 2n and 2n+1 of byte [h][j][i] are bits 4 and 5 of input
// 16h+4n+i.
//
// A product unpacks weights to registers, for up to 12 rows at a time. Inputs are signed 8-bit numbers
// (see InputsQ), so the sum of a group is an exact integer. Groups are added in order, the products
// of a group before that of its minimum and the sum of its inputs. Therefore the result of a row does
// not depend on the number of rows.
type MatrixQ struct {
	N, K   int
	Layout LayoutQ
	// Panels is [Pad(N)/16] panels.
	Panels []uint8
}

// NewMatrixQ returns a matrix of zeros. k is a multiple of l.Block(). It keeps storage, which must
// hold at least Size(n, k) zeros. Set sets the weights.
func NewMatrixQ(l LayoutQ, n, k int, storage []uint8) *MatrixQ {
	return &MatrixQ{n, k, l, storage[:l.Size(n, k)]}
}

// Outputs returns the matrix of the outputs first to last-1. first must be a multiple of Width.
func (w *MatrixQ) Outputs(first, last int) MatrixQ {
	return MatrixQ{last - first, w.K, w.Layout, w.Panels[w.Layout.Size(first, w.K):w.Layout.Size(last, w.K)]}
}

// Block is the weights of an output in a block: 256, of which only the first 32 are used by layouts
// with smaller blocks.
type Block struct {
	Q            [256]uint8
	Scales, Mins [16]int8 // of groups, if the layout has them
	D, M         uint16   // 16-bit floating-point numbers
}

// Set packs weights of an output.
func (w *MatrixQ) Set(output, block int, b *Block) {
	f := &formsQ[w.Layout]
	size := f.panelBytes(w.K)
	panel, j := w.Panels[output/Width*size:][:size], output%Width
	for part := range f.block / partQ {
		f.pack(f.part(panel, block*f.block/partQ+part), j, b.Q[part*partQ:][:partQ])
	}
	if f.scaled() {
		scales, groups := f.scales(panel, block), f.block/f.group
		for g := range groups {
			scales[g*Width+j] = uint8(b.Scales[g])
			if f.mins {
				scales[(groups+g)*Width+j] = uint8(b.Mins[g])
			}
		}
	}
	factors := f.factors(panel, w.K, block)
	binary.LittleEndian.PutUint16(factors[2*j:], b.D)
	if f.mins {
		binary.LittleEndian.PutUint16(factors[2*(Width+j):], b.M)
	}
}

// pack sets the weights of output j in a part.
func (f *formQ) pack(part []uint8, j int, q []uint8) {
	const lowHalves, pairs, ones = 0x0f0f0f0f, 0x03030303, 0x01010101
	at := part[4*j:]
	if f.bits == 8 {
		for four := range partQ / 4 {
			copy(at[64*four:][:4], q[4*four:])
		}
		return
	}
	high := [2]uint32{}
	for h := range partQ / 8 {
		first, second := binary.LittleEndian.Uint32(q[8*h:]), binary.LittleEndian.Uint32(q[8*h+4:])
		binary.LittleEndian.PutUint32(at[64*h:], first&lowHalves|second&lowHalves<<4)
		if f.bits == 5 {
			high[0] |= (first>>4&ones | second>>4&ones<<1) << (2 * h)
		} else {
			high[h/2] |= (first>>4&pairs | second>>4&pairs<<2) << (h % 2 * 4)
		}
	}
	for n := range f.bits - 4 {
		binary.LittleEndian.PutUint32(at[64*(4+n):], high[n])
	}
}

// weight returns the weight of an input and output j in a part.
func (f *formQ) weight(part []uint8, input, j int) uint8 {
	at := 4*j + input%4
	if f.bits == 8 {
		return part[input/4*64+at]
	}
	q := part[input/8*64+at] >> (input % 8 / 4 * 4) & 15
	switch f.bits {
	case 5:
		q |= part[256+at] >> (input / 4) & 1 << 4
	case 6:
		q |= part[256+input/16*64+at] >> (input % 16 / 4 * 2) & 3 << 4
	}
	return q
}
