package gguf

import "encoding/binary"

// Block is the numbers of a row in a block: 256, or 32 of the types with smaller blocks. Number i of
// group g is
//
//	D*Q[i] + M                      Q4_1, Q5_1
//	D*(Q[i]-zero)                   Q4_0, Q5_0 and Q8_0, with zero = 8, 16 and 128
//	D*Scales[g]*Q[i] + M*Mins[g]    Q4_K, Q5_K: groups of 32
//	D*Scales[g]*(Q[i]-32)           Q6_K: groups of 16
type Block struct {
	Q            [superBlock]uint8
	Scales, Mins [superBlock / 16]int8
	D, M         uint16 // IEEE 754 half-precision numbers
}

var blockReaders = map[Type]func(b *Block, src []byte){
	Q4_0: readQ4_0, Q4_1: readQ4_1, Q5_0: readQ5_0, Q5_1: readQ5_1, Q8_0: readQ8_0, Q4_K: readQ4_K, Q5_K: readQ5_K, Q6_K: readQ6_K,
}

// Block reads block n of a row. It returns an error if the type has no such blocks.
func (t *Tensor) Block(row, n int, b *Block) error {
	read, l := blockReaders[t.Type], layouts[t.Type]
	if read == nil {
		return t.Errorf("the type %s has no blocks of integers", t.Type)
	}
	count := t.Shape[0] / l.elements
	if row < 0 || row >= t.Rows() || n < 0 || n >= count {
		return t.Errorf("block %d of row %d does not exist in a tensor of type %s and shape %v", n, row, t.Type, t.Shape)
	}
	size := int64(l.bytes)
	at := t.offset + (int64(row)*int64(count)+int64(n))*size
	read(b, t.file.data[at:at+size])
	return nil
}

func readQ4_K(b *Block, src []byte) {
	readScales(b, src)
	readLow(b, src[16:144])
}

func readQ5_K(b *Block, src []byte) {
	readScales(b, src)
	readLow(b, src[48:176])
	for g := range superBlock / 32 {
		for i := 0; i < 32; i += 8 {
			high := binary.LittleEndian.Uint64(src[16+i:]) >> g & 0x0101010101010101
			to := b.Q[32*g+i:]
			binary.LittleEndian.PutUint64(to, binary.LittleEndian.Uint64(to)|high<<4)
		}
	}
}

// readScales reads the scales and minima of Q4_K and Q5_K.
func readScales(b *Block, src []byte) {
	b.D, b.M = binary.LittleEndian.Uint16(src), binary.LittleEndian.Uint16(src[2:])^1<<15
	for g := range superBlock / 32 {
		s, t := scaleMin(src[4:16], g)
		b.Scales[g], b.Mins[g] = int8(s), int8(t)
	}
}

const lowHalves = 0x0f0f0f0f0f0f0f0f

// readLow reads the low 4 bits of Q4_K and Q5_K.
func readLow(b *Block, low []byte) {
	for plane := range superBlock / 64 {
		for i := 0; i < 32; i += 8 {
			x := binary.LittleEndian.Uint64(low[32*plane+i:])
			binary.LittleEndian.PutUint64(b.Q[64*plane+i:], x&lowHalves)
			binary.LittleEndian.PutUint64(b.Q[64*plane+32+i:], x>>4&lowHalves)
		}
	}
}

func readQ6_K(b *Block, src []byte) {
	low, high := src[:128], src[128:192]
	b.D, b.M = binary.LittleEndian.Uint16(src[208:]), 0
	for g, s := range src[192:208] {
		b.Scales[g] = int8(s)
	}
	for g := range superBlock / 32 {
		plane, top := low[g/4*64+g%2*32:], high[g/4*32:]
		for i := 0; i < 32; i += 8 {
			x := binary.LittleEndian.Uint64(plane[i:]) >> (g / 2 % 2 * 4) & lowHalves
			y := binary.LittleEndian.Uint64(top[i:]) >> (g % 4 * 2) & 0x0303030303030303
			binary.LittleEndian.PutUint64(b.Q[32*g+i:], x|y<<4)
		}
	}
}
