package sqlexpr

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/columns"
	"github.com/firesteel/firesteel/internal/sensitive"
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
	case arrow.DICTIONARY:
		return classOf(t.(*arrow.DictionaryType).ValueType)
	}
	return other
}

func isNumber(c class) bool { return c == integer || c == exact || c == float }

func sqlType(t arrow.DataType) string {
	if t.ID() == arrow.NULL {
		return "NULL"
	}
	return columns.SQLType(t)
}

// compared checks that terms can be compared with each other. It converts constant
// texts that are compared with dates.
func (b *binder) compared(at int, terms ...*term) error {
	of := void
	var first *term
	for _, t := range terms {
		c := classOf(t.t)
		switch {
		case c == void:
			continue
		case c == other:
			return b.wrong(at, "values of type %s cannot be compared here", sqlType(t.t))
		case of == void:
			of, first = c, t
		case isNumber(of) && isNumber(c), of == c && c != instant:
		case of == instant && arrow.TypeEqual(first.t, t.t):
		case of == date && c == text && t.constant:
			if err := b.toDate(t); err != nil {
				return err
			}
		case of == text && c == date && first.constant:
			if err := b.toDate(first); err != nil {
				return err
			}
			of = date
		default:
			return b.wrong(at, "%s and %s cannot be compared here%s", sqlType(first.t), sqlType(t.t), differHint(first, t))
		}
	}
	return b.fits(at, terms)
}

func differHint(x, y *term) string {
	cx, cy := classOf(x.t), classOf(y.t)
	switch {
	case isNumber(cx) && cy == text && y.constant, isNumber(cy) && cx == text && x.constant:
		return "; write the number without quotes"
	case cx == text && isNumber(cy) && y.constant, cy == text && isNumber(cx) && x.constant:
		return "; write the text in quotes"
	case cx == instant || cy == instant:
		return "; the value of a TIMESTAMP depends on the time zone of the session"
	}
	return "; convert one of the columns first"
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

// toDate converts a constant text to a date.
func (b *binder) toDate(t *term) error {
	s, _ := t.value().(string)
	days, err := dateOf(s)
	if err != nil {
		return b.wrong(t.at, "%v", err)
	}
	*t = constantTerm(t.at, days, arrow.FixedWidthTypes.Date32)
	return nil
}

func dateOf(s string) (int64, error) {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, sensitive.Errorf("%s is not a date of the form 2026-01-31", sensitive.Text(s))
	}
	return int64(math.Floor(float64(d.Unix()) / 86400)), nil
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

// common returns the common type of terms, as in COALESCE.
func (b *binder) common(at int, terms []term) (arrow.DataType, error) {
	var of arrow.DataType = arrow.Null
	for _, t := range terms {
		x, y := classOf(of), classOf(t.t)
		switch {
		case y == void, x != void && x != other && x != exact && arrow.TypeEqual(of, t.t), x == exact && arrow.TypeEqual(of, t.t):
		case x == other && y == other && arrow.TypeEqual(of, t.t) && t.array == nil:
		case y == other && t.array != nil:
			return nil, b.wrong(t.at, "values of type %s cannot be a result here", sqlType(t.t))
		case x == void:
			of = plainType(t.t)
		case x == text && y == text:
		case x == integer && y == integer:
			if t.t.(arrow.FixedWidthDataType).BitWidth() > of.(arrow.FixedWidthDataType).BitWidth() {
				of = t.t
			}
		case x == float && y == float:
			of = arrow.PrimitiveTypes.Float64
		case x == integer && t.t.ID() == arrow.FLOAT64:
			of = t.t
		case of.ID() == arrow.FLOAT64 && y == integer:
		default:
			return nil, b.wrong(at, "%s and %s have no common type here; use values of one type", sqlType(of), sqlType(t.t))
		}
	}
	return of, nil
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
