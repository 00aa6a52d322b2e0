// Package columns turns Arrow columns into the arguments of package ai's
// functions, and their answers into Arrow columns.
package columns

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/ai"
)

// Rows turns n rows of columns into rows of f's arguments: params says which
// parameter each column is, nil that they stand in their order. Parameters
// without a column are left out. Rows own their memory.
func Rows(f *ai.Function, params []int, args []arrow.Array, n int) ([]ai.Row, error) {
	k := len(f.Params)
	values := make([]any, n*k)
	for i, arg := range args {
		p := i
		if params != nil {
			p = params[i]
		}
		value, err := Reader(f.Params[p], arg)
		if err != nil {
			return nil, err
		}
		for r := range n {
			if !IsNull(arg, r) {
				values[r*k+p] = value(r)
			}
		}
	}
	rows := make([]ai.Row, n)
	for i := range rows {
		rows[i] = ai.Row(values[i*k : (i+1)*k : (i+1)*k])
	}
	return rows, nil
}

// IsNull tells whether row i is NULL. Unlike Arrow's own it knows columns of
// type NULL, in which no single value is marked, and dictionaries that hold one.
func IsNull(a arrow.Array, i int) bool {
	switch a := a.(type) {
	case *array.Null:
		return true
	case *array.Dictionary:
		return a.IsNull(i) || IsNull(a.Dictionary(), a.GetValueIndex(i))
	}
	return a.IsNull(i)
}

// Reader gives a function that reads the value of a row, which must not be
// NULL, as the parameter wants it.
func Reader(p ai.Param, a arrow.Array) (func(i int) any, error) {
	switch a := a.(type) {
	case *array.Null:
		return func(int) any { return nil }, nil // never asked for
	case *array.Dictionary:
		value, err := Reader(p, a.Dictionary())
		if err != nil {
			return nil, err
		}
		return func(i int) any { return value(a.GetValueIndex(i)) }, nil
	}
	text := isText(a)
	switch {
	case p.Type == ai.String, text && (p.Type == ai.Labels || p.Type == ai.Options || p.Type == ai.Examples):
		return reading(Text(p, a))
	case p.Type == ai.StringArray, p.Type == ai.Labels:
		return reading(listReader(p, a))
	case p.Type == ai.Boolean:
		if b, ok := a.(*array.Boolean); ok {
			return func(i int) any { return b.Value(i) }, nil
		}
	case p.Type == ai.Int, p.Type == ai.Long:
		if number := integerReader(a); number != nil {
			return func(i int) any { return number(i) }, nil
		}
	case p.Type == ai.Options:
		return reading(optionsReader(p, a))
	case p.Type == ai.Examples:
		return reading(examplesReader(p, a))
	default:
		return nil, fmt.Errorf("the parameter %s is of type %s, which cannot be read from a column", p.Name, p.Type)
	}
	return nil, typeError(p, a.DataType())
}

// reading makes a reader one of any value.
func reading[T any](read func(i int) T, err error) (func(i int) any, error) {
	return func(i int) any { return read(i) }, err
}

func isText(a arrow.Array) bool {
	_, ok := a.(array.StringLike)
	return ok
}

// Integers reads a column of integers as Spark has them, with a sign; it is nil
// for others.
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

// integerReader is Integers, but takes integers without a sign too, which files
// have.
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

// Text reads a column as text: strings as they are, and numbers, booleans,
// dates, times and variants as Spark's CAST to STRING writes them. The row must not be NULL. Results own
// their memory.
func Text(p ai.Param, a arrow.Array) (func(i int) string, error) {
	switch a := a.(type) {
	case array.StringLike: // utf8, large_utf8, utf8_view
		return func(i int) string { return strings.Clone(a.Value(i)) }, nil
	case *array.Null:
		return func(int) string { return "" }, nil // never asked for
	case *array.Dictionary:
		text, err := Text(p, a.Dictionary())
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
	return nil, typeError(p, a.DataType())
}

// formatFloat writes a float as the JVM does: 1.0, 1.0E10, 1.0E-4, NaN,
// Infinity.
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

// listReader reads a column of lists of strings; NULL elements are left out.
func listReader(p ai.Param, a arrow.Array) (func(i int) []string, error) {
	list, ok := a.(array.ListLike)
	if !ok {
		return nil, typeError(p, a.DataType())
	}
	values := list.ListValues()
	var value func(i int) string
	switch v := values.(type) {
	case array.StringLike:
		value = v.Value
	case *array.Null: // array() without elements
	default:
		return nil, typeError(p, a.DataType())
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

// optionsReader reads names and values, which a MAP has in each row and a
// STRUCT in its type. A NULL value is as if it were not there.
func optionsReader(p ai.Param, a arrow.Array) (func(i int) map[string]string, error) {
	switch a := a.(type) {
	case *array.Map:
		key, err := Text(p, a.Keys())
		if err != nil {
			return nil, typeError(p, a.DataType())
		}
		value, err := Text(p, a.Items())
		if err != nil {
			return nil, typeError(p, a.DataType())
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
			if values[k], err = Text(p, a.Field(k)); err != nil {
				return nil, typeError(p, a.DataType())
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
	return nil, typeError(p, a.DataType())
}

// examplesReader reads lists of pairs.
func examplesReader(p ai.Param, a arrow.Array) (func(i int) []ai.Example, error) {
	list, ok := a.(array.ListLike)
	if !ok {
		return nil, typeError(p, a.DataType())
	}
	pairs, ok := list.ListValues().(*array.Struct)
	if !ok || pairs.NumField() != 2 {
		return nil, typeError(p, a.DataType())
	}
	input, err := Text(p, pairs.Field(0))
	if err != nil {
		return nil, typeError(p, a.DataType())
	}
	output, err := Text(p, pairs.Field(1))
	if err != nil {
		return nil, typeError(p, a.DataType())
	}
	return func(i int) []ai.Example {
		from, to := list.ValueOffsets(i)
		examples := make([]ai.Example, 0, to-from)
		for k := int(from); k < int(to); k++ {
			var e ai.Example // of NULL it is an empty one, which is then refused
			if !IsNull(pairs, k) && !IsNull(pairs.Field(0), k) && !IsNull(pairs.Field(1), k) {
				e = ai.Example{Input: input(k), Output: output(k)}
			}
			examples = append(examples, e)
		}
		return examples
	}, nil
}

func typeError(p ai.Param, got arrow.DataType) error {
	write := fmt.Sprintf("CAST(%s AS %s)", p.Name, p.Type)
	switch p.Type {
	case ai.Int, ai.Float:
		if got.ID() == arrow.STRING {
			write = "a number without quotes, or " + write
		}
	case ai.StringArray:
		if got.ID() == arrow.STRING {
			write = fmt.Sprintf("ARRAY(%s)", p.Name)
		}
	case ai.Labels:
		write = "ARRAY('a', 'b')"
	case ai.Options:
		write = "MAP('name', 'value')"
	case ai.Examples:
		write = "ARRAY(struct('a text', 'its answer'))"
	}
	return fmt.Errorf("the argument %s is %s, but must be %s: write %s", p.Name, SQLType(got), p.Type, write)
}

// SQLType names an Arrow type as Spark SQL does, as far as Spark has it.
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

// identifier writes a name so that SQL reads it as one.
func identifier(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return "`" + strings.ReplaceAll(name, "`", "``") + "`"
}
