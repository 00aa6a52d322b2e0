package sqlexpr

import (
	"fmt"
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/columns"
)

// values returns the value of a row; nil is NULL.
type values func(i int) any

// nested is a value, not NULL, of a type without operators.
type nested struct{}

// read returns the values of an array. Texts share the memory of the array.
func read(a arrow.Array) values {
	var value values
	switch a := a.(type) {
	case *array.Null:
		return func(int) any { return nil }
	case *array.Dictionary:
		of := read(a.Dictionary())
		value = func(i int) any { return of(a.GetValueIndex(i)) }
	case *array.Boolean:
		value = func(i int) any { return a.Value(i) }
	case *array.Int8:
		value = func(i int) any { return int64(a.Value(i)) }
	case *array.Int16:
		value = func(i int) any { return int64(a.Value(i)) }
	case *array.Int32:
		value = func(i int) any { return int64(a.Value(i)) }
	case *array.Int64:
		value = func(i int) any { return a.Value(i) }
	case *array.Float32:
		value = func(i int) any { return float64(a.Value(i)) }
	case *array.Float64:
		value = func(i int) any { return a.Value(i) }
	case *array.Decimal128:
		scale := a.DataType().(arrow.DecimalType).GetScale()
		value = func(i int) any { return decimal{a.Value(i).BigInt(), scale} }
	case array.StringLike:
		value = func(i int) any { return a.Value(i) }
	case *array.Date32:
		value = func(i int) any { return int64(a.Value(i)) }
	case *array.Timestamp:
		value = func(i int) any { return int64(a.Value(i)) }
	default:
		value = func(int) any { return nested{} }
	}
	return func(i int) any {
		if a.IsNull(i) {
			return nil
		}
		return value(i)
	}
}

// Values of arrays, maps and structs that an expression constructs.
type (
	list     []any
	mapping  struct{ keys, values []any }
	fieldSet []any
)

// build makes an array of n values.
func build(mem memory.Allocator, t arrow.DataType, n int, of values) (arrow.Array, error) {
	b := array.NewBuilder(mem, t)
	defer b.Release()
	b.Reserve(n)
	for i := range n {
		if err := appendValue(b, of(i)); err != nil {
			return nil, err
		}
	}
	return b.NewArray(), nil
}

func appendValue(b array.Builder, v any) error {
	if v == nil {
		b.AppendNull()
		return nil
	}
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(v.(bool))
	case *array.Int8Builder:
		b.Append(int8(v.(int64)))
	case *array.Int16Builder:
		b.Append(int16(v.(int64)))
	case *array.Int32Builder:
		b.Append(int32(v.(int64)))
	case *array.Int64Builder:
		b.Append(v.(int64))
	case *array.Float32Builder:
		b.Append(float32(v.(float64)))
	case *array.Float64Builder:
		b.Append(asFloat(v))
	case *array.Decimal128Builder:
		b.Append(decimal128.FromBigInt(v.(decimal).unscaled))
	case array.StringLikeBuilder:
		b.Append(v.(string))
	case *array.Date32Builder:
		b.Append(arrow.Date32(v.(int64)))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.(int64)))
	case *array.MapBuilder:
		b.Append(true)
		m := v.(mapping)
		for k := range m.keys {
			if err := appendValue(b.KeyBuilder(), m.keys[k]); err != nil {
				return err
			}
			if err := appendValue(b.ItemBuilder(), m.values[k]); err != nil {
				return err
			}
		}
	case *array.ListBuilder:
		b.Append(true)
		for _, e := range v.(list) {
			if err := appendValue(b.ValueBuilder(), e); err != nil {
				return err
			}
		}
	case *array.StructBuilder:
		b.Append(true)
		for k, e := range v.(fieldSet) {
			if err := appendValue(b.FieldBuilder(k), e); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("values of type %s cannot be written", sqlType(b.Type()))
	}
	return nil
}

func asDecimal(v any) decimal {
	if n, ok := v.(int64); ok {
		return decimal{big.NewInt(n), 0}
	}
	return v.(decimal)
}

// within returns a field of a struct as an array, which is NULL where the struct is
// NULL.
func within(mem memory.Allocator, parent *array.Struct, k int) arrow.Array {
	child := parent.Field(k)
	if parent.NullN() == 0 || child.DataType().ID() == arrow.NULL {
		child.Retain()
		return child
	}
	data := child.Data()
	valid := memory.NewResizableBuffer(mem)
	defer valid.Release()
	valid.Resize(int(bitutil.BytesForBits(int64(data.Offset() + data.Len()))))
	clear(valid.Bytes())
	nulls := 0
	for i := range child.Len() {
		if parent.IsNull(i) || child.IsNull(i) {
			nulls++
		} else {
			bitutil.SetBit(valid.Bytes(), data.Offset()+i)
		}
	}
	buffers := append([]*memory.Buffer{valid}, data.Buffers()[1:]...)
	var masked *array.Data
	if d, ok := child.(*array.Dictionary); ok {
		masked = array.NewDataWithDictionary(data.DataType(), data.Len(), buffers, nulls, data.Offset(), d.Dictionary().Data().(*array.Data))
	} else {
		masked = array.NewData(data.DataType(), data.Len(), buffers, data.Children(), nulls, data.Offset())
	}
	defer masked.Release()
	return array.MakeFromData(masked)
}

// lookup returns the values of a key in a column of maps.
func lookup(m *array.Map, key string) values {
	keys, items := read(m.Keys()), read(m.Items())
	return func(i int) any {
		if columns.IsNull(m, i) {
			return nil
		}
		from, to := m.ValueOffsets(i)
		for k := int(from); k < int(to); k++ {
			if keys(k) == key {
				return items(k)
			}
		}
		return nil
	}
}
