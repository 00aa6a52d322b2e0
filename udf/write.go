package udf

import (
	"fmt"
	"reflect"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/firesteel/firesteel/internal/columns"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/sqltypes"
)

// writer appends a Go value to a builder.
type writer func(v reflect.Value) error

// newWriter returns a writer to the builder of arrowType. It appends NULL for nil.
func newWriter(t reflect.Type, b array.Builder) writer {
	if t.Kind() == reflect.Pointer {
		inner := newWriter(t.Elem(), b)
		return func(v reflect.Value) error {
			if v.IsNil() {
				b.AppendNull()
				return nil
			}
			return inner(v.Elem())
		}
	}
	write := newValueWriter(t, b)
	if !nilable(t) {
		return write
	}
	return func(v reflect.Value) error {
		if v.IsNil() {
			b.AppendNull()
			return nil
		}
		return write(v)
	}
}

func newValueWriter(t reflect.Type, b array.Builder) writer {
	switch b := b.(type) {
	case *array.BooleanBuilder:
		return func(v reflect.Value) error { b.Append(v.Bool()); return nil }
	case *array.Int8Builder:
		return func(v reflect.Value) error { b.Append(int8(v.Int())); return nil }
	case *array.Int16Builder:
		return func(v reflect.Value) error { b.Append(int16(v.Int())); return nil }
	case *array.Int32Builder:
		return func(v reflect.Value) error { b.Append(int32(v.Int())); return nil }
	case *array.Int64Builder:
		return func(v reflect.Value) error { b.Append(v.Int()); return nil }
	case *array.Float32Builder:
		return func(v reflect.Value) error { b.Append(float32(v.Float())); return nil }
	case *array.Float64Builder:
		return func(v reflect.Value) error { b.Append(v.Float()); return nil }
	case array.StringLikeBuilder:
		return func(v reflect.Value) error {
			if err := columns.RoomFor(b, v.Len()); err != nil {
				return err
			}
			b.Append(v.String())
			return nil
		}
	case *array.BinaryBuilder: // of BINARY and LARGE_BINARY
		return func(v reflect.Value) error {
			if err := columns.RoomFor(b, v.Len()); err != nil {
				return err
			}
			b.Append(v.Bytes())
			return nil
		}
	case *array.TimestampBuilder:
		return func(v reflect.Value) error {
			b.Append(arrow.Timestamp(v.Interface().(time.Time).UnixMicro()))
			return nil
		}
	case *array.Date32Builder:
		return func(v reflect.Value) error {
			year, month, day := time.Time(v.Interface().(Date)).Date()
			b.Append(arrow.Date32FromTime(time.Date(year, month, day, 0, 0, 0, 0, time.UTC)))
			return nil
		}
	case *array.DurationBuilder:
		return func(v reflect.Value) error {
			b.Append(arrow.Duration(time.Duration(v.Int()).Microseconds()))
			return nil
		}
	case *array.Decimal128Builder:
		return func(v reflect.Value) error {
			n, err := v.Interface().(sqltypes.Decimal).Rescale(sqltypes.MaxPrecision, decimalScale)
			if err != nil {
				return err
			}
			b.Append(decimal128.FromBigInt(n))
			return nil
		}
	case *array.MapBuilder:
		key, item := newWriter(t.Key(), b.KeyBuilder()), newWriter(t.Elem(), b.ItemBuilder())
		return func(v reflect.Value) error {
			b.Append(true)
			for of := v.MapRange(); of.Next(); {
				if err := key(of.Key()); err != nil {
					return fmt.Errorf("a key: %w", err)
				}
				if err := item(of.Value()); err != nil {
					return sensitive.Errorf("key %s: %w", sensitive.Of(of.Key()), err)
				}
			}
			return nil
		}
	case *array.ListBuilder:
		element := newWriter(t.Elem(), b.ValueBuilder())
		return func(v reflect.Value) error {
			b.Append(true)
			for i := range v.Len() {
				if err := element(v.Index(i)); err != nil {
					return fmt.Errorf("element %d: %w", i, err)
				}
			}
			return nil
		}
	case *array.StructBuilder:
		return structWriter(t, b)
	}
	panic(fmt.Sprintf("udf: no writer for a Go %s as %s", t, b.Type()))
}

func structWriter(t reflect.Type, b *array.StructBuilder) writer {
	fields, _ := sqltypes.Fields(t) // declare checks the type
	write := make([]writer, len(fields))
	for i, f := range fields {
		write[i] = newWriter(f.Type, b.FieldBuilder(i))
	}
	return func(v reflect.Value) error {
		b.Append(true)
		for i, f := range fields {
			if err := write[i](v.FieldByIndex(f.Index)); err != nil {
				return fmt.Errorf("field %s: %w", f.Name, err)
			}
		}
		return nil
	}
}

// columnOf converts a slice to a column of the given number of rows. row is the row
// of each element, or nil if it is the index. Other rows are NULL.
func (f *Function) columnOf(s Settings, values reflect.Value, rows int, row []int) (arrow.Array, error) {
	of, err := arrowType(f.returns, s, 0)
	if err != nil {
		return nil, err
	}
	b := array.NewBuilder(s.Allocator, of)
	defer b.Release()
	b.Reserve(rows)
	write := newWriter(f.returns, b)
	for i := range values.Len() {
		if row != nil {
			b.AppendNulls(row[i] - b.Len())
		}
		if err := write(values.Index(i)); err != nil {
			return nil, fmt.Errorf("result %d: %w", i, err)
		}
	}
	b.AppendNulls(rows - b.Len())
	return b.NewArray(), nil
}
