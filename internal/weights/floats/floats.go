// Package floats converts little-endian floating-point numbers of weight files to float32.
package floats

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// F32 converts len(dst) numbers of 4 bytes.
func F32(dst []float32, src []byte) {
	if littleEndian && len(dst) > 0 {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&dst[0])), 4*len(dst)), src[:4*len(dst)])
		return
	}
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

// littleEndian is whether this machine stores numbers as the files do.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// F16 converts len(dst) IEEE 754 half-precision numbers of 2 bytes.
func F16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = Half(src[2*i:])
	}
}

// BF16 converts len(dst) bfloat16 numbers of 2 bytes: the upper halves of 32-bit numbers.
func BF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
	}
}

// Half converts the IEEE 754 half-precision number in b[0] and b[1].
func Half(b []byte) float32 {
	h := uint32(b[0]) | uint32(b[1])<<8
	sign, exponent, fraction := h>>15<<31, h>>10&31, h&1023
	switch exponent {
	case 0: // zero and subnormal: fraction * 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*(1.0/(1<<24))))
	case 31: // infinity, NaN
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}
