package files

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// ParseType parses a type of Spark SQL: STRING, BOOLEAN, TINYINT, SMALLINT, INT,
// BIGINT, FLOAT, DOUBLE, DECIMAL(p,s), DATE, TIMESTAMP, TIMESTAMP_NTZ or BINARY, in
// any letter case.
func ParseType(text string) (arrow.DataType, error) {
	name := strings.ToUpper(strings.Join(strings.Fields(text), ""))
	if t, ok := typeNames[name]; ok {
		return t, nil
	}
	if inner, ok := strings.CutPrefix(name, "DECIMAL("); ok {
		precision, scale, both := strings.Cut(strings.TrimSuffix(inner, ")"), ",")
		p, err := strconv.Atoi(precision)
		s, err2 := 0, error(nil)
		if both {
			s, err2 = strconv.Atoi(scale)
		}
		if err == nil && err2 == nil && strings.HasSuffix(inner, ")") && p >= 1 && p <= 38 && s >= 0 && s <= p {
			return &arrow.Decimal128Type{Precision: int32(p), Scale: int32(s)}, nil
		}
	}
	return nil, fmt.Errorf("unsupported type %q; write STRING, BOOLEAN, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(10,2), DATE, TIMESTAMP, TIMESTAMP_NTZ or BINARY", text)
}

var typeNames = map[string]arrow.DataType{
	"STRING": arrow.BinaryTypes.String, "BINARY": arrow.BinaryTypes.Binary, "BOOLEAN": arrow.FixedWidthTypes.Boolean,
	"TINYINT": arrow.PrimitiveTypes.Int8, "SMALLINT": arrow.PrimitiveTypes.Int16, "INT": arrow.PrimitiveTypes.Int32,
	"INTEGER": arrow.PrimitiveTypes.Int32, "BIGINT": arrow.PrimitiveTypes.Int64, "LONG": arrow.PrimitiveTypes.Int64,
	"FLOAT": arrow.PrimitiveTypes.Float32, "DOUBLE": arrow.PrimitiveTypes.Float64, "DATE": arrow.FixedWidthTypes.Date32,
	"TIMESTAMP": arrow.FixedWidthTypes.Timestamp_us, "TIMESTAMP_NTZ": &arrow.TimestampType{Unit: arrow.Microsecond},
}

func typeName(t arrow.DataType) string {
	if d, ok := t.(*arrow.Decimal128Type); ok {
		return fmt.Sprintf("DECIMAL(%d,%d)", d.Precision, d.Scale)
	}
	for _, name := range []string{"STRING", "BINARY", "BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DATE", "TIMESTAMP", "TIMESTAMP_NTZ"} {
		if arrow.TypeEqual(typeNames[name], t) {
			return name
		}
	}
	return strings.ToUpper(t.String())
}

func checkTypes(types map[string]arrow.DataType) error {
	for name, t := range types {
		if scalarOf(t) == nil {
			return fmt.Errorf("column %s: a text file cannot be read as %s; use a type that ParseType accepts", name, t)
		}
	}
	return nil
}

// scalar parses a value and appends it to b unless b is nil. Appending a text that
// it accepted before cannot fail.
type scalar func(b array.Builder, text []byte) error

// scalarOf returns nil for types that have no text form.
func scalarOf(t arrow.DataType) scalar {
	no := func(text []byte) error {
		return sensitive.Errorf("%s is not a valid %s", sensitive.Text(text), typeName(t))
	}
	switch t := t.(type) {
	case *arrow.StringType:
		return func(b array.Builder, text []byte) error {
			if b == nil {
				return checkText(text, "")
			}
			b.(*array.StringBuilder).BinaryBuilder.Append(text)
			return nil
		}
	case *arrow.BinaryType:
		return func(b array.Builder, text []byte) error {
			v, err := base64.StdEncoding.AppendDecode(nil, text)
			if err != nil {
				return fmt.Errorf("%w: base64 is needed", no(text))
			}
			if b != nil {
				b.(*array.BinaryBuilder).Append(v)
			}
			return nil
		}
	case *arrow.BooleanType:
		return func(b array.Builder, text []byte) error {
			isTrue := strings.EqualFold(string(text), "true")
			if !isTrue && !strings.EqualFold(string(text), "false") {
				return fmt.Errorf("%w: write true or false", no(text))
			}
			if b != nil {
				b.(*array.BooleanBuilder).Append(isTrue)
			}
			return nil
		}
	case *arrow.Int8Type:
		return integer(8, no, func(b array.Builder, v int64) { b.(*array.Int8Builder).Append(int8(v)) })
	case *arrow.Int16Type:
		return integer(16, no, func(b array.Builder, v int64) { b.(*array.Int16Builder).Append(int16(v)) })
	case *arrow.Int32Type:
		return integer(32, no, func(b array.Builder, v int64) { b.(*array.Int32Builder).Append(int32(v)) })
	case *arrow.Int64Type:
		return integer(64, no, func(b array.Builder, v int64) { b.(*array.Int64Builder).Append(v) })
	case *arrow.Float32Type:
		return float(32, no, func(b array.Builder, v float64) { b.(*array.Float32Builder).Append(float32(v)) })
	case *arrow.Float64Type:
		return float(64, no, func(b array.Builder, v float64) { b.(*array.Float64Builder).Append(v) })
	case *arrow.Decimal128Type:
		return func(b array.Builder, text []byte) error {
			v, ok := parseDecimal(string(text), int(t.Precision), int(t.Scale))
			if !ok {
				return fmt.Errorf("%w without losing digits", no(text))
			}
			if b != nil {
				b.(*array.Decimal128Builder).Append(v)
			}
			return nil
		}
	case *arrow.Date32Type:
		return func(b array.Builder, text []byte) error {
			v, err := time.Parse(time.DateOnly, string(text))
			if err != nil {
				return fmt.Errorf("%w: write 2026-01-31", no(text))
			}
			if b != nil {
				b.(*array.Date32Builder).Append(arrow.Date32FromTime(v))
			}
			return nil
		}
	case *arrow.TimestampType:
		if t.Unit != arrow.Microsecond {
			return nil
		}
		return func(b array.Builder, text []byte) error {
			v, ok := parseTime(string(text), t.TimeZone != "")
			if !ok {
				return fmt.Errorf("%w: write 2026-01-31 12:30:00.5, or 2026-01-31T12:30:00Z with a time zone", no(text))
			}
			if b != nil {
				b.(*array.TimestampBuilder).Append(arrow.Timestamp(v.UnixMicro()))
			}
			return nil
		}
	}
	return nil
}

func integer(bits int, no func([]byte) error, add func(array.Builder, int64)) scalar {
	return func(b array.Builder, text []byte) error {
		v, err := strconv.ParseInt(string(text), 10, bits)
		if errors.Is(err, strconv.ErrRange) {
			return fmt.Errorf("%w: it is too large", no(text))
		}
		if err != nil {
			return no(text)
		}
		if b != nil {
			add(b, v)
		}
		return nil
	}
}

func float(bits int, no func([]byte) error, add func(array.Builder, float64)) scalar {
	return func(b array.Builder, text []byte) error {
		v, err := strconv.ParseFloat(string(text), bits)
		if errors.Is(err, strconv.ErrRange) {
			return fmt.Errorf("%w: it is too large", no(text))
		}
		if err != nil || strings.ContainsAny(string(text), "_xX") {
			return no(text)
		}
		if b != nil {
			add(b, v)
		}
		return nil
	}
}

// parseDecimal parses a number that fits without rounding.
func parseDecimal(text string, precision, scale int) (decimal128.Num, bool) {
	digits := strings.TrimPrefix(strings.TrimPrefix(text, "-"), "+")
	whole, part, _ := strings.Cut(digits, ".")
	part = strings.TrimRight(part, "0")
	whole = strings.TrimLeft(whole, "0")
	plain := func(s string) bool { return strings.Trim(s, "0123456789") == "" }
	if !plain(whole) || !plain(part) || strings.Trim(digits, ".") == "" || len(text)-len(digits) > 1 || len(part) > scale || len(whole) > precision-scale {
		return decimal128.Num{}, false
	}
	v, err := decimal128.FromString(text, int32(precision), int32(scale))
	return v, err == nil
}

// parseTime parses a timestamp with a time zone (zoned) or without one.
func parseTime(text string, zoned bool) (time.Time, bool) {
	layouts := []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly}
	if zoned {
		layouts = append(layouts, "2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00")
	}
	for _, l := range layouts {
		if v, err := time.Parse(l, text); err == nil && v.Nanosecond()%1000 == 0 {
			return v, true
		}
	}
	return time.Time{}, false
}

// checkText returns an error for invalid UTF-8. In text that decoded converted,
// such bytes are those that the encoding does not define.
func checkText(text []byte, encoding string) error {
	if utf8.Valid(text) {
		return nil
	}
	if encoding != "" && !isUTF8(encoding) {
		return fmt.Errorf("the value has bytes that are not valid in %s", encoding)
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return fmt.Errorf("byte 0x%02X at offset %d is not valid UTF-8: give the encoding of the file, such as windows-1252", text[i], i)
		}
		i += n
	}
	return nil
}

// formatFloat formats a number with the fewest digits that parse as the same number.
func formatFloat(v float64, bits int) string {
	format := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.FormatFloat(v, format, -1, bits)
}
