package sqlexpr

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
)

// quoted parses the text in quotes at a byte, as Spark does.
func quoted(text string, at int, raw bool) (value string, to int, err error) {
	quote := text[at]
	for i := at + 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && !raw:
			i++
		case text[i] == quote:
			if i+1 < len(text) && text[i+1] == quote {
				// Spark 3.5 concatenates two texts there, Spark 4 reads a quote.
				return "", 0, mistake(text, i, fmt.Sprintf("write a quote in a text as \\%c here, because versions of Spark read %c%c differently", quote, quote, quote))
			}
			value = text[at+1 : i]
			if !raw {
				value, err = unescape(text, at+1, i)
			}
			if err == nil && !utf8.ValidString(value) {
				err = mistake(text, at, "the text is not valid UTF-8")
			}
			return value, i + 1, err
		}
	}
	return "", 0, mistake(text, at, fmt.Sprintf("the quote is not closed; end the text with %c", quote))
}

// unescape resolves the escapes of text[from:to], whose last byte is not a
// backslash: \n and similar ones, \uXXXX and \UXXXXXXXX, octal \ooo below 200, and
// \% and \_, which keep their backslash for LIKE. Before any other character the
// backslash is removed.
func unescape(text string, from, to int) (string, error) {
	s := text[from:to]
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if r, n := codePoint(s[i:]); n > 0 {
			if utf16.IsSurrogate(r) {
				low, m := codePoint(s[i+n:])
				if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
					return "", mistake(text, from+i, `one half of a surrogate pair is not a character; write \U and eight digits`)
				}
				n += m
			}
			if r > utf8.MaxRune {
				return "", mistake(text, from+i, fmt.Sprintf("there is no character %s", s[i:i+n]))
			}
			b.WriteRune(r)
			i += n - 1
			continue
		}
		i++
		switch c := s[i]; c {
		case '0':
			b.WriteByte(0)
		case 'b':
			b.WriteByte('\b')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'Z':
			b.WriteByte(26)
		case '%', '_':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// codePoint parses the numeric escape of n bytes at the begin of s; n is 0 if there
// is none.
func codePoint(s string) (r rune, n int) {
	digits, base := 0, 16
	switch {
	case strings.HasPrefix(s, `\u`):
		digits, n = 4, 6
	case strings.HasPrefix(s, `\U`):
		digits, n = 8, 10
	case len(s) > 1 && s[0] == '\\' && (s[1] == '0' || s[1] == '1'):
		digits, n, base = 3, 4, 8
	default:
		return 0, 0
	}
	if len(s) < n {
		return 0, 0
	}
	v, err := strconv.ParseUint(s[n-digits:n], base, 32)
	if err != nil {
		return 0, 0
	}
	return rune(min(v, utf8.MaxRune+1)), n
}

// decimal is a DECIMAL: unscaled / 10^scale.
type decimal struct {
	unscaled *big.Int
	scale    int32
}

func (d decimal) String() string {
	s := new(big.Int).Abs(d.unscaled).String()
	if d.scale > 0 {
		for len(s) <= int(d.scale) {
			s = "0" + s
		}
		s = s[:len(s)-int(d.scale)] + "." + s[len(s)-int(d.scale):]
	}
	if d.unscaled.Sign() < 0 {
		s = "-" + s
	}
	return s
}

func (d decimal) float() float64 {
	f, _ := strconv.ParseFloat(d.String(), 64) // 38 digits are in the range of DOUBLE
	return f
}

func (d decimal) compare(o decimal) int {
	a, b := d.unscaled, o.unscaled
	if d.scale < o.scale {
		a = new(big.Int).Mul(a, pow10(o.scale-d.scale))
	} else if o.scale < d.scale {
		b = new(big.Int).Mul(b, pow10(d.scale-o.scale))
	}
	return a.Cmp(b)
}

func pow10(n int32) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

const maxPrecision = 38

// numeric parses a number with the type that Spark gives it: that of its suffix,
// or else DOUBLE with an exponent, DECIMAL with a point, or the first of INT,
// BIGINT and DECIMAL that holds it.
func numeric(s string, negative bool) (value any, t arrow.DataType, err error) {
	digits := strings.ToUpper(s)
	suffix := ""
	for _, end := range []string{"BD", "L", "S", "Y", "D", "F"} {
		if rest, ok := strings.CutSuffix(digits, end); ok {
			digits, suffix = rest, end
			break
		}
	}
	if negative {
		digits = "-" + digits
	}
	whole := !strings.ContainsAny(digits, ".E")
	integer := func(bits int, t arrow.DataType) (any, arrow.DataType, error) {
		n, err := strconv.ParseInt(digits, 10, bits)
		if !whole || err != nil {
			return nil, nil, fmt.Errorf("%s is not a number of type %s", s, map[int]string{8: "TINYINT", 16: "SMALLINT", 64: "BIGINT"}[bits])
		}
		return n, t, nil
	}
	switch suffix {
	case "L":
		return integer(64, arrow.PrimitiveTypes.Int64)
	case "S":
		return integer(16, arrow.PrimitiveTypes.Int16)
	case "Y":
		return integer(8, arrow.PrimitiveTypes.Int8)
	case "D", "F":
		bits := 64
		t = arrow.PrimitiveTypes.Float64
		if suffix == "F" {
			bits, t = 32, arrow.PrimitiveTypes.Float32
		}
		f, err := strconv.ParseFloat(digits, bits)
		if err != nil || math.IsInf(f, 0) {
			return nil, nil, fmt.Errorf("%s is outside the range of its type", s)
		}
		return f, t, nil
	case "":
		if strings.Contains(digits, "E") {
			f, err := strconv.ParseFloat(digits, 64)
			if err != nil {
				return nil, nil, fmt.Errorf("%s is outside the range of DOUBLE", s)
			}
			return f, arrow.PrimitiveTypes.Float64, nil
		}
		if n, err := strconv.ParseInt(digits, 10, 64); whole && err == nil {
			if n >= math.MinInt32 && n <= math.MaxInt32 {
				return n, arrow.PrimitiveTypes.Int32, nil
			}
			return n, arrow.PrimitiveTypes.Int64, nil
		}
	}
	if strings.Contains(digits, "E") {
		return nil, nil, fmt.Errorf("%s: write a DECIMAL without an exponent here", s)
	}
	before, after, _ := strings.Cut(digits, ".")
	unscaled, ok := new(big.Int).SetString(before+after, 10)
	if !ok {
		return nil, nil, fmt.Errorf("%s is not a number", s)
	}
	d := decimal{unscaled, int32(len(after))}
	precision := max(len(new(big.Int).Abs(unscaled).String()), len(after))
	if precision > maxPrecision {
		return nil, nil, fmt.Errorf("%s has more than %d digits, the maximum of a DECIMAL", s, maxPrecision)
	}
	return d, &arrow.Decimal128Type{Precision: int32(precision), Scale: d.scale}, nil
}
