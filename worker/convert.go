package worker

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/ai"
)

func (s *scope) stringType() arrow.DataType {
	if s.largeStrings {
		return arrow.BinaryTypes.LargeString
	}
	return arrow.BinaryTypes.String
}

func (s *scope) newStringBuilder() array.StringLikeBuilder {
	return array.NewBuilder(s.mem, s.stringType()).(array.StringLikeBuilder)
}

// isNull knows columns of type NULL too, in which Arrow marks no single value.
func isNull(a arrow.Array, i int) bool {
	return a.DataType().ID() == arrow.NULL || a.IsNull(i)
}

// valueReader gives a function that reads the value of a row, which must not be
// NULL, as the parameter wants it.
func valueReader(p ai.Param, a arrow.Array) (func(i int) any, error) {
	switch p.Type {
	case ai.String:
		text, err := textReader(p.Name, a)
		if err != nil {
			return nil, err
		}
		return func(i int) any { return text(i) }, nil
	case ai.StringArray:
		list, err := listReader(p.Name, a)
		if err != nil {
			return nil, err
		}
		return func(i int) any { return list(i) }, nil
	}
	return nil, fmt.Errorf("the parameter %s is of type %s, which this worker cannot read", p.Name, p.Type)
}

// textReader reads a column as text: strings as they are, numbers and booleans
// as Spark's CAST to STRING writes them. Results own their memory.
func textReader(param string, a arrow.Array) (func(i int) string, error) {
	switch a := a.(type) {
	case array.StringLike: // utf8, large_utf8, utf8_view
		return func(i int) string { return strings.Clone(a.Value(i)) }, nil
	case *array.Null:
		return func(int) string { return "" }, nil // never asked for
	case *array.Boolean:
		return func(i int) string { return strconv.FormatBool(a.Value(i)) }, nil
	case *array.Int8:
		return func(i int) string { return strconv.FormatInt(int64(a.Value(i)), 10) }, nil
	case *array.Int16:
		return func(i int) string { return strconv.FormatInt(int64(a.Value(i)), 10) }, nil
	case *array.Int32:
		return func(i int) string { return strconv.FormatInt(int64(a.Value(i)), 10) }, nil
	case *array.Int64:
		return func(i int) string { return strconv.FormatInt(a.Value(i), 10) }, nil
	case *array.Float32:
		return func(i int) string { return formatFloat(float64(a.Value(i)), 32) }, nil
	case *array.Float64:
		return func(i int) string { return formatFloat(a.Value(i), 64) }, nil
	case *array.Decimal128:
		scale := a.DataType().(*arrow.Decimal128Type).Scale
		return func(i int) string { return a.Value(i).ToString(scale) }, nil
	}
	return nil, typeError(param, ai.String, a.DataType())
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
func listReader(param string, a arrow.Array) (func(i int) []string, error) {
	if _, ok := a.(*array.Null); ok {
		return func(int) []string { return nil }, nil // never asked for
	}
	list, ok := a.(array.ListLike)
	if !ok {
		return nil, typeError(param, ai.StringArray, a.DataType())
	}
	values := list.ListValues()
	var value func(i int) string
	switch v := values.(type) {
	case array.StringLike:
		value = v.Value
	case *array.Null: // array() without elements
	default:
		return nil, typeError(param, ai.StringArray, a.DataType())
	}
	return func(i int) []string {
		from, to := list.ValueOffsets(i)
		texts := make([]string, 0, to-from)
		for k := int(from); k < int(to); k++ {
			if !values.IsNull(k) {
				texts = append(texts, strings.Clone(value(k)))
			}
		}
		return texts
	}, nil
}

func typeError(param string, want ai.Type, got arrow.DataType) error {
	write := fmt.Sprintf("CAST(%s AS %s)", param, want)
	if want == ai.StringArray && got.ID() == arrow.STRING {
		write = fmt.Sprintf("ARRAY(%s)", param)
	}
	return fmt.Errorf("the argument %s is %s, but must be %s: write %s", param, sqlType(got), want, write)
}

// sqlType names an Arrow type as Spark SQL does, as far as Spark sends it.
func sqlType(t arrow.DataType) string {
	switch t := t.(type) {
	case arrow.ListLikeType:
		if m, ok := t.(*arrow.MapType); ok {
			return "MAP<" + sqlType(m.KeyType()) + ", " + sqlType(m.ItemType()) + ">"
		}
		return "ARRAY<" + sqlType(t.Elem()) + ">"
	case *arrow.StructType:
		fields := make([]string, t.NumFields())
		for i, f := range t.Fields() {
			fields[i] = f.Name + ": " + sqlType(f.Type)
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
