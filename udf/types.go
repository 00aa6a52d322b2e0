package udf

import (
	"fmt"
	"reflect"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/columns"
	"github.com/firesteel/firesteel/internal/sqltypes"
)

// Date is a value of Spark's DATE: the day of the time in its location.
type Date time.Time

// Settings are the Arrow settings of a task.
type Settings struct {
	Allocator memory.Allocator
	// LargeTypes selects Arrow types with 64-bit offsets for STRING and BINARY
	// (spark.sql.execution.arrow.useLargeVarTypes).
	LargeTypes bool
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	dateType     = reflect.TypeFor[Date]()
	durationType = reflect.TypeFor[time.Duration]()
	decimalType  = reflect.TypeFor[sqltypes.Decimal]()
)

// decimalScale is the scale of a DECIMAL result. The other 20 digits are before the
// decimal point.
const decimalScale = 18

// maxDepth bounds the nesting of a Go type. A type that contains itself exceeds it.
const maxDepth = 64

// isRow reports whether a type is a struct whose fields are columns.
func isRow(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != timeType && t != dateType && t != decimalType
}

// nilable reports whether a value of the type may be nil, which stands for NULL.
func nilable(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map
}

// arrowType is the Arrow type of the values of a Go type. All fields are nullable, as
// in types that SQL declares.
func arrowType(t reflect.Type, s Settings, depth int) (arrow.DataType, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("a Go type that contains itself cannot be a column")
	}
	switch t {
	case timeType:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, nil
	case dateType:
		return arrow.FixedWidthTypes.Date32, nil
	case durationType:
		return arrow.FixedWidthTypes.Duration_us, nil
	case decimalType:
		return &arrow.Decimal128Type{Precision: sqltypes.MaxPrecision, Scale: decimalScale}, nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return arrowType(t.Elem(), s, depth+1)
	case reflect.Bool:
		return arrow.FixedWidthTypes.Boolean, nil
	case reflect.Int8:
		return arrow.PrimitiveTypes.Int8, nil
	case reflect.Int16:
		return arrow.PrimitiveTypes.Int16, nil
	case reflect.Int32:
		return arrow.PrimitiveTypes.Int32, nil
	case reflect.Int, reflect.Int64:
		return arrow.PrimitiveTypes.Int64, nil
	case reflect.Float32:
		return arrow.PrimitiveTypes.Float32, nil
	case reflect.Float64:
		return arrow.PrimitiveTypes.Float64, nil
	case reflect.String:
		if s.LargeTypes {
			return arrow.BinaryTypes.LargeString, nil
		}
		return arrow.BinaryTypes.String, nil
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			if s.LargeTypes {
				return arrow.BinaryTypes.LargeBinary, nil
			}
			return arrow.BinaryTypes.Binary, nil
		}
		of, err := arrowType(t.Elem(), s, depth+1)
		if err != nil {
			return nil, err
		}
		return arrow.ListOf(of), nil
	case reflect.Map:
		if nilable(t.Key()) {
			return nil, fmt.Errorf("a map's key cannot be NULL, so it cannot be of type %s", t.Key())
		}
		key, err := arrowType(t.Key(), s, depth+1)
		if err != nil {
			return nil, err
		}
		value, err := arrowType(t.Elem(), s, depth+1)
		if err != nil {
			return nil, err
		}
		return arrow.MapOf(key, value), nil
	case reflect.Struct:
		fields, err := sqltypes.Fields(t)
		if err != nil {
			return nil, err
		}
		of := make([]arrow.Field, len(fields))
		for i, f := range fields {
			ft, err := arrowType(f.Type, s, depth+1)
			if err != nil {
				return nil, fmt.Errorf("field %s of %s: %w", f.GoName, t, err)
			}
			of[i] = arrow.Field{Name: f.Name, Type: ft, Nullable: true}
		}
		return arrow.StructOf(of...), nil
	}
	return nil, fmt.Errorf("no Spark type holds a Go %s", t)
}

// sqlOf is the SQL type of a Go type that declare has checked.
func sqlOf(t reflect.Type) string {
	a, err := arrowType(t, Settings{}, 0)
	if err != nil {
		return t.String()
	}
	return columns.SQLType(a)
}
