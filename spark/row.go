package spark

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/sqltypes"
	"github.com/firesteel/firesteel/udf"
)

// Row is one row of a result. Its values have these Go types; nil is NULL:
//
//	BOOLEAN bool, TINYINT int8, SMALLINT int16, INT int32, BIGINT int64,
//	FLOAT float32, DOUBLE float64, DECIMAL Decimal, STRING string,
//	BINARY []byte, DATE and TIMESTAMP and TIMESTAMP_NTZ time.Time in UTC,
//	ARRAY []any, MAP map[any]any, STRUCT Row, VARIANT string (JSON), TIME time.Duration,
//	INTERVAL time.Duration (of days to seconds), int32 (of months) or
//	arrow.MonthDayNanoInterval (of both)
//
// The keys of a map have these types too, except for types that Go cannot
// compare: BINARY becomes a string, and DECIMAL, ARRAY and STRUCT become text.
type Row struct {
	names  []string // shared by the rows of a batch
	values []any
}

// Len returns the number of columns.
func (r Row) Len() int { return len(r.values) }

// Names returns the names of the columns. The caller must not change the slice.
func (r Row) Names() []string { return r.names }

// At returns the value of column i, counted from 0. It panics if i is out of
// range.
func (r Row) At(i int) any { return r.values[i] }

// Value returns the value of a column by name, and reports whether the column
// exists. An exact match takes precedence over a case-insensitive one.
func (r Row) Value(name string) (any, bool) {
	if i := indexOf(r.names, name); i >= 0 {
		return r.values[i], true
	}
	return nil, false
}

// Map returns the values by the names of the columns. Of several columns with a name, it has the last.
func (r Row) Map() map[string]any {
	m := make(map[string]any, len(r.values))
	for i, name := range r.names {
		m[name] = r.values[i]
	}
	return m
}

func (r Row) String() string {
	var b strings.Builder
	for i, v := range r.values {
		if i > 0 {
			b.WriteString(" ")
		}
		fmt.Fprintf(&b, "%s=%v", r.names[i], v)
	}
	return "[" + b.String() + "]"
}

func indexOf(names []string, name string) int {
	folded := -1
	for i, n := range names {
		if n == name {
			return i
		}
		if folded < 0 && strings.EqualFold(n, name) {
			folded = i
		}
	}
	return folded
}

// Get returns the value of a column as a T: the Go type of the column, a wider
// numeric type, a pointer (nil for NULL), a slice, a map, or a struct as in Scan.
func Get[T any](r Row, name string) (T, error) {
	var t T
	v, ok := r.Value(name)
	if !ok {
		return t, fmt.Errorf("there is no column %q; the columns are: %s", name, strings.Join(r.names, ", "))
	}
	if err := assign(reflect.ValueOf(&t).Elem(), v); err != nil {
		return t, fmt.Errorf("column %s: %w", name, err)
	}
	return t, nil
}

// Scan sets the fields of the struct that target points to, from the columns
// with their names (see CreateDataFrame). It ignores columns without a field. A
// field without a column is an error.
func (r Row) Scan(target any) error {
	p := reflect.ValueOf(target)
	if p.Kind() != reflect.Pointer || p.IsNil() || p.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("the target of Scan must be a pointer to a struct, not %T", target)
	}
	return r.scan(p.Elem())
}

func (r Row) scan(s reflect.Value) error {
	fields, err := sqltypes.Fields(s.Type())
	if err != nil {
		return err
	}
	for _, f := range fields {
		v, ok := r.Value(f.Name)
		if !ok {
			return fmt.Errorf("field %s of %s: there is no column %q; the columns are: %s", f.GoName, s.Type(), f.Name, strings.Join(r.names, ", "))
		}
		if err := assign(s.FieldByIndex(f.Index), v); err != nil {
			return fmt.Errorf("column %s: %w", f.Name, err)
		}
	}
	return nil
}

// assign converts v to the type of to. It fails if the conversion would lose
// information.
func assign(to reflect.Value, v any) error {
	if to.Kind() == reflect.Pointer {
		if v == nil {
			to.SetZero()
			return nil
		}
		to.Set(reflect.New(to.Type().Elem()))
		return assign(to.Elem(), v)
	}
	if to.Kind() == reflect.Interface && to.NumMethod() == 0 {
		if v == nil {
			to.SetZero()
			return nil
		}
		to.Set(reflect.ValueOf(v))
		return nil
	}
	if v == nil {
		if k := to.Kind(); k == reflect.Slice || k == reflect.Map {
			to.SetZero()
			return nil
		}
		return fmt.Errorf("the value is NULL, which the Go type %s cannot hold; use *%s", to.Type(), to.Type())
	}
	from := reflect.ValueOf(v)
	if from.Type().AssignableTo(to.Type()) {
		to.Set(from)
		return nil
	}
	switch x := v.(type) {
	case time.Time:
		if to.Type() == dateType {
			if x.UTC().Truncate(24*time.Hour) != x.UTC() {
				return sensitive.Errorf("%s has a time of the day, which a udf.Date cannot hold", sensitive.Of(x))
			}
			to.Set(reflect.ValueOf(udf.Date(x)))
			return nil
		}
	case Row:
		if to.Kind() == reflect.Struct {
			return x.scan(to)
		}
	case []any:
		if to.Kind() == reflect.Slice {
			list := reflect.MakeSlice(to.Type(), len(x), len(x))
			for i, e := range x {
				if err := assign(list.Index(i), e); err != nil {
					return fmt.Errorf("element %d: %w", i, err)
				}
			}
			to.Set(list)
			return nil
		}
	case map[any]any:
		if to.Kind() == reflect.Map {
			m := reflect.MakeMapWithSize(to.Type(), len(x))
			for k, e := range x {
				key, value := reflect.New(to.Type().Key()).Elem(), reflect.New(to.Type().Elem()).Elem()
				if err := assign(key, k); err != nil {
					return sensitive.Errorf("key %s: %w", sensitive.Of(k), err)
				}
				if err := assign(value, e); err != nil {
					return sensitive.Errorf("key %s: %w", sensitive.Of(k), err)
				}
				m.SetMapIndex(key, value)
			}
			to.Set(m)
			return nil
		}
	case Decimal:
		if to.CanFloat() {
			to.SetFloat(x.Float64())
			return nil
		}
	}
	return assignScalar(to, from)
}

func assignScalar(to, from reflect.Value) error {
	switch {
	case to.Kind() == reflect.String && from.Kind() == reflect.String:
		to.SetString(from.String())
		return nil
	case to.Kind() == reflect.Bool && from.Kind() == reflect.Bool:
		to.SetBool(from.Bool())
		return nil
	case to.CanInt() && from.CanInt():
		if to.OverflowInt(from.Int()) {
			return sensitive.Errorf("%s does not fit a %s", sensitive.Of(from.Int()), to.Type())
		}
		to.SetInt(from.Int())
		return nil
	case to.CanUint() && from.CanInt():
		if from.Int() < 0 || to.OverflowUint(uint64(from.Int())) {
			return sensitive.Errorf("%s does not fit a %s", sensitive.Of(from.Int()), to.Type())
		}
		to.SetUint(uint64(from.Int()))
		return nil
	case to.CanFloat() && from.CanFloat():
		if to.OverflowFloat(from.Float()) && !math.IsInf(from.Float(), 0) {
			return sensitive.Errorf("%s does not fit a %s", sensitive.Of(from.Float()), to.Type())
		}
		to.SetFloat(from.Float())
		return nil
	}
	return fmt.Errorf("the value has type %s, which cannot be converted to %s", from.Type(), to.Type())
}

// rowsOf copies the values of a batch to rows.
func rowsOf(b arrow.RecordBatch) ([]Row, error) {
	names := make([]string, b.NumCols())
	for j := range names {
		names[j] = b.ColumnName(j)
	}
	rows := make([]Row, b.NumRows())
	for i := range rows {
		values := make([]any, len(names))
		for j := range names {
			v, err := valueAt(b.Column(j), i)
			if err != nil {
				return nil, fmt.Errorf("column %s: %w", names[j], err)
			}
			values[j] = v
		}
		rows[i] = Row{names, values}
	}
	return rows, nil
}
