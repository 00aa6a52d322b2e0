package spark

import (
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/internal/columns"
)

// valueAt returns a copy of a value of an Arrow array, in one of the Go types
// that Row lists.
func valueAt(a arrow.Array, i int) (any, error) {
	if a.IsNull(i) {
		return nil, nil
	}
	switch a := a.(type) {
	case *array.Null:
		return nil, nil
	case *array.Boolean:
		return a.Value(i), nil
	case *array.Int8:
		return a.Value(i), nil
	case *array.Int16:
		return a.Value(i), nil
	case *array.Int32:
		return a.Value(i), nil
	case *array.Int64:
		return a.Value(i), nil
	case *array.Float32:
		return a.Value(i), nil
	case *array.Float64:
		return a.Value(i), nil
	case *array.String:
		return string([]byte(a.Value(i))), nil
	case *array.LargeString:
		return string([]byte(a.Value(i))), nil
	case *array.Binary:
		return append([]byte{}, a.Value(i)...), nil
	case *array.LargeBinary:
		return append([]byte{}, a.Value(i)...), nil
	case *array.Decimal128:
		return Decimal{Unscaled: a.Value(i).BigInt(), Scale: int(a.DataType().(*arrow.Decimal128Type).Scale)}, nil
	case *array.Date32:
		return a.Value(i).ToTime(), nil
	case *array.Timestamp:
		return a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit), nil
	case *array.Time64:
		return time.Duration(a.Value(i)) * a.DataType().(*arrow.Time64Type).Unit.Multiplier(), nil
	case *array.Duration:
		return time.Duration(a.Value(i)) * a.DataType().(*arrow.DurationType).Unit.Multiplier(), nil
	case *array.MonthInterval:
		return int32(a.Value(i)), nil
	case *array.MonthDayNanoInterval:
		return a.Value(i), nil
	case *array.Map: // before List, which it embeds
		return mapAt(a, i)
	case *array.List:
		start, end := a.ValueOffsets(i)
		return listAt(a.ListValues(), int(start), int(end))
	case *array.LargeList:
		start, end := a.ValueOffsets(i)
		return listAt(a.ListValues(), int(start), int(end))
	case *array.Struct:
		if text, ok, err := columns.Variant(a, i); ok || err != nil {
			return text, err
		}
		return structAt(a, i)
	}
	return nil, fmt.Errorf("values of Arrow type %s are not supported", a.DataType())
}

func listAt(values arrow.Array, start, end int) ([]any, error) {
	list := make([]any, 0, end-start)
	for j := start; j < end; j++ {
		v, err := valueAt(values, j)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// mapAt returns a map. A key that Go cannot compare becomes text.
func mapAt(a *array.Map, i int) (map[any]any, error) {
	start, end := a.ValueOffsets(i)
	m := make(map[any]any, end-start)
	for j := int(start); j < int(end); j++ {
		key, err := valueAt(a.Keys(), j)
		if err != nil {
			return nil, err
		}
		value, err := valueAt(a.Items(), j)
		if err != nil {
			return nil, err
		}
		switch k := key.(type) {
		case []byte:
			key = string(k)
		case Decimal, []any, map[any]any, Row:
			key = fmt.Sprint(k)
		}
		m[key] = value
	}
	return m, nil
}

func structAt(a *array.Struct, i int) (Row, error) {
	fields := a.DataType().(*arrow.StructType).Fields()
	names := make([]string, len(fields))
	values := make([]any, len(fields))
	for j, f := range fields {
		v, err := valueAt(a.Field(j), i)
		if err != nil {
			return Row{}, fmt.Errorf("field %s: %w", f.Name, err)
		}
		names[j], values[j] = f.Name, v
	}
	return Row{names, values}, nil
}
