package files

import (
	"bytes"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
)

// guess is what type the values of a column of text have. A type is right only
// if each value, written again, has the same characters; so these are text:
// 007, +5, 1e3, -0, 1.50 beside 1.5, True, 12345678901234567890, dates.
type guess struct {
	seen                                  bool
	notInt, notBool, notDecimal, notFloat bool
	scale                                 int // digits after the point, of all values so far
	whole                                 int // most digits before it
}

// see takes a value that is not NULL.
func (g *guess) see(text []byte) {
	first := !g.seen
	g.seen = true
	if g.notInt && g.notBool && g.notDecimal && g.notFloat {
		return
	}
	if !bytes.Equal(text, []byte("true")) && !bytes.Equal(text, []byte("false")) {
		g.notBool = true
	}
	whole, scale, ok := plainNumber(text)
	if !ok || scale > 0 || whole > 19 {
		g.notInt = true
	} else if whole == 19 { // of int64's length: it may be too large
		if _, err := strconv.ParseInt(string(text), 10, 64); err != nil {
			g.notInt = true
		}
	}
	g.whole = max(g.whole, whole)
	if !ok || scale == 0 || !first && scale != g.scale || g.whole+scale > 38 {
		g.notDecimal = true
	}
	g.scale = scale
	if !g.notFloat {
		v, err := strconv.ParseFloat(string(text), 64)
		if err != nil || !ok || formatFloat(v, 64) != string(text) {
			g.notFloat = true
		}
	}
}

func (g *guess) arrowType() arrow.DataType {
	switch {
	case !g.seen:
	case !g.notInt:
		return arrow.PrimitiveTypes.Int64
	case !g.notBool:
		return arrow.FixedWidthTypes.Boolean
	case !g.notDecimal:
		return &arrow.Decimal128Type{Precision: 38, Scale: int32(g.scale)}
	case !g.notFloat:
		return arrow.PrimitiveTypes.Float64
	}
	return arrow.BinaryTypes.String
}

// keeps tells whether a value that is read as an inferred type stays as it is.
func keeps(t arrow.DataType, text []byte) bool {
	var g guess
	g.see(text)
	switch t := t.(type) {
	case *arrow.Int64Type:
		return !g.notInt
	case *arrow.BooleanType:
		return !g.notBool
	case *arrow.Decimal128Type:
		return !g.notDecimal && g.scale == int(t.Scale)
	}
	return !g.notFloat
}

// plainNumber tells -12.50 from what only means a number, and counts digits
// before and after the point.
func plainNumber(text []byte) (whole, scale int, ok bool) {
	digits := bytes.TrimPrefix(text, []byte{'-'})
	before, after, point := bytes.Cut(digits, []byte{'.'})
	if len(before) == 0 || before[0] == '0' && len(before) > 1 || point && len(after) == 0 {
		return 0, 0, false
	}
	zero := true
	for _, part := range [][]byte{before, after} {
		for _, d := range part {
			if d < '0' || d > '9' {
				return 0, 0, false
			}
			zero = zero && d == '0'
		}
	}
	if zero && len(digits) < len(text) { // -0 has no sign as a number
		return 0, 0, false
	}
	return len(before), len(after), true
}
