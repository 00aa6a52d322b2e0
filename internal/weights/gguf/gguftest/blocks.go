package gguftest

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
)

// Blocks returns random data for count numbers of a GGUF type. kind is the number of a
// supported type. The numbers have a mean of about 0 and a standard deviation of about 0.15.
func Blocks(r *rand.Rand, kind uint32, count int) []byte {
	le := binary.LittleEndian
	var data []byte
	switch kind {
	case 0, 1, 30:
		for _, v := range normal(r, 0, .15, count) {
			switch bits := math.Float32bits(v); kind {
			case 0:
				data = le.AppendUint32(data, bits)
			case 1:
				data = le.AppendUint16(data, half(v))
			case 30:
				data = le.AppendUint16(data, uint16(bits>>16))
			}
		}
		return data
	}
	l, ok := blocks[kind]
	if !ok {
		panic(fmt.Sprintf("gguftest: blocks of type %d", kind))
	}
	for range count / l.elements {
		block := make([]byte, l.bytes)
		for i := range block {
			block[i] = byte(r.Uint32())
		}
		le.PutUint16(block[l.dAt:], half(l.d))
		if l.m != 0 {
			le.PutUint16(block[l.mAt:], half(l.m))
		}
		data = append(data, block...)
	}
	return data
}

// blocks holds the layout of each block type: the offsets of the 16-bit scales d and m, and
// values for them that give random bits a mean near 0. Types with m = 0 have no m.
var blocks = map[uint32]struct {
	elements, bytes int
	dAt             int
	d               float32
	mAt             int
	m               float32
}{
	2:  {32, 18, 0, 1. / (1 << 5), 0, 0},
	3:  {32, 20, 0, 1. / (1 << 5), 2, -7.5 / (1 << 5)},
	6:  {32, 22, 0, 1. / (1 << 6), 0, 0},
	7:  {32, 24, 0, 1. / (1 << 6), 2, -15.5 / (1 << 6)},
	8:  {32, 34, 0, 1. / (1 << 9), 0, 0},
	10: {256, 84, 80, 1. / (1 << 6), 82, 1.5 / (1 << 6)},
	11: {256, 110, 108, 1. / (1 << 8), 0, 0},
	12: {256, 144, 0, 1. / (1 << 10), 2, 7.5 / (1 << 10)},
	13: {256, 176, 0, 1. / (1 << 11), 2, 15.5 / (1 << 11)},
	14: {256, 210, 208, 1. / (1 << 13), 0, 0},
}

// half truncates v to half precision. It returns zero if v is out of range.
func half(v float32) uint16 {
	bits := math.Float32bits(v)
	sign, exponent := bits>>16&0x8000, int(bits>>23&255)-112
	if exponent <= 0 || exponent >= 31 {
		return uint16(sign)
	}
	return uint16(sign | uint32(exponent)<<10 | bits>>13&1023)
}
