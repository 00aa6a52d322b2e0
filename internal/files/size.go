package files

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// sizeOf returns the approximate size of a batch's values in bytes, also if its
// arrays are slices of larger ones.
func sizeOf(batch arrow.RecordBatch) int64 {
	var n int64
	for _, a := range batch.Columns() {
		n += arraySize(a)
	}
	return n
}

func arraySize(a arrow.Array) int64 {
	n := int64(a.Len())
	switch a := a.(type) {
	case array.ExtensionArray:
		return arraySize(a.Storage())
	case *array.Dictionary:
		return 8 * n
	case interface{ ValueLen(int) int }: // text and bytes
		size := 8 * n
		for i := range int(n) {
			size += int64(a.ValueLen(i))
		}
		return size
	case *array.Struct:
		for k := range a.NumField() {
			n += arraySize(a.Field(k))
		}
		return n
	case array.ListLike:
		if a.Len() == 0 {
			return 0
		}
		from, _ := a.ValueOffsets(0)
		_, to := a.ValueOffsets(a.Len() - 1)
		part := array.NewSlice(a.ListValues(), from, max(from, to))
		defer part.Release()
		return 8*n + arraySize(part)
	}
	if t, ok := a.DataType().(arrow.FixedWidthDataType); ok {
		return n * int64(max(1, t.BitWidth()/8))
	}
	return 16 * n
}
