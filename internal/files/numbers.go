package files

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// number describes the text of a number.
type number struct {
	// whole and scale are the numbers of digits before and after the point, without
	// leading zeros.
	whole, scale int
	integer      bool // digits only, with an optional minus
	// float is true if only a DOUBLE represents the number: exponents, -0, NaN and
	// infinities.
	float, finite bool
	// padded is true for 1.50, which as a DOUBLE would lose the last zero. It is
	// false for 1.0, the usual form of a DOUBLE.
	padded bool
	short  bool // at most maxShort digits
}

// maxShort is the number of decimal digits that a DOUBLE always represents.
const maxShort = 15

// parseNumber parses digits, a point with digits on at least one side, an exponent,
// NaN and infinities. Digits with leading zeros or a plus, such as 007 or +49, are
// codes and not numbers.
func parseNumber(text []byte) (n number, ok bool) {
	rest := text
	minus := len(rest) > 0 && rest[0] == '-'
	if minus {
		rest = rest[1:]
	}
	if len(rest) == 0 || rest[0] > '9' || rest[0] < '0' && rest[0] != '.' {
		return number{float: true}, nonFinite(text)
	}
	n.finite = true
	digits, i := 0, 0
	zero := true
	for ; i < len(rest) && rest[i]-'0' <= 9; i++ {
		zero = zero && rest[i] == '0'
		if !zero {
			n.whole++
		}
	}
	digits = i
	if digits > 1 && rest[0] == '0' {
		return n, false
	}
	n.integer = i == len(rest)
	if i < len(rest) && rest[i] == '.' {
		from := i + 1
		for i = from; i < len(rest) && rest[i]-'0' <= 9; i++ {
			zero = zero && rest[i] == '0'
		}
		n.scale = i - from
		digits += n.scale
		n.padded = n.scale > 1 && rest[i-1] == '0'
		n.float = n.scale == 0 // "5." is not a decimal
	}
	if digits == 0 {
		return n, false
	}
	power := 0
	if i < len(rest) && rest[i]|0x20 == 'e' {
		n.float = true
		exponent, err := strconv.Atoi(string(rest[i+1:]))
		if err != nil {
			return n, false
		}
		power, i = exponent, len(rest)
	}
	if i != len(rest) {
		return n, false
	}
	if zero && minus { // only a DOUBLE has -0
		n.integer, n.float = false, true
	}
	n.short = digits <= maxShort && power > -250 && power < 250
	return n, true
}

// nonFinite reports whether a text is NaN or an infinity.
func nonFinite(text []byte) bool {
	switch string(text) {
	case "NaN", "nan", "Infinity", "-Infinity", "inf", "-inf", "Inf", "-Inf":
		return true
	}
	return false
}

// exact reports whether a DOUBLE represents all digits of the number.
func (n number) exact(text []byte) bool {
	if n.short || !n.finite {
		return true
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return false
	}
	d1, e1 := digitsOf(string(text))
	d2, e2 := digitsOf(strconv.FormatFloat(v, 'e', -1, 64))
	return d1 == d2 && e1 == e2
}

// digitsOf returns the digits of a number without leading and trailing zeros, and
// the power of ten of the last digit. The sign is ignored, except in "-0".
func digitsOf(number string) (digits string, exponent int) {
	mantissa, power, _ := strings.Cut(strings.ToLower(number), "e")
	exponent, _ = strconv.Atoi(power) // 0 without one
	sign := ""
	if rest, ok := strings.CutPrefix(mantissa, "-"); ok {
		sign, mantissa = "-", rest
	}
	whole, part, _ := strings.Cut(mantissa, ".")
	exponent -= len(part)
	digits = strings.TrimLeft(whole+part, "0")
	short := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(short)
	if short == "" {
		exponent = 0
	}
	return sign + short, exponent
}

// fitsInt64 reports whether an integer fits in a BIGINT.
func (n number) fitsInt64(text []byte) bool {
	if !n.integer || n.whole > 19 {
		return false
	}
	if n.whole < 19 {
		return true
	}
	_, err := strconv.ParseInt(string(text), 10, 64)
	return err == nil
}

// maxDigits is the largest precision of a DECIMAL.
const maxDigits = 38

// numbers infers the type of a column of numbers: the narrowest that represents
// every value.
type numbers struct {
	seen, finite, fraction bool
	notInt, notDecimal     bool
	notExact               bool // a DOUBLE loses digits of some value
	padded, mixed          bool // mixed: the scales differ
	whole, scale           int
}

func (s *numbers) see(text []byte, n number) {
	if s.seen && n.scale != s.scale {
		s.mixed = true
	}
	s.seen = true
	s.finite = s.finite || n.finite
	s.fraction = s.fraction || !n.integer
	s.notInt = s.notInt || !n.fitsInt64(text)
	s.notDecimal = s.notDecimal || n.float
	s.notExact = s.notExact || !n.exact(text)
	s.padded = s.padded || n.padded
	s.whole, s.scale = max(s.whole, n.whole), max(s.scale, n.scale)
}

// arrowType returns nil if no type of numbers represents all values. If decimals is
// true, a column whose values have the same number of digits after the point, or
// trailing zeros, is a DECIMAL, as for prices.
func (s *numbers) arrowType(decimals bool) arrow.DataType {
	decimal := !s.notDecimal && s.whole+s.scale <= maxDigits
	switch {
	case !s.finite:
		return nil
	case !s.notInt:
		return arrow.PrimitiveTypes.Int64
	case decimal && (s.notExact || !s.fraction || decimals && (s.padded || !s.mixed)):
		return &arrow.Decimal128Type{Precision: maxDigits, Scale: int32(s.scale)}
	case !s.notExact:
		return arrow.PrimitiveTypes.Float64
	}
	return nil
}

// keeps reports whether t, a type that guess returns, represents the value of a
// text exactly.
func keeps(t arrow.DataType, text []byte) bool {
	if t.ID() == arrow.BOOL {
		return isBool(text)
	}
	n, ok := parseNumber(text)
	if !ok {
		return false
	}
	switch t := t.(type) {
	case *arrow.Int64Type:
		return n.fitsInt64(text)
	case *arrow.Decimal128Type:
		return !n.float && n.scale <= int(t.Scale) && n.whole <= int(t.Precision-t.Scale)
	}
	return n.exact(text)
}

// guess infers the type of a column from texts.
type guess struct {
	seen, notBool, notNumber bool
	numbers                  numbers
}

// see adds a value that is not NULL.
func (g *guess) see(text []byte) {
	g.seen = true
	if !g.notBool {
		g.notBool = !isBool(text)
	}
	if !g.notNumber {
		if n, ok := parseNumber(text); ok {
			g.numbers.see(text, n)
		} else {
			g.notNumber = true
		}
	}
}

func isBool(text []byte) bool {
	return bytes.Equal(text, []byte("true")) || bytes.Equal(text, []byte("false"))
}

func (g *guess) arrowType() arrow.DataType {
	if g.seen && !g.notBool {
		return arrow.FixedWidthTypes.Boolean
	}
	if g.seen && !g.notNumber {
		if t := g.numbers.arrowType(true); t != nil {
			return t
		}
	}
	return arrow.BinaryTypes.String
}
