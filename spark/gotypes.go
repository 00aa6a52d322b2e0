package spark

import (
	"fmt"
	"reflect"
	"time"

	"github.com/firesteel/firesteel/internal/sqltypes"
	"github.com/firesteel/firesteel/udf"
)

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	dateType     = reflect.TypeFor[udf.Date]()
	decimalType  = reflect.TypeFor[Decimal]()
)

// typeOfGo returns the Spark type for the values of a Go type.
func typeOfGo(t reflect.Type) (DataType, error) { return goType(t, 0) }

func goType(t reflect.Type, depth int) (DataType, error) {
	if depth > maxTypeDepth {
		return nil, fmt.Errorf("a Go type that contains itself cannot be a column")
	}
	switch t {
	case timeType:
		return TimestampType, nil
	case dateType:
		return DateType, nil
	case durationType:
		return DayTimeIntervalType, nil
	case decimalType:
		return DecimalType{sqltypes.MaxPrecision, 18}, nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return goType(t.Elem(), depth+1)
	case reflect.Bool:
		return BooleanType, nil
	case reflect.Int8:
		return ByteType, nil
	case reflect.Int16:
		return ShortType, nil
	case reflect.Int32:
		return IntegerType, nil
	case reflect.Int, reflect.Int64:
		return LongType, nil
	case reflect.Float32:
		return FloatType, nil
	case reflect.Float64:
		return DoubleType, nil
	case reflect.String:
		return StringType, nil
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return BinaryType, nil
		}
		element, err := goType(t.Elem(), depth+1)
		if err != nil {
			return nil, err
		}
		return ArrayType{element, nullable(t.Elem())}, nil
	case reflect.Map:
		key, err := goType(t.Key(), depth+1)
		if err != nil {
			return nil, err
		}
		value, err := goType(t.Elem(), depth+1)
		if err != nil {
			return nil, err
		}
		return MapType{key, value, nullable(t.Elem())}, nil
	case reflect.Struct:
		fields, err := sqltypes.Fields(t)
		if err != nil {
			return nil, err
		}
		s := StructType{}
		for _, f := range fields {
			ft, err := goType(f.Type, depth+1)
			if err != nil {
				return nil, fmt.Errorf("field %s of %s: %w", f.GoName, t, err)
			}
			s.Fields = append(s.Fields, StructField{Name: f.Name, Type: ft, Nullable: nullable(f.Type)})
		}
		return s, nil
	}
	return nil, fmt.Errorf("the Go type %s has no corresponding Spark type", t)
}

// nullable reports whether values of a Go type may be nil, which is NULL.
func nullable(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map
}
