package spark

import (
	"fmt"
	"reflect"
	"time"
)

// A Go struct stands for a row: its exported fields are the columns, under
// their own names or that of the tag `spark:"name"`; `spark:"-"` leaves a
// field out, and the fields of an embedded struct count as the outer's.

type structField struct {
	name, goName string
	index        []int
	goType       reflect.Type
}

func structFields(t reflect.Type) ([]structField, error) {
	var fields []structField
	seen := map[string]bool{}
	for _, f := range reflect.VisibleFields(t) {
		tag := f.Tag.Get("spark")
		if !f.IsExported() || tag == "-" || f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct {
			continue
		}
		if len(f.Index) > 1 && throughPointer(t, f.Index) {
			return nil, fmt.Errorf("field %s of %s: the fields of an embedded pointer cannot be columns; embed the struct itself", f.Name, t)
		}
		name := firstNonEmpty(tag, f.Name)
		if seen[name] {
			return nil, fmt.Errorf("%s has two fields for the column %q", t, name)
		}
		seen[name] = true
		fields = append(fields, structField{name, f.Name, f.Index, f.Type})
	}
	if len(fields) == 0 {
		return nil, fmt.Errorf("%s has no exported fields, so it cannot be a row", t)
	}
	return fields, nil
}

func throughPointer(t reflect.Type, index []int) bool {
	for _, i := range index[:len(index)-1] {
		f := t.Field(i)
		if f.Type.Kind() == reflect.Pointer {
			return true
		}
		t = f.Type
	}
	return false
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	decimalType  = reflect.TypeFor[Decimal]()
)

// typeOfGo gives the Spark type whose values a Go type holds.
func typeOfGo(t reflect.Type) (DataType, error) { return goType(t, 0) }

func goType(t reflect.Type, depth int) (DataType, error) {
	if depth > maxTypeDepth {
		return nil, fmt.Errorf("a Go type that contains itself cannot be a column")
	}
	switch t {
	case timeType:
		return TimestampType, nil
	case durationType:
		return DayTimeIntervalType, nil
	case decimalType:
		return DecimalType{maxPrecision, 18}, nil
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
		fields, err := structFields(t)
		if err != nil {
			return nil, err
		}
		s := StructType{}
		for _, f := range fields {
			ft, err := goType(f.goType, depth+1)
			if err != nil {
				return nil, fmt.Errorf("field %s of %s: %w", f.goName, t, err)
			}
			s.Fields = append(s.Fields, StructField{Name: f.name, Type: ft, Nullable: nullable(f.goType)})
		}
		return s, nil
	}
	return nil, fmt.Errorf("no Spark type holds a Go %s", t)
}

// nullable reports whether a Go value may be nil, which is NULL.
func nullable(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map
}
