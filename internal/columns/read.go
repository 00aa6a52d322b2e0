// Package columns converts Arrow columns to arguments of AI functions, and their
// answers to Arrow columns.
package columns

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/sqltypes"
)

// Values are the values of an Arrow column as an argument of a function.
type Values struct {
	Array arrow.Array
	// Rows are the rows of the column that are read; nil stands for all.
	Rows []int
	// Shared means that texts of a column of texts share its memory, so that they
	// are valid until it is released. Other values do not share memory with it.
	Shared bool
}

// SQLType is the column's type as Spark SQL names it.
func (v Values) SQLType() string { return SQLType(v.Array.DataType()) }

// Reader implements ai.Values.
func (v Values) Reader(to ai.Type) (func(row int) any, error) {
	value, err := reader(to, v.Array)
	if texts, ok := v.Array.(array.StringLike); ok && v.Shared && to == ai.String {
		value, err = func(i int) any { return texts.Value(i) }, nil
	}
	if err != nil {
		return nil, err
	}
	return func(row int) any {
		if v.Rows != nil {
			row = v.Rows[row]
		}
		if IsNull(v.Array, row) {
			return nil
		}
		return value(row)
	}, nil
}

// IsNull reports whether row i is NULL, also in columns of type NULL and in
// dictionaries with a NULL, for which IsNull of Arrow is false.
func IsNull(a arrow.Array, i int) bool {
	switch a := a.(type) {
	case *array.Null:
		return true
	case *array.Dictionary:
		return a.IsNull(i) || IsNull(a.Dictionary(), a.GetValueIndex(i))
	}
	return a.IsNull(i)
}

// reader returns a function that reads the value of a row, which is not NULL.
func reader(to ai.Type, a arrow.Array) (func(i int) any, error) {
	switch a := a.(type) {
	case *array.Null:
		return func(int) any { return nil }, nil // never called
	case *array.Dictionary:
		value, err := reader(to, a.Dictionary())
		if err != nil {
			return nil, err
		}
		return func(i int) any { return value(a.GetValueIndex(i)) }, nil
	}
	text := isText(a)
	switch {
	case to == ai.String, text && (to == ai.Labels || to == ai.Options || to == ai.Examples):
		return reading(Text(a))
	case to == ai.StringArray, to == ai.Labels:
		return reading(listReader(a))
	case to == ai.VectorArray:
		return reading(vectorsReader(a))
	case to == ai.Boolean:
		if b, ok := a.(*array.Boolean); ok {
			return func(i int) any { return b.Value(i) }, nil
		}
	case to == ai.Int, to == ai.Long:
		if number := integerReader(a); number != nil {
			return func(i int) any { return number(i) }, nil
		}
	case to == ai.Options:
		return reading(optionsReader(a))
	case to == ai.Examples:
		return reading(examplesReader(a))
	}
	return nil, ai.ErrType
}

// reading converts a reader of T to a reader of any.
func reading[T any](read func(i int) T, err error) (func(i int) any, error) {
	return func(i int) any { return read(i) }, err
}

func isText(a arrow.Array) bool {
	_, ok := a.(array.StringLike)
	return ok
}

// Integers reads a column of signed integers, the integer types of Spark. It is nil
// for other columns.
func Integers(a arrow.Array) func(i int) int64 {
	switch a := a.(type) {
	case *array.Int8:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Int16:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Int32:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Int64:
		return a.Value
	}
	return nil
}

// integerReader reads a column of integers, also of unsigned types, which files may
// have. It is nil for other columns.
func integerReader(a arrow.Array) func(i int) int64 {
	switch a := a.(type) {
	case *array.Uint8:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Uint16:
		return func(i int) int64 { return int64(a.Value(i)) }
	case *array.Uint32:
		return func(i int) int64 { return int64(a.Value(i)) }
	}
	return Integers(a)
}

// Text reads a column as text: strings as they are, and numbers, booleans, dates,
// times and variants as CAST to STRING of Spark writes them. The row must not be
// NULL. The texts do not share memory with the column. The error is ai.ErrType for
// columns of other types.
func Text(a arrow.Array) (func(i int) string, error) {
	switch a := a.(type) {
	case array.StringLike: // utf8, large_utf8, utf8_view
		return func(i int) string { return strings.Clone(a.Value(i)) }, nil
	case *array.Null:
		return func(int) string { return "" }, nil // never called
	case *array.Dictionary:
		text, err := Text(a.Dictionary())
		if err != nil {
			return nil, err
		}
		return func(i int) string { return text(a.GetValueIndex(i)) }, nil
	case *array.Boolean:
		return func(i int) string { return strconv.FormatBool(a.Value(i)) }, nil
	case *array.Float32:
		return func(i int) string { return formatFloat(float64(a.Value(i)), 32) }, nil
	case *array.Float64:
		return func(i int) string { return formatFloat(a.Value(i), 64) }, nil
	case *array.Decimal128:
		scale := a.DataType().(*arrow.Decimal128Type).Scale
		return func(i int) string { return a.Value(i).ToString(scale) }, nil
	}
	if number := integerReader(a); number != nil {
		return func(i int) string { return strconv.FormatInt(number(i), 10) }, nil
	}
	if cast, err := castReader(a); cast != nil || err != nil {
		return cast, err
	}
	return nil, ai.ErrType
}

// formatFloat writes a number as the JVM does: 1.0, 1.0E10, 1.0E-4, NaN, Infinity.
func formatFloat(v float64, bits int) string {
	switch abs := math.Abs(v); {
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	case math.IsNaN(v):
		return "NaN"
	case abs != 0 && (abs < 1e-3 || abs >= 1e7):
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'E', -1, bits), "E")
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		sign := ""
		if exponent[0] == '-' {
			sign = "-"
		}
		return mantissa + "E" + sign + strings.TrimLeft(exponent[1:], "0")
	}
	text := strconv.FormatFloat(v, 'f', -1, bits)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// listReader reads a column of lists of strings, without NULL elements.
func listReader(a arrow.Array) (func(i int) []string, error) {
	list, ok := a.(array.ListLike)
	if !ok {
		return nil, ai.ErrType
	}
	values := list.ListValues()
	var value func(i int) string
	switch v := values.(type) {
	case array.StringLike:
		value = v.Value
	case *array.Null: // of array()
	default:
		return nil, ai.ErrType
	}
	return func(i int) []string {
		from, to := list.ValueOffsets(i)
		texts := make([]string, 0, to-from)
		for k := int(from); k < int(to); k++ {
			if !IsNull(values, k) {
				texts = append(texts, strings.Clone(value(k)))
			}
		}
		return texts
	}, nil
}

// vectorsReader reads lists of vectors. A vector is nil if it is NULL.
func vectorsReader(a arrow.Array) (func(i int) [][]float32, error) {
	list, ok := a.(array.ListLike)
	if !ok {
		return nil, ai.ErrType
	}
	vectors, ok := list.ListValues().(array.ListLike)
	if !ok {
		return nil, ai.ErrType
	}
	numbers, ok := vectors.ListValues().(*array.Float32)
	if !ok {
		return nil, ai.ErrType
	}
	return func(i int) [][]float32 {
		from, to := list.ValueOffsets(i)
		all := make([][]float32, to-from)
		for k := range all {
			if at := int(from) + k; !vectors.IsNull(at) {
				first, end := vectors.ValueOffsets(at)
				all[k] = slices.Clone(numbers.Float32Values()[first:end])
			}
		}
		return all
	}, nil
}

// optionsReader reads options from a MAP or a STRUCT, without those that are NULL.
func optionsReader(a arrow.Array) (func(i int) map[string]string, error) {
	switch a := a.(type) {
	case *array.Map:
		key, err := Text(a.Keys())
		if err != nil {
			return nil, ai.ErrType
		}
		value, err := Text(a.Items())
		if err != nil {
			return nil, ai.ErrType
		}
		return func(i int) map[string]string {
			from, to := a.ValueOffsets(i)
			options := map[string]string{}
			for k := int(from); k < int(to); k++ {
				if !IsNull(a.Items(), k) {
					options[key(k)] = value(k)
				}
			}
			return options
		}, nil
	case *array.Struct:
		fields := a.DataType().(*arrow.StructType).Fields()
		values := make([]func(i int) string, len(fields))
		for k := range fields {
			var err error
			if values[k], err = Text(a.Field(k)); err != nil {
				return nil, ai.ErrType
			}
		}
		return func(i int) map[string]string {
			options := map[string]string{}
			for k, f := range fields {
				if !IsNull(a.Field(k), i) {
					options[f.Name] = values[k](i)
				}
			}
			return options
		}, nil
	}
	return nil, ai.ErrType
}

// examplesReader reads lists of structs of two values. An example with a NULL is
// empty, which functions refuse.
func examplesReader(a arrow.Array) (func(i int) []ai.Example, error) {
	list, ok := a.(array.ListLike)
	if !ok {
		return nil, ai.ErrType
	}
	pairs, ok := list.ListValues().(*array.Struct)
	if !ok || pairs.NumField() != 2 {
		return nil, ai.ErrType
	}
	input, err := Text(pairs.Field(0))
	if err != nil {
		return nil, ai.ErrType
	}
	output, err := Text(pairs.Field(1))
	if err != nil {
		return nil, ai.ErrType
	}
	return func(i int) []ai.Example {
		from, to := list.ValueOffsets(i)
		examples := make([]ai.Example, 0, to-from)
		for k := int(from); k < int(to); k++ {
			var e ai.Example
			if !IsNull(pairs, k) && !IsNull(pairs.Field(0), k) && !IsNull(pairs.Field(1), k) {
				e = ai.Example{Input: input(k), Output: output(k)}
			}
			examples = append(examples, e)
		}
		return examples
	}, nil
}

// SQLType is the name of an Arrow type in Spark SQL, or its Arrow name if Spark has no
// such type.
func SQLType(t arrow.DataType) string {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return SQLType(t.ValueType)
	case arrow.ListLikeType:
		if m, ok := t.(*arrow.MapType); ok {
			return "MAP<" + SQLType(m.KeyType()) + ", " + SQLType(m.ItemType()) + ">"
		}
		return "ARRAY<" + SQLType(t.Elem()) + ">"
	case *arrow.StructType:
		fields := make([]string, t.NumFields())
		for i, f := range t.Fields() {
			fields[i] = identifier(f.Name) + ": " + SQLType(f.Type)
		}
		return "STRUCT<" + strings.Join(fields, ", ") + ">"
	case arrow.DecimalType:
		return fmt.Sprintf("DECIMAL(%d,%d)", t.GetPrecision(), t.GetScale())
	case *arrow.TimestampType:
		if t.TimeZone == "" {
			return "TIMESTAMP_NTZ"
		}
		return "TIMESTAMP"
	}
	switch t.ID() {
	case arrow.DURATION:
		return "INTERVAL DAY TO SECOND"
	case arrow.INTERVAL_MONTHS:
		return "INTERVAL YEAR TO MONTH"
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW:
		return "STRING"
	case arrow.BINARY, arrow.LARGE_BINARY:
		return "BINARY"
	case arrow.BOOL:
		return "BOOLEAN"
	case arrow.INT8:
		return "TINYINT"
	case arrow.INT16:
		return "SMALLINT"
	case arrow.INT32:
		return "INT"
	case arrow.INT64:
		return "BIGINT"
	case arrow.FLOAT32:
		return "FLOAT"
	case arrow.FLOAT64:
		return "DOUBLE"
	case arrow.DATE32:
		return "DATE"
	}
	return strings.ToUpper(t.String())
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// identifier writes a name in backquotes if SQL requires them.
func identifier(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return sqltypes.QuoteName(name)
}
