package kernel

import (
	"encoding/binary"
	"math"
)

// MatrixK is a packed weight matrix whose weights are as in the file: those of the K types of GGUF
// files. Weight i of an output is
//
//	d*scale * q + m*min    Q4_K and Q5_K, with scale and min of its group of 32 inputs
//	d*scale * (q - 32)     Q6_K, with scale of its group of 16 inputs
//
// d and m are those of its 256 inputs. q is an unsigned number of 4 or 6 bits (of Q5_K, the highest
// is 0), and scale and min are signed 8-bit numbers. Panel p holds the weights of outputs 16p to
// 16p+15 as blocks of 256 inputs. A block is
//
//	16 parts of 16 inputs   low [2][16 outputs][4] and, for 6 bits, high [16 outputs][4]
//	scales [256/Group][16]
//	mins [256/Group][16]    of Q4_K and Q5_K
//	d, m [16]               32-bit floating-point numbers, little-endian; m of Q6_K is not used
//
// The low and the high half of byte [h][j][i] of low are the low 4 bits of inputs 8h+i and 8h+4+i of
// output j. The bits 2n and 2n+1 of byte [j][i] of high are bits 4 and 5 of input 4n+i.
//
// A product unpacks weights to registers, for up to 12 rows at a time. Inputs are signed 8-bit numbers
// (see InputsK), so the sum of a group is an exact integer. Groups are added in order, the products
// of a group before that of its minimum and the sum of its inputs. Therefore the result of a row does
// not depend on the number of rows.
type MatrixK struct {
	N, K   int
	Layout LayoutK
	// Panels is [Pad(N)/16][K/256] blocks.
	Panels []uint8
}

// LayoutK is the layout of the blocks of a MatrixK.
type LayoutK struct {
	Bits  int  // of q
	Group int  // inputs that share a scale
	Mins  bool // whether there are minima
}

// The layouts that exist.
var (
	LayoutQ4K = LayoutK{4, 32, true}
	LayoutQ5K = LayoutK{6, 32, true}
	LayoutQ6K = LayoutK{6, 16, false}
)

// BlockK is the number of inputs in a block of a MatrixK.
const BlockK = 256

func (l LayoutK) groups() int { return BlockK / l.Group }

// scaleBytes returns the size of the scales and minima of a block.
func (l LayoutK) scaleBytes() int {
	if l.Mins {
		return 2 * Width * l.groups()
	}
	return Width * l.groups()
}

// blockBytes returns the size of a block in bytes.
func (l LayoutK) blockBytes() int { return BlockK/8*l.Bits*Width + l.scaleBytes() + 8*Width }

// Size returns the size in bytes of a packed matrix of n outputs and k inputs.
func (l LayoutK) Size(n, k int) int { return Pad(n) / Width * (k / BlockK) * l.blockBytes() }

// NewMatrixK returns a matrix of zeros. k is a multiple of BlockK. It keeps storage, which must hold
// at least Size(n, k) zeros. Set sets the weights.
func NewMatrixK(l LayoutK, n, k int, storage []uint8) *MatrixK {
	return &MatrixK{n, k, l, storage[:l.Size(n, k)]}
}

// Outputs returns the matrix of the outputs first to last-1. first must be a multiple of Width.
func (w *MatrixK) Outputs(first, last int) MatrixK {
	return MatrixK{last - first, w.K, w.Layout, w.Panels[w.Layout.Size(first, w.K):w.Layout.Size(last, w.K)]}
}

// Block is BlockK weights of an output.
type Block struct {
	Q            [BlockK]uint8
	Scales, Mins [BlockK / 16]int8 // of groups
	D, M         float32
}

// Set packs weights of an output.
func (w *MatrixK) Set(output, block int, b *Block) {
	l := w.Layout
	size := l.blockBytes()
	to := w.Panels[(output/Width*(w.K/BlockK)+block)*size:][:size]
	j := output % Width
	const pairs = 0x03030303
	for part := range BlockK / 16 {
		at := to[part*32*l.Bits+4*j:]
		high := uint32(0)
		for half := range 2 {
			four := b.Q[16*part+8*half:][:8]
			first, second := binary.LittleEndian.Uint32(four), binary.LittleEndian.Uint32(four[4:])
			binary.LittleEndian.PutUint32(at[64*half:], first&0x0f0f0f0f|second&0x0f0f0f0f<<4)
			high |= (first>>4&pairs | second>>4&pairs<<2) << (4 * half)
		}
		if l.Bits == 6 {
			binary.LittleEndian.PutUint32(at[128:], high)
		}
	}
	to = to[BlockK/8*l.Bits*Width:]
	for g := range l.groups() {
		to[g*Width+j] = uint8(b.Scales[g])
		if l.Mins {
			to[(l.groups()+g)*Width+j] = uint8(b.Mins[g])
		}
	}
	to = to[l.scaleBytes():]
	binary.LittleEndian.PutUint32(to[4*j:], math.Float32bits(b.D))
	binary.LittleEndian.PutUint32(to[4*(Width+j):], math.Float32bits(b.M))
}
