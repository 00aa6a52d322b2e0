package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
	"sort"
	"strings"
)

// Type is how a tensor's numbers are stored.
type Type uint32

const (
	F32  Type = 0
	F16  Type = 1
	Q4_0 Type = 2
	Q4_1 Type = 3
	Q8_0 Type = 8
)

// layout of one block: how many numbers it holds, in how many bytes.
type layout struct {
	name            string
	elements, bytes int
	// dequantize reads len(dst)/elements blocks; nil where this package does
	// not read the type and only knows its extent.
	dequantize func(dst []float32, src []byte)
}

var layouts = map[Type]layout{
	F32:  {"F32", 1, 4, dequantizeF32},
	F16:  {"F16", 1, 2, dequantizeF16},
	Q4_0: {"Q4_0", 32, 18, dequantizeQ4_0},
	Q4_1: {"Q4_1", 32, 20, dequantizeQ4_1},
	Q8_0: {"Q8_0", 32, 34, dequantizeQ8_0},
	6:    {"Q5_0", 32, 22, nil},
	7:    {"Q5_1", 32, 24, nil},
	9:    {"Q8_1", 32, 36, nil},
	10:   {"Q2_K", 256, 84, nil},
	11:   {"Q3_K", 256, 110, nil},
	12:   {"Q4_K", 256, 144, nil},
	13:   {"Q5_K", 256, 176, nil},
	14:   {"Q6_K", 256, 210, nil},
	15:   {"Q8_K", 256, 292, nil},
	20:   {"IQ4_NL", 32, 18, nil},
	23:   {"IQ4_XS", 256, 136, nil},
	24:   {"I8", 1, 1, nil},
	25:   {"I16", 1, 2, nil},
	26:   {"I32", 1, 4, nil},
	27:   {"I64", 1, 8, nil},
	28:   {"F64", 1, 8, nil},
	30:   {"BF16", 1, 2, nil},
}

func (t Type) String() string {
	if l, ok := layouts[t]; ok {
		return l.name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// Tensor is one named array of a file.
type Tensor struct {
	Name  string
	Type  Type
	Shape []int // the first is the contiguous dimension

	file         *File
	at, offsetAt int64 // where the entry, and the offset in it, stand
	offset, size int64 // of the data, in the file
}

// Rows is the number of rows: of all dimensions but the first.
func (t *Tensor) Rows() int {
	n := 1
	for _, d := range t.Shape[1:] {
		n *= d
	}
	return n
}

// Errorf gives an error about the tensor that says where it stands.
func (t *Tensor) Errorf(format string, args ...any) error {
	return &Error{File: t.file.Path, Offset: t.at, Tensor: t.Name, What: fmt.Sprintf(format, args...)}
}

func (t *Tensor) readable() error {
	if layouts[t.Type].dequantize != nil {
		return nil
	}
	var names []string
	for _, l := range layouts {
		if l.dequantize != nil {
			names = append(names, l.name)
		}
	}
	sort.Strings(names)
	return t.Errorf("it is stored as %s, which is not supported; use a file with %s", t.Type, strings.Join(names, ", "))
}

// Dequantize writes count rows, from row first on, to dst: count * Shape[0]
// numbers.
func (t *Tensor) Dequantize(dst []float32, first, count int) error {
	if err := t.readable(); err != nil {
		return err
	}
	k := t.Shape[0]
	if first < 0 || count < 0 || first > t.Rows()-count || len(dst) != count*k {
		return t.Errorf("rows %d to %d into %d numbers were asked for, of %v", first, first+count, len(dst), t.Shape)
	}
	l := layouts[t.Type]
	row := int64(k / l.elements * l.bytes)
	data := t.file.data[t.offset : t.offset+t.size]
	l.dequantize(dst, data[int64(first)*row:int64(first+count)*row])
	return nil
}

// The blocks: Q8_0 is d f16 | 32 i8 and means d*q. Q4_0 is d f16 | 16 bytes:
// the low halves are numbers 0 to 15, the high halves 16 to 31; d*(q-8).
// Q4_1 is d f16 | m f16 | 16 bytes, in that order; d*q + m.

func dequantizeF32(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

func dequantizeF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = half(src[2*i:])
	}
}

func dequantizeQ8_0(dst []float32, src []byte) {
	for len(dst) >= 32 {
		d := half(src)
		for i, q := range src[2:34] {
			dst[i] = d * float32(int8(q))
		}
		dst, src = dst[32:], src[34:]
	}
}

func dequantizeQ4_0(dst []float32, src []byte) {
	for len(dst) >= 32 {
		d := half(src)
		for i, q := range src[2:18] {
			dst[i] = d * float32(int(q&15)-8)
			dst[i+16] = d * float32(int(q>>4)-8)
		}
		dst, src = dst[32:], src[18:]
	}
}

func dequantizeQ4_1(dst []float32, src []byte) {
	for len(dst) >= 32 {
		d, m := half(src), half(src[2:])
		for i, q := range src[4:20] {
			// Conversions keep the product rounded on machines that would fuse.
			dst[i] = float32(d*float32(q&15)) + m
			dst[i+16] = float32(d*float32(q>>4)) + m
		}
		dst, src = dst[32:], src[20:]
	}
}

// half reads an IEEE 754 number of 16 bits.
func half(b []byte) float32 {
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
