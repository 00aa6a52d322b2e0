package sqlexpr

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// castTo converts a term as Spark's CAST does in ANSI mode. With try, a value that cannot be converted is NULL. A column whose
// values do not change stays a column.
func (b *binder) castTo(at int, of term, to arrow.DataType, try bool) (term, error) {
	if classOf(of.t) == void {
		of.t = to
		return of, nil
	}
	if arrow.TypeEqual(plainType(of.t), to) {
		return of, nil
	}
	of = micros(of)
	if classOf(of.t) == instant && classOf(to) == instant { // the session's time zone is UTC
		result := of.mapped(at, to, func(v any) any { return v })
		result.column = of.column
		return result, nil
	}
	f := conversion(plainType(of.t), to)
	if f == nil {
		return term{}, b.wrong(at, "%s cannot be converted to %s", sqlType(of.t), sqlType(to))
	}
	convert := notNull(f)
	if try {
		convert = func(v any) any {
			result, err := attempt(func() any { return notNull(f)(v) })
			if err != nil {
				return nil
			}
			return result
		}
	}
	column, widens := of.column, classOf(of.t) == integer && classOf(to) == integer && bitsOf(to) >= bitsOf(of.t)
	result := of.mapped(at, to, convert)
	if widens {
		result.column = column
	}
	if result.constant {
		v, err := b.constantValue(result)
		if err != nil {
			return term{}, err
		}
		return constantTerm(at, v, to), nil
	}
	return result, nil
}

// conversion returns the conversion of a value that is not NULL, or nil if there is none.
func conversion(from, to arrow.DataType) func(any) any {
	switch classOf(to) {
	case text:
		return toText(from)
	case boolean:
		return toBoolean(from)
	case integer:
		return toInteger(from, bitsOf(to))
	case float:
		return toFloat(from, to.ID() == arrow.FLOAT32)
	case exact:
		return toDecimal(from, to.(arrow.DecimalType))
	case date:
		switch classOf(from) {
		case text:
			return func(v any) any {
				days, ok := parseDate(v.(string))
				if !ok {
					invalid(v, "DATE", "write it as 2026-01-31")
				}
				return days
			}
		case instant:
			return func(v any) any { return floorDiv(v.(int64), microsOfDay) }
		}
	case instant:
		return toInstant(from, isNTZ(to))
	}
	return nil
}

// invalid fails with a text that is no value of a type.
func invalid(v any, of, hint string) {
	fail("CAST_INVALID_INPUT", "%s is no %s; %s, or use TRY_CAST, which gives NULL", sensitive.Of(v), of, hint)
}

func toText(from arrow.DataType) func(any) any {
	switch classOf(from) {
	case boolean, integer:
		return func(v any) any { return asText(v) }
	case exact:
		return func(v any) any { return decimalText(v.(decimal)) }
	case float:
		width := 64
		if from.ID() == arrow.FLOAT32 {
			width = 32
		}
		return func(v any) any { return floatText(v.(float64), width) }
	case date:
		return func(v any) any { return dateText(v.(int64)) }
	case instant:
		return func(v any) any { return timestampText(v.(int64)) }
	}
	return nil
}

// decimalText is Java's BigDecimal.toPlainString, which Spark uses in ANSI mode.
func decimalText(d decimal) string { return d.String() }

// floatText formats a number as Java's Double.toString and Float.toString do since Java 19: with the fewest digits.
func floatText(f float64, width int) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	if abs := math.Abs(f); abs == 0 || abs >= 1e-3 && abs < 1e7 {
		s := strconv.FormatFloat(f, 'f', -1, width)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	s := strconv.FormatFloat(f, 'e', -1, width)
	mantissa, exponent, _ := strings.Cut(s, "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, _ := strconv.Atoi(exponent)
	return mantissa + "E" + strconv.Itoa(n)
}

func toBoolean(from arrow.DataType) func(any) any {
	switch classOf(from) {
	case text:
		return func(v any) any {
			switch strings.ToLower(strings.TrimFunc(v.(string), isSpace)) {
			case "t", "true", "y", "yes", "1":
				return true
			case "f", "false", "n", "no", "0":
				return false
			}
			invalid(v, "BOOLEAN", "write true or false")
			return nil
		}
	case integer:
		return func(v any) any { return v.(int64) != 0 }
	case float:
		return func(v any) any { return v.(float64) != 0 }
	case exact:
		return func(v any) any { return v.(decimal).unscaled.Sign() != 0 }
	}
	return nil
}

var integerNames = map[int]string{8: "TINYINT", 16: "SMALLINT", 32: "INT", 64: "BIGINT"}

func toInteger(from arrow.DataType, width int) func(any) any {
	overflow := func(v any) {
		fail("CAST_OVERFLOW", "%s does not fit %s; TRY_CAST gives NULL", sensitive.Of(v), integerNames[width])
	}
	fit := func(v any, n int64) any {
		if width < 64 && (n < -1<<(width-1) || n > 1<<(width-1)-1) {
			overflow(v)
		}
		return n
	}
	switch classOf(from) {
	case text:
		return func(v any) any {
			s := strings.TrimFunc(v.(string), isSpace)
			n, err := strconv.ParseInt(s, 10, width)
			if err != nil || strings.ContainsAny(s, "_") {
				invalid(v, integerNames[width], "write it as digits")
			}
			return n
		}
	case boolean:
		return func(v any) any { return int64(bit(v.(bool))) }
	case integer:
		return func(v any) any { return fit(v, v.(int64)) }
	case float:
		return func(v any) any {
			f := v.(float64)
			low, high := -math.Ldexp(1, width-1), math.Ldexp(1, width-1)
			if math.IsNaN(f) || math.Floor(f) >= high || math.Ceil(f) < low {
				overflow(v)
			}
			return int64(f)
		}
	case exact:
		return func(v any) any {
			d := v.(decimal)
			n := new(big.Int).Quo(d.unscaled, pow10(d.scale))
			if !n.IsInt64() {
				overflow(d.String())
			}
			return fit(d.String(), n.Int64())
		}
	case instant:
		return func(v any) any { return fit(v, floorDiv(v.(int64), microsOfSecond)) }
	}
	return nil
}

func toFloat(from arrow.DataType, single bool) func(any) any {
	narrow := func(f float64) any {
		if single {
			return float64(float32(f))
		}
		return f
	}
	switch classOf(from) {
	case text:
		width, name := 64, "DOUBLE"
		if single {
			width, name = 32, "FLOAT"
		}
		return func(v any) any {
			f, ok := parseFloat(v.(string), width)
			if !ok {
				invalid(v, name, "write it as 1.5 or 1e3")
			}
			return f
		}
	case boolean:
		return func(v any) any { return float64(bit(v.(bool))) }
	case integer, float:
		return func(v any) any {
			if n, ok := v.(int64); ok && single {
				return float64(float32(n))
			}
			return narrow(asFloat(v))
		}
	case exact:
		return func(v any) any {
			if single {
				f, _ := strconv.ParseFloat(v.(decimal).String(), 32)
				return f
			}
			return v.(decimal).float()
		}
	case instant:
		return func(v any) any { return narrow(float64(v.(int64)) / microsOfSecond) }
	}
	return nil
}

// parseFloat parses a text as Java's parseDouble and Spark do.
func parseFloat(s string, width int) (float64, bool) {
	s = strings.TrimFunc(s, isSpace)
	lower := strings.ToLower(s)
	switch lower {
	case "nan":
		return math.NaN(), true
	case "inf", "+inf", "infinity", "+infinity":
		return math.Inf(1), true
	case "-inf", "-infinity":
		return math.Inf(-1), true
	}
	if lower != "" && strings.ContainsRune("df", rune(lower[len(lower)-1])) {
		lower = lower[:len(lower)-1]
	}
	if lower == "" || strings.Trim(lower, "0123456789.+-e") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(lower, width)
	if err != nil && !math.IsInf(f, 0) { // a number that is too large is infinite
		return 0, false
	}
	return f, true
}

func toDecimal(from arrow.DataType, to arrow.DecimalType) func(any) any {
	switch classOf(from) {
	case text:
		return func(v any) any {
			d, ok := parseDecimal(v.(string))
			if !ok {
				invalid(v, "DECIMAL", "write it as 1.50")
			}
			return d.as(to)
		}
	case boolean:
		return func(v any) any { return decimal{big.NewInt(int64(bit(v.(bool)))), 0}.as(to) }
	case integer, exact:
		return func(v any) any { return asDecimal(v).as(to) }
	case float:
		width := 64
		if from.ID() == arrow.FLOAT32 {
			width = 32
		}
		return func(v any) any {
			f := v.(float64)
			if math.IsNaN(f) || math.IsInf(f, 0) {
				fail("NUMERIC_VALUE_OUT_OF_RANGE", "%s is no DECIMAL", floatText(f, 64))
			}
			if width == 32 { // Spark converts a FLOAT to DOUBLE first
				width = 64
			}
			d, _ := parseDecimal(strconv.FormatFloat(f, 'e', -1, width))
			return d.as(to)
		}
	case instant:
		return func(v any) any { return decimal{big.NewInt(v.(int64)), 6}.as(to) }
	}
	return nil
}

// maxExponent bounds the exponent of a text that is converted to a DECIMAL.
const maxExponent = 400

func parseDecimal(s string) (decimal, bool) {
	s = strings.ToLower(strings.TrimFunc(s, isSpace))
	mantissa, exponent, hasExponent := strings.Cut(s, "e")
	n := 0
	if hasExponent {
		var err error
		if n, err = strconv.Atoi(exponent); err != nil || n > maxExponent || n < -maxExponent {
			return decimal{}, false
		}
	}
	before, after, _ := strings.Cut(mantissa, ".")
	if strings.Trim(before, "+-") == "" && after == "" || strings.ContainsAny(after, "+-") || strings.ContainsAny(before+after, "_") {
		return decimal{}, false
	}
	if before == "" || before == "-" || before == "+" {
		before += "0"
	}
	unscaled, ok := new(big.Int).SetString(strings.TrimPrefix(before, "+")+after, 10)
	if !ok || strings.HasPrefix(before, "+-") {
		return decimal{}, false
	}
	d := decimal{unscaled, int32(len(after) - n)}
	if d.scale < 0 {
		d = decimal{d.unscaled.Mul(d.unscaled, pow10(-d.scale)), 0}
	}
	return d, true
}

func toInstant(from arrow.DataType, ntz bool) func(any) any {
	switch classOf(from) {
	case text:
		return func(v any) any {
			us, zoned, ok := parseTimestamp(v.(string))
			if !ok {
				invalid(v, "TIMESTAMP", "write it as 2026-01-31 12:30:00 or with a zone such as +02:00")
			}
			if zoned && ntz { // the zone is ignored
				s := strings.TrimFunc(v.(string), isSpace)
				at := strings.IndexAny(s, " T")
				end := at + 1 + strings.IndexFunc(s[at+1:], func(r rune) bool { return r != ':' && r != '.' && !isASCIIDigit(r) })
				us, _, _ = parseTimestamp(s[:end])
			}
			return us
		}
	case date:
		return func(v any) any { return multiply(v.(int64), microsOfDay, 64, "the date as a TIMESTAMP") }
	}
	if ntz {
		return nil
	}
	switch classOf(from) {
	case integer:
		return func(v any) any {
			return multiply(v.(int64), microsOfSecond, 64, "the number of seconds as a TIMESTAMP")
		}
	case boolean:
		return func(v any) any { return int64(bit(v.(bool))) }
	case exact:
		return func(v any) any {
			d := v.(decimal)
			n := new(big.Int).Quo(new(big.Int).Mul(d.unscaled, pow10(6)), pow10(d.scale))
			if !n.IsInt64() {
				fail("CAST_OVERFLOW", "the number of seconds does not fit TIMESTAMP")
			}
			return n.Int64()
		}
	case float:
		return func(v any) any {
			f := v.(float64) * microsOfSecond
			if math.IsNaN(f) || math.Abs(f) >= 1<<63 {
				fail("CAST_OVERFLOW", "the number of seconds does not fit TIMESTAMP")
			}
			return int64(f)
		}
	}
	return nil
}

// typeNamed returns the type of a name in CAST.
func typeNamed(name string, numbers []int32) (arrow.DataType, bool) {
	if len(numbers) > 0 {
		switch name {
		case "DECIMAL", "DEC", "NUMERIC":
			scale := int32(0)
			if len(numbers) > 1 {
				scale = numbers[1]
			}
			if len(numbers) > 2 || numbers[0] < 1 || numbers[0] > maxPrecision || scale < 0 || scale > numbers[0] {
				return nil, false
			}
			return &arrow.Decimal128Type{Precision: numbers[0], Scale: scale}, true
		}
		return nil, false
	}
	t, ok := map[string]arrow.DataType{
		"BOOLEAN": arrow.FixedWidthTypes.Boolean, "TINYINT": arrow.PrimitiveTypes.Int8, "BYTE": arrow.PrimitiveTypes.Int8,
		"SMALLINT": arrow.PrimitiveTypes.Int16, "SHORT": arrow.PrimitiveTypes.Int16, "INT": arrow.PrimitiveTypes.Int32, "INTEGER": arrow.PrimitiveTypes.Int32,
		"BIGINT": arrow.PrimitiveTypes.Int64, "LONG": arrow.PrimitiveTypes.Int64, "FLOAT": arrow.PrimitiveTypes.Float32, "REAL": arrow.PrimitiveTypes.Float32,
		"DOUBLE": arrow.PrimitiveTypes.Float64, "STRING": arrow.BinaryTypes.String, "DATE": arrow.FixedWidthTypes.Date32,
		"DECIMAL": decimalType(10, 0), "DEC": decimalType(10, 0), "NUMERIC": decimalType(10, 0),
		"TIMESTAMP": timestampType, "TIMESTAMP_LTZ": timestampType, "TIMESTAMP_NTZ": timestampNTZType,
	}[name]
	return t, ok
}
