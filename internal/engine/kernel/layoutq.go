package kernel

// LayoutQ is the layout of a MatrixQ: a block type of GGUF files.
type LayoutQ uint8

// The layouts. Weight i of an output is
//
//	d * q + m                   Q4_1 and Q5_1
//	d * (q - zero)              Q4_0, Q5_0 and Q8_0, with the zero points 8, 16 and 128
//	d * scale * q + m * min     Q4_K and Q5_K, with scale and min of its group of 32 inputs
//	d * scale * (q - 32)        Q6_K, with scale of its group of 16 inputs
//
// d and m are 16-bit floating-point numbers of a block, q is an unsigned number, and scale and min
// are signed 8-bit numbers.
const (
	Q4_0 LayoutQ = iota
	Q4_1
	Q5_0
	Q5_1
	Q8_0
	Q4_K
	Q5_K
	Q6_K
	layoutsQ
)

// formQ describes a layout.
type formQ struct {
	name  string
	bits  int  // of q
	block int  // inputs that share d and m: partQ, or 256 if groups have scales
	group int  // inputs that share a scale
	mins  bool // whether there are minima
	zero  int  // the zero point
}

var formsQ = [layoutsQ]formQ{
	Q4_0: {"Q4_0", 4, 32, 32, false, 8},
	Q4_1: {"Q4_1", 4, 32, 32, true, 0},
	Q5_0: {"Q5_0", 5, 32, 32, false, 16},
	Q5_1: {"Q5_1", 5, 32, 32, true, 0},
	Q8_0: {"Q8_0", 8, 32, 32, false, 128},
	Q4_K: {"Q4_K", 4, 256, 32, true, 0},
	Q5_K: {"Q5_K", 5, 256, 32, true, 0},
	Q6_K: {"Q6_K", 6, 256, 16, false, 32},
}

// String returns the name of the type in GGUF files.
func (l LayoutQ) String() string { return formsQ[l].name }

// Block returns the number of inputs in a block. The number of inputs of a matrix is a multiple of it.
func (l LayoutQ) Block() int { return formsQ[l].block }

// Size returns the size in bytes of a packed matrix of n outputs and k inputs.
func (l LayoutQ) Size(n, k int) int { return Pad(n) / Width * formsQ[l].panelBytes(k) }

// scaled reports whether groups have 8-bit scales.
func (f *formQ) scaled() bool { return f.block > partQ }

// partBytes returns the size of the weights of partQ inputs.
func (f *formQ) partBytes() int { return partQ / 8 * f.bits * Width }

// scaleBytes returns the size of the 8-bit scales and minima of a block.
func (f *formQ) scaleBytes() int {
	switch {
	case !f.scaled():
		return 0
	case f.mins:
		return 2 * f.block / f.group * Width
	}
	return f.block / f.group * Width
}

// factorBytes returns the size of d and m of a block.
func (f *formQ) factorBytes() int {
	if f.mins {
		return 4 * Width
	}
	return 2 * Width
}

// blockBytes returns the size of a block of 256 inputs.
func (f *formQ) blockBytes() int {
	return padBytes(f.block/partQ*f.partBytes() + f.scaleBytes() + f.factorBytes())
}

// panelBytes returns the size of a panel of k inputs.
func (f *formQ) panelBytes(k int) int {
	if f.scaled() {
		return k / f.block * f.blockBytes()
	}
	return padBytes(k / partQ * (f.partBytes() + f.factorBytes()))
}

// padBytes rounds a size up to cache lines.
func padBytes(n int) int { return (n + 63) / 64 * 64 }

// part returns the weights of the n-th partQ inputs of a panel of k inputs.
func (f *formQ) part(panel []uint8, n int) []uint8 {
	at := n * f.partBytes()
	if f.scaled() {
		perBlock := f.block / partQ
		at = n/perBlock*f.blockBytes() + n%perBlock*f.partBytes()
	}
	return panel[at:][:f.partBytes()]
}

// scales returns the 8-bit scales and then the minima of a block.
func (f *formQ) scales(panel []uint8, block int) []uint8 {
	return panel[block*f.blockBytes()+f.block/partQ*f.partBytes():][:f.scaleBytes()]
}

// factors returns d and then m of a block of a panel of k inputs.
func (f *formQ) factors(panel []uint8, k, block int) []uint8 {
	at := k/partQ*f.partBytes() + block*f.factorBytes()
	if f.scaled() {
		at = block*f.blockBytes() + f.block/partQ*f.partBytes() + f.scaleBytes()
	}
	return panel[at:][:f.factorBytes()]
}
