package gguf

import (
	"fmt"
	"sort"
	"strings"

	"github.com/firesteel/firesteel/internal/weights/floats"
	"github.com/firesteel/firesteel/internal/weights/malformed"
	"github.com/firesteel/firesteel/internal/weights/mmap"
)

// Type is the number format of a tensor. Its value is the type number in GGUF files.
type Type uint32

// The supported types.
const (
	F32  Type = 0
	F16  Type = 1
	Q4_0 Type = 2
	Q4_1 Type = 3
	Q5_0 Type = 6
	Q5_1 Type = 7
	Q8_0 Type = 8
	Q2_K Type = 10
	Q3_K Type = 11
	Q4_K Type = 12
	Q5_K Type = 13
	Q6_K Type = 14
	BF16 Type = 30
)

// layout describes one block of a type.
type layout struct {
	name            string
	elements, bytes int // numbers in a block, and its size
	// dequantize converts len(dst)/elements blocks. It is nil for a type that is not
	// supported.
	dequantize func(dst []float32, src []byte)
}

var layouts = map[Type]layout{
	F32:  {"F32", 1, 4, floats.F32},
	F16:  {"F16", 1, 2, floats.F16},
	BF16: {"BF16", 1, 2, floats.BF16},
	Q4_0: {"Q4_0", 32, 18, dequantizeQ4_0},
	Q4_1: {"Q4_1", 32, 20, dequantizeQ4_1},
	Q5_0: {"Q5_0", 32, 22, dequantizeQ5_0},
	Q5_1: {"Q5_1", 32, 24, dequantizeQ5_1},
	Q8_0: {"Q8_0", 32, 34, dequantizeQ8_0},
	Q2_K: {"Q2_K", 256, 84, dequantizeQ2_K},
	Q3_K: {"Q3_K", 256, 110, dequantizeQ3_K},
	Q4_K: {"Q4_K", 256, 144, dequantizeQ4_K},
	Q5_K: {"Q5_K", 256, 176, dequantizeQ5_K},
	Q6_K: {"Q6_K", 256, 210, dequantizeQ6_K},

	9:  {"Q8_1", 32, 36, nil},
	15: {"Q8_K", 256, 292, nil},
	16: {"IQ2_XXS", 256, 66, nil},
	17: {"IQ2_XS", 256, 74, nil},
	18: {"IQ3_XXS", 256, 98, nil},
	19: {"IQ1_S", 256, 50, nil},
	20: {"IQ4_NL", 32, 18, nil},
	21: {"IQ3_S", 256, 110, nil},
	22: {"IQ2_S", 256, 82, nil},
	23: {"IQ4_XS", 256, 136, nil},
	24: {"I8", 1, 1, nil},
	25: {"I16", 1, 2, nil},
	26: {"I32", 1, 4, nil},
	27: {"I64", 1, 8, nil},
	28: {"F64", 1, 8, nil},
	29: {"IQ1_M", 256, 56, nil},
	34: {"TQ1_0", 256, 54, nil},
	35: {"TQ2_0", 256, 66, nil},
	39: {"MXFP4", 32, 17, nil},
}

func (t Type) String() string {
	if l, ok := layouts[t]; ok {
		return l.name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// Tensor is one named array in a file.
type Tensor struct {
	Name  string
	Type  Type
	Shape []int // the first dimension is contiguous

	file         *File
	at, offsetAt int64 // offsets of the entry and of the offset field in the entry
	offset, size int64 // of the data in the file
}

// Rows returns the number of rows: the product of all dimensions except the first.
func (t *Tensor) Rows() int {
	n := 1
	for _, d := range t.Shape[1:] {
		n *= d
	}
	return n
}

// Errorf returns an error that names the tensor, its file and the offset of its entry.
func (t *Tensor) Errorf(format string, args ...any) error {
	return &malformed.Error{File: t.file.Path, Offset: t.at, Tensor: t.Name, What: fmt.Sprintf(format, args...)}
}

// checkType returns an error if the type is not supported.
func (t *Tensor) checkType() error {
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
	return t.Errorf("the type %s is not supported; use a file with %s", t.Type, strings.Join(names, ", "))
}

// Dequantize converts count rows, beginning with row first, to float32 and writes them to dst.
// The length of dst must be count * Shape[0].
func (t *Tensor) Dequantize(dst []float32, first, count int) error {
	if err := t.checkType(); err != nil {
		return err
	}
	k := t.Shape[0]
	if first < 0 || count < 0 || first > t.Rows()-count || len(dst) != count*k {
		return t.Errorf("rows %d to %d of a tensor of shape %v do not fit a buffer of %d numbers", first, first+count, t.Shape, len(dst))
	}
	l := layouts[t.Type]
	row := int64(k / l.elements * l.bytes)
	data := t.file.data[t.offset : t.offset+t.size]
	l.dequantize(dst, data[int64(first)*row:int64(first+count)*row])
	return nil
}

// Forget releases the memory pages of the tensor's data. The data are read from the file again
// when they are needed.
func (t *Tensor) Forget() {
	if t.file.unmap != nil { // data that are not mapped cannot be read again
		mmap.Forget(t.file.data[t.offset : t.offset+t.size])
	}
}
