package sqlexpr

import (
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/columns"
)

// class groups types with the same operators. A NULL value is nil; other values
// have the Go type in the comment.
type class int

const (
	void    class = iota // the type of NULL
	boolean              // bool
	integer              // int64
	exact                // decimal
	float                // float64, for FLOAT too
	text                 // string
	date                 // int64, days since 1970
	instant              // int64, in the type's unit
	span                 // int64, months or microseconds, see monthSpan
	other                // types without operators; see nested
)

func classOf(t arrow.DataType) class {
	switch t.ID() {
	case arrow.NULL:
		return void
	case arrow.BOOL:
		return boolean
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64:
		return integer
	case arrow.DECIMAL128:
		return exact
	case arrow.FLOAT32, arrow.FLOAT64:
		return float
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW:
		return text
	case arrow.DATE32:
		return date
	case arrow.TIMESTAMP:
		return instant
	case arrow.INTERVAL_MONTHS, arrow.INTERVAL_DAY_TIME, arrow.INTERVAL_MONTH_DAY_NANO:
		return span
	case arrow.DICTIONARY:
		return classOf(t.(*arrow.DictionaryType).ValueType)
	}
	return other
}

// isTime reports whether arithmetic with values of a class is that of dates.
func isTime(c class) bool { return c == date || c == instant || c == span }

func isNumber(c class) bool { return c == integer || c == exact || c == float }

func sqlType(t arrow.DataType) string {
	switch {
	case t.ID() == arrow.NULL:
		return "NULL"
	case classOf(t) == span:
		return "INTERVAL"
	}
	return columns.SQLType(t)
}

// compared checks that terms can be compared with each other, and converts them as Spark does in ANSI mode: texts to the type of the
// others, dates to timestamps.
func (b *binder) compared(at int, terms ...*term) error {
	of := void
	var first *term
	for _, t := range terms {
		switch c := classOf(t.t); {
		case c == void:
		case c == other:
			return b.wrong(at, "values of type %s cannot be compared here", sqlType(t.t))
		case of == void, of == text && c != text:
			of, first = c, t
		case c == text, of == c && c != span:
		case of == span && c == span && (first.t == monthSpan) == (t.t == monthSpan):
		case isNumber(of) && isNumber(c):
			if c == float || of == integer && c == exact { // texts become DOUBLE
				of, first = c, t
			}
		case of == date && c == instant:
			of, first = c, t
		case of == instant && c == date:
		default:
			return b.wrong(at, "%s and %s cannot be compared here%s", sqlType(first.t), sqlType(t.t), differHint(first, t))
		}
	}
	for _, t := range terms {
		var to arrow.DataType
		switch c := classOf(t.t); {
		case c == of, c == void:
			if of == instant && c == instant {
				*t = micros(*t)
			}
			continue
		case c == text && of == integer:
			to = arrow.PrimitiveTypes.Int64
		case c == text && (of == exact || of == float):
			to = arrow.PrimitiveTypes.Float64
		case c == text && of == span:
			return b.wrong(t.at, "this is %s, but is compared with an interval; write INTERVAL 3 DAYS", sqlType(t.t))
		case c == text, c == date && of == instant:
			to = plainType(first.t)
			if of == instant {
				to = map[bool]arrow.DataType{false: timestampType, true: timestampNTZType}[isNTZ(first.t)]
			}
		default:
			continue // numbers are compared as they are
		}
		converted, err := b.castTo(t.at, *t, to, false)
		if err != nil {
			return err
		}
		*t = converted
	}
	return b.fits(at, terms)
}

func differHint(x, y *term) string {
	cx, cy := classOf(x.t), classOf(y.t)
	if cx == span || cy == span {
		return "; intervals of months and of days differ"
	}
	return "; convert one of them by CAST"
}

// fits rejects decimals that Spark would round to a common type.
func (b *binder) fits(at int, terms []*term) error {
	var whole, scale int32
	for _, t := range terms {
		switch c := classOf(t.t); {
		case c == float:
			return nil // all are compared as DOUBLE
		case c == exact:
			d := t.t.(arrow.DecimalType)
			whole, scale = max(whole, d.GetPrecision()-d.GetScale()), max(scale, d.GetScale())
		case c == integer:
			digits := map[arrow.Type]int32{arrow.INT8: 3, arrow.INT16: 5, arrow.INT32: 10, arrow.INT64: 20}
			whole = max(whole, digits[t.t.ID()])
		}
	}
	if whole+scale > maxPrecision {
		return b.wrong(at, "the common type of these decimals has more than %d digits, so Spark would round them", maxPrecision)
	}
	return nil
}

// order compares two values: -1, 0 or 1. As in Spark, NaN equals itself and is
// greater than all other numbers.
func order(a, b any) int {
	switch a := a.(type) {
	case bool:
		return bit(a) - bit(b.(bool))
	case string:
		return strings.Compare(a, b.(string))
	case int64:
		if b, ok := b.(int64); ok {
			switch {
			case a < b:
				return -1
			case a > b:
				return 1
			}
			return 0
		}
	}
	x, xOK := a.(float64)
	y, yOK := b.(float64)
	if !xOK && !yOK {
		return asDecimal(a).compare(asDecimal(b))
	}
	if !xOK {
		x = asFloat(a)
	}
	if !yOK {
		y = asFloat(b)
	}
	switch {
	case x == y || math.IsNaN(x) && math.IsNaN(y):
		return 0
	case x < y || math.IsNaN(y):
		return -1
	}
	return 1
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func asFloat(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case decimal:
		return v.float()
	}
	return v.(float64)
}

func asText(v any) string {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return v.(string)
}

// common returns the common type of terms, as in COALESCE, and converts them to it.
func (b *binder) common(at int, terms []term) (arrow.DataType, error) {
	var of arrow.DataType = arrow.Null
	for _, t := range terms {
		x, y := classOf(of), classOf(t.t)
		switch {
		case y == void, x != void && x != other && arrow.TypeEqual(of, t.t):
		case x == other && y == other && arrow.TypeEqual(of, t.t) && t.array == nil:
		case y == other && t.array != nil:
			return nil, b.wrong(t.at, "values of type %s cannot be a result here", sqlType(t.t))
		case x == void:
			of = plainType(t.t)
		default:
			wider := widest(of, plainType(t.t))
			if wider == nil {
				return nil, b.wrong(at, "%s and %s have no common type here; use values of one type, or CAST", sqlType(of), sqlType(t.t))
			}
			of = wider
		}
	}
	for i, t := range terms {
		if c := classOf(t.t); c == other || c == void {
			continue
		}
		var err error
		if terms[i], err = b.castTo(t.at, t, of, false); err != nil {
			return nil, err
		}
	}
	return of, nil
}

// widest returns the common type of two types in ANSI mode, or nil.
func widest(a, b arrow.DataType) arrow.DataType {
	x, y := classOf(a), classOf(b)
	if x == y && x != exact && x != integer && x != float && x != instant {
		return map[bool]arrow.DataType{true: a}[x != other]
	}
	if y == text || x != text && y < x && isNumber(x) && isNumber(y) || x == instant && y == date {
		a, b, x, y = b, a, y, x
	}
	switch {
	case x == text && y == integer:
		return arrow.PrimitiveTypes.Int64
	case x == text && (y == exact || y == float):
		return arrow.PrimitiveTypes.Float64
	case x == text && (y == date || y == boolean):
		return b
	case x == text && y == instant, x == date && y == instant:
		return map[bool]arrow.DataType{false: timestampType, true: timestampNTZType}[isNTZ(b)]
	case x == instant && y == instant:
		if isNTZ(a) && isNTZ(b) {
			return timestampNTZType
		}
		return timestampType
	case x == integer && y == integer:
		if bitsOf(b) > bitsOf(a) {
			return b
		}
		return a
	case x == float && y == float:
		if bitsOf(b) > bitsOf(a) {
			return b
		}
		return a
	case y == float && isNumber(x):
		return arrow.PrimitiveTypes.Float64
	case y == exact && isNumber(x):
		p1, s1 := digitsOf(term{t: a})
		p2, s2 := digitsOf(term{t: b})
		scale := max(s1, s2)
		whole := max(p1-s1, p2-s2)
		if whole+scale > maxPrecision {
			scale = max(0, min(scale, maxPrecision-whole))
			whole = maxPrecision - scale
		}
		return &arrow.Decimal128Type{Precision: whole + scale, Scale: scale}
	}
	return nil
}

// plainType returns STRING for the Arrow types of text, and the value type of a
// dictionary.
func plainType(t arrow.DataType) arrow.DataType {
	if classOf(t) == text {
		return arrow.BinaryTypes.String
	}
	if d, ok := t.(*arrow.DictionaryType); ok {
		return d.ValueType
	}
	return t
}
