package gguf

import "encoding/binary"

func readQ4_0(b *Block, src []byte) {
	b.D, b.M = binary.LittleEndian.Uint16(src), 0
	readNibbles(b, src[2:18])
}

func readQ4_1(b *Block, src []byte) {
	b.D, b.M = binary.LittleEndian.Uint16(src), binary.LittleEndian.Uint16(src[2:])
	readNibbles(b, src[4:20])
}

func readQ5_0(b *Block, src []byte) {
	b.D, b.M = binary.LittleEndian.Uint16(src), 0
	readNibbles(b, src[6:22])
	readFifths(b, src[2:6])
}

func readQ5_1(b *Block, src []byte) {
	b.D, b.M = binary.LittleEndian.Uint16(src), binary.LittleEndian.Uint16(src[2:])
	readNibbles(b, src[8:24])
	readFifths(b, src[4:8])
}

func readQ8_0(b *Block, src []byte) {
	b.D, b.M = binary.LittleEndian.Uint16(src), 0
	for i, q := range src[2:34] {
		b.Q[i] = q ^ 128
	}
}

// readNibbles reads the low 4 bits of 32 numbers.
func readNibbles(b *Block, low []byte) {
	for i := 0; i < 16; i += 8 {
		x := binary.LittleEndian.Uint64(low[i:])
		binary.LittleEndian.PutUint64(b.Q[i:], x&lowHalves)
		binary.LittleEndian.PutUint64(b.Q[16+i:], x>>4&lowHalves)
	}
}

// readFifths adds the fifth bit of 32 numbers.
func readFifths(b *Block, high []byte) {
	bits := binary.LittleEndian.Uint32(high)
	for i := range 32 {
		b.Q[i] |= bit(bits, i) << 4
	}
}
