package arrowipc

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// CheckValues checks the columns of a batch, so that reading their values does not
// access memory out of bounds. Texts need not be valid UTF-8. maxRows bounds the
// values of type Null, which take no bytes.
func CheckValues(b arrow.RecordBatch, maxRows int) (err error) {
	defer func() {
		if p := recover(); p != nil { // array.ValidateFull panics on some malformed data
			err = fmt.Errorf("%v", p)
		}
	}()
	for i, c := range b.Columns() {
		if err := checkColumn(c, maxRows); err != nil {
			return fmt.Errorf("column %s: %w", b.ColumnName(i), err)
		}
	}
	return nil
}

func checkColumn(a arrow.Array, maxRows int) error {
	if n := nulls(a.Data()); n > maxRows {
		return fmt.Errorf("it claims %d values", n)
	}
	data := forValidation(a.Data())
	defer data.Release()
	a = array.MakeFromData(data)
	defer a.Release()
	return array.ValidateFull(a)
}

// nulls returns the length of the longest array of type Null in data, or -1 if
// there is none.
func nulls(data arrow.ArrayData) int {
	if data.DataType().ID() == arrow.NULL {
		return data.Len()
	}
	n := -1
	for _, c := range data.Children() {
		n = max(n, nulls(c))
	}
	if d := dictionaryOf(data); d != nil {
		n = max(n, nulls(d))
	}
	return n
}

// dictionaryOf returns the dictionary of data, or nil.
func dictionaryOf(data arrow.ArrayData) arrow.ArrayData {
	if d, ok := data.Dictionary().(*array.Data); ok && d != nil {
		return d
	}
	return nil
}

// forValidation converts data, at any depth, to the form that array.ValidateFull
// requires: arrays of type Null get an empty buffer, which streams omit, and texts
// become binary, because they need not be valid UTF-8.
func forValidation(data arrow.ArrayData) arrow.ArrayData {
	of := data.DataType()
	if e, ok := of.(arrow.ExtensionType); ok {
		of = e.StorageType()
	}
	if of.ID() == arrow.NULL {
		return array.NewData(arrow.Null, data.Len(), []*memory.Buffer{nil}, nil, data.Len(), 0)
	}
	children := make([]arrow.ArrayData, len(data.Children()))
	types := make([]arrow.DataType, len(children))
	for i, c := range data.Children() {
		children[i] = forValidation(c)
		types[i] = children[i].DataType()
		defer children[i].Release()
	}
	if d, ok := of.(*arrow.DictionaryType); ok {
		if values := dictionaryOf(data); values != nil {
			values = forValidation(values)
			defer values.Release()
			of = &arrow.DictionaryType{IndexType: d.IndexType, ValueType: values.DataType(), Ordered: d.Ordered}
			return array.NewDataWithDictionary(of, data.Len(), data.Buffers(), data.NullN(), data.Offset(), values.(*array.Data))
		}
	}
	return array.NewData(over(of, types), data.Len(), data.Buffers(), children, data.NullN(), data.Offset())
}

// over returns the type with the layout of t, binary for text, over children of
// the given types.
func over(t arrow.DataType, children []arrow.DataType) arrow.DataType {
	replaced := func(fields []arrow.Field) []arrow.Field {
		if len(fields) == len(children) {
			for i := range fields {
				fields[i].Type = children[i]
			}
		}
		return fields
	}
	switch t := t.(type) {
	case *arrow.StringType:
		return arrow.BinaryTypes.Binary
	case *arrow.LargeStringType:
		return arrow.BinaryTypes.LargeBinary
	case *arrow.StringViewType:
		return arrow.BinaryTypes.BinaryView
	case *arrow.StructType:
		return arrow.StructOf(replaced(t.Fields())...)
	case *arrow.SparseUnionType:
		return arrow.SparseUnionOf(replaced(t.Fields()), t.TypeCodes())
	case *arrow.DenseUnionType:
		return arrow.DenseUnionOf(replaced(t.Fields()), t.TypeCodes())
	case *arrow.RunEndEncodedType:
		if len(children) == 2 {
			return arrow.RunEndEncodedOf(children[0], children[1])
		}
	}
	if len(children) != 1 {
		return t
	}
	switch t := t.(type) {
	case *arrow.ListType, *arrow.MapType: // both have the same layout
		return arrow.ListOf(children[0])
	case *arrow.LargeListType:
		return arrow.LargeListOf(children[0])
	case *arrow.ListViewType:
		return arrow.ListViewOf(children[0])
	case *arrow.LargeListViewType:
		return arrow.LargeListViewOf(children[0])
	case *arrow.FixedSizeListType:
		return arrow.FixedSizeListOf(t.Len(), children[0])
	}
	return t
}
