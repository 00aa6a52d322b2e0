package safetensors

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/firesteel/firesteel/internal/weights/floats"
	"github.com/firesteel/firesteel/internal/weights/malformed"
	"github.com/firesteel/firesteel/internal/weights/mmap"
)

// Type is how a tensor's numbers are stored, by the format's own name.
type Type string

// The types that are read.
const (
	F32  Type = "F32"
	F16  Type = "F16"
	BF16 Type = "BF16"
)

// bits of one number of each type of the format.
var bits = map[Type]int{
	"BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "U32": 32, "I32": 32, "U64": 64, "I64": 64,
	F16: 16, BF16: 16, F32: 32, "F64": 64, "C64": 64,
	"F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E5M2FNUZ": 8, "F8_E4M3FNUZ": 8,
	"F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}

var readers = map[Type]func(dst []float32, src []byte){F32: floats.F32, F16: floats.F16, BF16: floats.BF16}

// Tensor is one named array.
type Tensor struct {
	Name  string
	Type  Type
	Shape []int // the last is the contiguous dimension: outputs, inputs

	part       *part
	at         int64 // where the entry stands
	begin, end int64 // of the data, in the file
}

// Rows is the number of rows: of all dimensions but the last.
func (t *Tensor) Rows() int {
	n := 1
	if len(t.Shape) > 1 {
		for _, d := range t.Shape[:len(t.Shape)-1] {
			n *= d
		}
	}
	return n
}

// width is the length of a row.
func (t *Tensor) width() int {
	if len(t.Shape) == 0 {
		return 1
	}
	return t.Shape[len(t.Shape)-1]
}

// Errorf gives an error about the tensor that says where it stands.
func (t *Tensor) Errorf(format string, args ...any) error {
	return &malformed.Error{File: t.part.path, Offset: t.at, Tensor: t.Name, What: fmt.Sprintf(format, args...)}
}

// Dequantize writes count rows, from row first on, to dst: count times the
// last dimension numbers.
func (t *Tensor) Dequantize(dst []float32, first, count int) error {
	read, ok := readers[t.Type]
	if !ok {
		return t.Errorf("it is stored as %s, which is not supported; use a file with BF16, F16, F32", t.Type)
	}
	k := t.width()
	if first < 0 || count < 0 || first > t.Rows()-count || len(dst) != count*k {
		return t.Errorf("rows %d to %d into %d numbers were asked for, of %v", first, first+count, len(dst), t.Shape)
	}
	row := int64(k * bits[t.Type] / 8)
	data := t.part.data[t.begin:t.end]
	read(dst, data[int64(first)*row:int64(first+count)*row])
	return nil
}

// place checks that the tensors of one file lie in its data one after the
// other, without gaps, and gives them in that order.
func place(p *part, start int64, tensors []*Tensor) error {
	slices.SortStableFunc(tensors, func(a, b *Tensor) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	end, last := start, (*Tensor)(nil)
	before := func() string {
		if last == nil {
			return "the header"
		}
		return fmt.Sprintf("the data of %q", last.Name)
	}
	for _, t := range tensors {
		switch {
		case t.end > p.size:
			return t.Errorf("its data, up to byte %d, reaches beyond the end of the file, %d bytes; the file is cut off", t.end, p.size)
		case t.begin < end:
			return t.Errorf("its data, from byte %d on, overlaps %s, which ends at %d", t.begin, before(), end)
		case t.begin > end:
			return t.Errorf("its data begins at byte %d, but %s ends at %d: nothing may lie between", t.begin, before(), end)
		}
		end, last = t.end, t
	}
	if end != p.size {
		return &malformed.Error{File: p.path, Offset: end, What: fmt.Sprintf("%d bytes follow %s, where the file has to end: it is damaged", p.size-end, before())}
	}
	return nil
}

// Forget says that the tensor has been read: its memory is free until it is
// read again.
func (t *Tensor) Forget() {
	if t.part.unmap != nil { // what is not mapped cannot be read again
		mmap.Forget(t.part.data[t.begin:t.end])
	}
}
