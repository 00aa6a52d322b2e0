package ai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
)

// GoValues are values of an argument, one for each row: nil for NULL, string,
// bool, an integer or floating-point type, []string, map[string]string,
// []Example, [][]float32.
func GoValues(rows ...any) Values { return goValues(rows) }

type goValues []any

func (g goValues) SQLType() string {
	for _, v := range g {
		if v != nil {
			return sqlTypeOf(v)
		}
	}
	return "NULL"
}

func sqlTypeOf(v any) string {
	switch v.(type) {
	case string:
		return String.sql
	case bool:
		return Boolean.sql
	case []string:
		return StringArray.sql
	case map[string]string:
		return StringMap.sql
	case []Example:
		return "ARRAY<STRUCT>"
	case [][]float32:
		return VectorArray.sql
	}
	switch of := reflect.ValueOf(v); {
	case of.CanInt(), of.CanUint():
		return Long.sql
	case of.CanFloat():
		return Double.sql
	}
	return fmt.Sprintf("a Go %T", v)
}

func (g goValues) Reader(to Type) (func(row int) any, error) {
	converted := make([]any, len(g))
	for i, v := range g {
		if v == nil {
			continue
		}
		if converted[i] = convert(v, to); converted[i] == nil {
			return nil, ErrType
		}
	}
	return func(row int) any { return converted[row] }, nil
}

// convert converts a Go value to a type. It returns nil if this is not possible.
func convert(v any, to Type) any {
	_, text := v.(string)
	switch of := reflect.ValueOf(v); to {
	case String:
		switch {
		case text:
			return v
		case of.Kind() == reflect.Bool:
			return strconv.FormatBool(of.Bool())
		case of.CanInt():
			return strconv.FormatInt(of.Int(), 10)
		}
	case Boolean:
		if of.Kind() == reflect.Bool {
			return of.Bool()
		}
	case Int, Long:
		if of.CanInt() {
			return of.Int()
		}
	case Float, Double:
		switch {
		case of.CanFloat():
			return of.Float()
		case of.CanInt():
			return float64(of.Int())
		}
	case StringArray, Labels:
		if list, ok := v.([]string); ok || text && to == Labels {
			if ok {
				return list
			}
			return v
		}
	case VectorArray:
		if _, ok := v.([][]float32); ok {
			return v
		}
	case Options:
		if _, ok := v.(map[string]string); ok || text {
			return v
		}
	case Examples:
		if _, ok := v.([]Example); ok || text {
			return v
		}
	}
	return nil
}

// JSONValue is a constant argument as JSON. Types that a function also reads
// from JSON text (Labels, Options, Examples) take any JSON, and STRING takes
// numbers and booleans as they are written.
func JSONValue(text json.RawMessage) Values { return jsonValue(bytes.TrimSpace(text)) }

type jsonValue json.RawMessage

func (j jsonValue) SQLType() string {
	switch {
	case len(j) == 0, string(j) == "null":
		return "NULL"
	case j[0] == '"':
		return String.sql
	case j[0] == '[':
		return "ARRAY"
	case j[0] == '{':
		return "STRUCT"
	case j[0] == 't', j[0] == 'f':
		return Boolean.sql
	case json.Unmarshal(j, new(int64)) == nil:
		return Long.sql
	}
	return Double.sql
}

func (j jsonValue) Reader(to Type) (func(row int) any, error) {
	given := j.SQLType()
	if given == "NULL" {
		return func(int) any { return nil }, nil
	}
	var v any
	var err error
	switch {
	case to == Int, to == Long:
		v, err = parse[int64](j)
	case to == Float, to == Double:
		v, err = parse[float64](j)
	case to == Boolean:
		v, err = parse[bool](j)
	case to == VectorArray:
		v, err = parse[[][]float32](j)
	case to == StringArray, to == Labels && given == "ARRAY":
		v, err = parse[[]string](j)
	case given == String.sql:
		v, err = parse[string](j)
	default:
		v = string(j)
	}
	if err != nil {
		return nil, ErrType
	}
	return func(int) any { return v }, nil
}

func parse[T any](text []byte) (any, error) {
	var v T
	err := json.Unmarshal(text, &v)
	return v, err
}
