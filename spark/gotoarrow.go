package spark

import (
	"fmt"
	"reflect"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/sqltypes"
	"github.com/firesteel/firesteel/udf"
)

// appendGo appends a Go value to a builder. The builder's type is the one that
// typeOfGo and arrowType return for the value's type.
func appendGo(b array.Builder, v reflect.Value) error {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			b.AppendNull()
			return nil
		}
		v = v.Elem()
	}
	if (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.IsNil() {
		b.AppendNull()
		return nil
	}
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(v.Bool())
	case *array.Int8Builder:
		b.Append(int8(v.Int()))
	case *array.Int16Builder:
		b.Append(int16(v.Int()))
	case *array.Int32Builder:
		b.Append(int32(v.Int()))
	case *array.Int64Builder:
		b.Append(v.Int())
	case *array.Float32Builder:
		b.Append(float32(v.Float()))
	case *array.Float64Builder:
		b.Append(v.Float())
	case *array.StringBuilder:
		b.Append(v.String())
	case *array.BinaryBuilder:
		b.Append(v.Bytes())
	case *array.Date32Builder:
		year, month, day := time.Time(v.Interface().(udf.Date)).Date()
		b.Append(arrow.Date32FromTime(time.Date(year, month, day, 0, 0, 0, 0, time.UTC)))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.Interface().(time.Time).UnixMicro()))
	case *array.DurationBuilder:
		b.Append(arrow.Duration(time.Duration(v.Int()).Microseconds()))
	case *array.Decimal128Builder:
		t := b.Type().(*arrow.Decimal128Type)
		n, err := v.Interface().(Decimal).Rescale(int(t.Precision), int(t.Scale))
		if err != nil {
			return err
		}
		b.Append(decimal128.FromBigInt(n))
	case *array.MapBuilder: // before ListBuilder, which it embeds
		b.Append(true)
		for _, k := range v.MapKeys() {
			if err := appendGo(b.KeyBuilder(), k); err != nil {
				return sensitive.Errorf("key %s: %w", sensitive.Of(k), err)
			}
			if err := appendGo(b.ItemBuilder(), v.MapIndex(k)); err != nil {
				return sensitive.Errorf("key %s: %w", sensitive.Of(k), err)
			}
		}
	case *array.ListBuilder:
		b.Append(true)
		for i := range v.Len() {
			if err := appendGo(b.ValueBuilder(), v.Index(i)); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
	case *array.StructBuilder:
		fields, err := sqltypes.Fields(v.Type())
		if err != nil {
			return err
		}
		b.Append(true)
		for i, f := range fields {
			if err := appendGo(b.FieldBuilder(i), v.FieldByIndex(f.Index)); err != nil {
				return fmt.Errorf("field %s: %w", f.Name, err)
			}
		}
	default:
		return fmt.Errorf("a Go %s cannot be converted to the Arrow type %s", v.Type(), b.Type())
	}
	return nil
}
