package safetensors

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/firesteel/firesteel/internal/weights/floats"
	"github.com/firesteel/firesteel/internal/weights/malformed"
	"github.com/firesteel/firesteel/internal/weights/mmap"
)

// Type is the number format of a tensor, by its name in the safetensors format.
type Type string

// The supported types.
const (
	F32  Type = "F32"
	F16  Type = "F16"
	BF16 Type = "BF16"
)

// bits are the sizes of the types of the format in bits.
var bits = map[Type]int{
	"BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "U32": 32, "I32": 32, "U64": 64, "I64": 64,
	F16: 16, BF16: 16, F32: 32, "F64": 64, "C64": 64,
	"F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E5M2FNUZ": 8, "F8_E4M3FNUZ": 8,
	"F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}

var readers = map[Type]func(dst []float32, src []byte){F32: floats.F32, F16: floats.F16, BF16: floats.BF16}

// Tensor is one named array in a file.
type Tensor struct {
	Name  string
	Type  Type
	Shape []int // the last dimension is contiguous: outputs, inputs

	part       *part
	at         int64 // offset of the entry in the file
	begin, end int64 // of the data in the file
}

// Rows returns the number of rows: the product of all dimensions except the last.
func (t *Tensor) Rows() int {
	n := 1
	if len(t.Shape) > 1 {
		for _, d := range t.Shape[:len(t.Shape)-1] {
			n *= d
		}
	}
	return n
}

// width returns the length of a row.
func (t *Tensor) width() int {
	if len(t.Shape) == 0 {
		return 1
	}
	return t.Shape[len(t.Shape)-1]
}

// Errorf returns an error that names the tensor, its file and the offset of its entry.
func (t *Tensor) Errorf(format string, args ...any) error {
	return &malformed.Error{File: t.part.path, Offset: t.at, Tensor: t.Name, What: fmt.Sprintf(format, args...)}
}

// Dequantize converts count rows, beginning with row first, to float32 and writes them to dst.
// The length of dst must be count times the last dimension.
func (t *Tensor) Dequantize(dst []float32, first, count int) error {
	read, ok := readers[t.Type]
	if !ok {
		return t.Errorf("the type %s is not supported; use a file with BF16, F16 or F32", t.Type)
	}
	k := t.width()
	if first < 0 || count < 0 || first > t.Rows()-count || len(dst) != count*k {
		return t.Errorf("rows %d to %d of a tensor of shape %v do not fit a buffer of %d numbers", first, first+count, t.Shape, len(dst))
	}
	row := int64(k * bits[t.Type] / 8)
	data := t.part.data[t.begin:t.end]
	read(dst, data[int64(first)*row:int64(first+count)*row])
	return nil
}

// place sorts the tensors of a file by the offset of their data. It checks that the data follow
// each other without gaps or overlaps and fill the file.
func place(p *part, start int64, tensors []*Tensor) error {
	slices.SortStableFunc(tensors, func(a, b *Tensor) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	end, last := start, (*Tensor)(nil)
	previous := func() string {
		if last == nil {
			return "the header"
		}
		return fmt.Sprintf("the data of %q", last.Name)
	}
	for _, t := range tensors {
		switch {
		case t.end > p.size:
			return t.Errorf("its data end at byte %d, beyond the end of the file, %d bytes; the file is truncated", t.end, p.size)
		case t.begin < end:
			return t.Errorf("its data begin at byte %d, before byte %d, the end of %s: tensors must not overlap", t.begin, end, previous())
		case t.begin > end:
			return t.Errorf("its data begin at byte %d, after byte %d, the end of %s: gaps are not allowed", t.begin, end, previous())
		}
		end, last = t.end, t
	}
	if end != p.size {
		return &malformed.Error{File: p.path, Offset: end, What: fmt.Sprintf("unexpected data of %d bytes after %s", p.size-end, previous())}
	}
	return nil
}

// Forget releases the memory pages of the tensor's data. The data are read from the file again
// when they are needed.
func (t *Tensor) Forget() {
	if t.part.unmap != nil { // data that are not mapped cannot be read again
		mmap.Forget(t.part.data[t.begin:t.end])
	}
}
