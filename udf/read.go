package udf

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/internal/columns"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/sqltypes"
)

// reader sets a Go value to the value in row i of an array.
type reader func(i int, to reflect.Value) error

// newReader returns a reader that converts NULL to nil, or returns an error if the
// type has no nil.
func newReader(t reflect.Type, a arrow.Array) (reader, error) {
	read, err := newValueReader(t, a)
	if err != nil {
		return nil, err
	}
	canBeNil := nilable(t)
	return func(i int, to reflect.Value) error {
		if !isNull(a, i) {
			return read(i, to)
		}
		if !canBeNil {
			return fmt.Errorf("the value is NULL, which the Go type %s cannot hold; use *%s", t, t)
		}
		to.SetZero()
		return nil
	}, nil
}

// isNull reports whether row i is NULL, also in a column of type NULL, for which
// IsNull of Arrow is false.
func isNull(a arrow.Array, i int) bool {
	return a.DataType().ID() == arrow.NULL || a.IsNull(i)
}

// newValueReader returns a reader for values that are not NULL.
func newValueReader(t reflect.Type, a arrow.Array) (reader, error) {
	if a.DataType().ID() == arrow.NULL {
		return func(int, reflect.Value) error { return nil }, nil // never called
	}
	if t.Kind() == reflect.Pointer {
		inner, err := newReader(t.Elem(), a)
		if err != nil {
			return nil, err
		}
		return func(i int, to reflect.Value) error {
			to.Set(reflect.New(t.Elem()))
			return inner(i, to.Elem())
		}, nil
	}
	switch t {
	case timeType, dateType:
		return timeReader(t, a)
	case decimalType:
		return decimalReader(a)
	case durationType:
		if d, ok := a.(*array.Duration); ok {
			unit := d.DataType().(*arrow.DurationType).Unit.Multiplier()
			return func(i int, to reflect.Value) error { to.SetInt(int64(d.Value(i)) * int64(unit)); return nil }, nil
		}
		return nil, mismatch(t, a)
	}
	switch t.Kind() {
	case reflect.Bool:
		if b, ok := a.(*array.Boolean); ok {
			return func(i int, to reflect.Value) error { to.SetBool(b.Value(i)); return nil }, nil
		}
	case reflect.String:
		if s, ok := a.(array.StringLike); ok {
			return func(i int, to reflect.Value) error { to.SetString(strings.Clone(s.Value(i))); return nil }, nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if number := columns.Integers(a); number != nil {
			return func(i int, to reflect.Value) error {
				n := number(i)
				if to.OverflowInt(n) {
					return sensitive.Errorf("%s does not fit a %s", sensitive.Of(n), t)
				}
				to.SetInt(n)
				return nil
			}, nil
		}
	case reflect.Float32, reflect.Float64:
		if number := floats(a); number != nil {
			return func(i int, to reflect.Value) error {
				n := number(i)
				if to.OverflowFloat(n) && !math.IsInf(n, 0) {
					return sensitive.Errorf("%s does not fit a %s", sensitive.Of(n), t)
				}
				to.SetFloat(n)
				return nil
			}, nil
		}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			if b, ok := a.(interface{ Value(int) []byte }); ok {
				return func(i int, to reflect.Value) error { to.SetBytes(append([]byte{}, b.Value(i)...)); return nil }, nil
			}
			return nil, mismatch(t, a)
		}
		return listReader(t, a)
	case reflect.Map:
		return mapReader(t, a)
	case reflect.Struct:
		return structReader(t, a)
	}
	return nil, mismatch(t, a)
}

// mismatch reports the type of a column and the expected one.
func mismatch(t reflect.Type, a arrow.Array) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return fmt.Errorf("it is %s, but must be %s (a Go %s); CAST it", columns.SQLType(a.DataType()), sqlOf(t), t)
}

// floats reads a column of numbers of any type, or returns nil. In SQL, 1.5 is a
// DECIMAL.
func floats(a arrow.Array) func(i int) float64 {
	switch a := a.(type) {
	case *array.Float32:
		return func(i int) float64 { return float64(a.Value(i)) }
	case *array.Float64:
		return a.Value
	case *array.Decimal128:
		scale := a.DataType().(*arrow.Decimal128Type).Scale
		return func(i int) float64 {
			return sqltypes.Decimal{Unscaled: a.Value(i).BigInt(), Scale: int(scale)}.Float64()
		}
	}
	if number := columns.Integers(a); number != nil {
		return func(i int) float64 { return float64(number(i)) }
	}
	return nil
}

func decimalReader(a arrow.Array) (reader, error) {
	set := func(to reflect.Value, d sqltypes.Decimal) error { to.Set(reflect.ValueOf(d)); return nil }
	if d, ok := a.(*array.Decimal128); ok {
		scale := int(d.DataType().(*arrow.Decimal128Type).Scale)
		return func(i int, to reflect.Value) error {
			return set(to, sqltypes.Decimal{Unscaled: d.Value(i).BigInt(), Scale: scale})
		}, nil
	}
	if number := columns.Integers(a); number != nil {
		return func(i int, to reflect.Value) error { return set(to, sqltypes.DecimalOf(number(i))) }, nil
	}
	return nil, mismatch(decimalType, a)
}

func timeReader(t reflect.Type, a arrow.Array) (reader, error) {
	var at func(i int) time.Time
	switch a := a.(type) {
	case *array.Date32:
		at = func(i int) time.Time { return a.Value(i).ToTime() }
	case *array.Timestamp:
		unit := a.DataType().(*arrow.TimestampType).Unit
		at = func(i int) time.Time { return a.Value(i).ToTime(unit) }
	}
	_, isDate := a.(*array.Date32)
	if at == nil || t == dateType && !isDate {
		return nil, mismatch(t, a)
	}
	return func(i int, to reflect.Value) error { to.Set(reflect.ValueOf(at(i)).Convert(t)); return nil }, nil
}

func listReader(t reflect.Type, a arrow.Array) (reader, error) {
	list, ok := a.(array.ListLike)
	if _, isMap := a.(*array.Map); !ok || isMap {
		return nil, mismatch(t, a)
	}
	element, err := newReader(t.Elem(), list.ListValues())
	if err != nil {
		return nil, fmt.Errorf("its elements: %w", err)
	}
	return func(i int, to reflect.Value) error {
		from, end := list.ValueOffsets(i)
		n := int(end - from)
		s := reflect.MakeSlice(t, n, n)
		for k := range n {
			if err := element(int(from)+k, s.Index(k)); err != nil {
				return fmt.Errorf("element %d: %w", k, err)
			}
		}
		to.Set(s)
		return nil
	}, nil
}

func mapReader(t reflect.Type, a arrow.Array) (reader, error) {
	m, ok := a.(*array.Map)
	if !ok {
		return nil, mismatch(t, a)
	}
	key, err := newReader(t.Key(), m.Keys())
	if err != nil {
		return nil, fmt.Errorf("its keys: %w", err)
	}
	item, err := newReader(t.Elem(), m.Items())
	if err != nil {
		return nil, fmt.Errorf("its values: %w", err)
	}
	return func(i int, to reflect.Value) error {
		from, end := m.ValueOffsets(i)
		out := reflect.MakeMapWithSize(t, int(end-from))
		for k := int(from); k < int(end); k++ {
			name, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
			if err := key(k, name); err != nil {
				return fmt.Errorf("a key: %w", err)
			}
			if err := item(k, value); err != nil {
				return sensitive.Errorf("key %s: %w", sensitive.Of(name), err)
			}
			out.SetMapIndex(name, value)
		}
		to.Set(out)
		return nil
	}, nil
}

// structReader reads the fields of the Go struct by name and ignores other fields of
// the column.
func structReader(t reflect.Type, a arrow.Array) (reader, error) {
	s, ok := a.(*array.Struct)
	if !ok {
		return nil, mismatch(t, a)
	}
	fields, err := sqltypes.Fields(t)
	if err != nil {
		return nil, err
	}
	read := make([]reader, len(fields))
	of := s.DataType().(*arrow.StructType)
	for k, f := range fields {
		at := fieldIndex(of, f.Name)
		if at < 0 {
			return nil, fmt.Errorf("it is %s, which has no field %s", columns.SQLType(of), f.Name)
		}
		if read[k], err = newReader(f.Type, s.Field(at)); err != nil {
			return nil, fmt.Errorf("its field %s: %w", f.Name, err)
		}
	}
	return func(i int, to reflect.Value) error {
		for k, f := range fields {
			if err := read[k](i, to.FieldByIndex(f.Index)); err != nil {
				return fmt.Errorf("field %s: %w", f.Name, err)
			}
		}
		return nil
	}, nil
}

// fieldIndex finds a field by its name: equal, or else equal except for case.
func fieldIndex(t *arrow.StructType, name string) int {
	folded := -1
	for i, f := range t.Fields() {
		if f.Name == name {
			return i
		}
		if folded < 0 && strings.EqualFold(f.Name, name) {
			folded = i
		}
	}
	return folded
}
