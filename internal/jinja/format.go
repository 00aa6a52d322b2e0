package jinja

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// formatPercent is Python's format % values.
func (r *run) formatPercent(format text, values value) text {
	all := []value{values}
	if l, ok := values.(*list); ok && l.tuple {
		all = l.items
	}
	named, _ := values.(*dict)
	next, used := 0, false
	take := func() value {
		if next >= len(all) {
			r.fail("not enough arguments for format string")
		}
		next++
		return all[next-1]
	}
	var b builder
	rest := format
	for {
		at := strings.IndexByte(rest.s, '%')
		if at < 0 {
			break
		}
		b.add(rest.cut(0, at))
		rest = rest.cut(at+1, len(rest.s))
		s := rest.s
		var v value
		if strings.HasPrefix(s, "(") {
			end := strings.IndexByte(s, ')')
			if end < 0 || named == nil {
				r.fail("format requires a mapping")
			}
			found, ok := named.get(r, templateText(s[1:end]))
			if !ok {
				r.fail("the format's key %q is not in the mapping", s[1:end])
			}
			v, used, s = found, true, s[end+1:]
		}
		var f formatSpec
		for ; s != "" && strings.IndexByte("-+ 0#", s[0]) >= 0; s = s[1:] {
			switch s[0] {
			case '-':
				f.align = '<'
			case '0':
				f.zero = true
			case '#':
				f.alternative = true
			default:
				f.sign = s[0]
			}
		}
		size := func() (n int, given bool) {
			if strings.HasPrefix(s, "*") {
				s = s[1:]
				return r.intArgument(take(), 0), true
			}
			digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
			n, _ = strconv.Atoi(s[:digits])
			s = s[digits:]
			return n, digits > 0
		}
		if f.width, _ = size(); f.width < 0 {
			f.align, f.width = '<', -f.width
		}
		f.precision = -1
		if strings.HasPrefix(s, ".") {
			s = s[1:]
			f.precision, _ = size()
		}
		s = strings.TrimLeft(s, "hlL")
		if s == "" {
			r.fail("incomplete format")
		}
		f.kind = s[0]
		rest = rest.cut(len(rest.s)-len(s)+1, len(rest.s))
		if f.kind == '%' {
			b.add(templateText("%"))
			continue
		}
		if v == nil {
			v = take()
		}
		b.add(r.percentValue(f, v))
	}
	if next < len(all) && !used && named == nil {
		r.fail("not all arguments converted during string formatting")
	}
	b.add(rest)
	r.allocate(b.s.Len())
	return withFormatOrigin(format, b.text())
}

// withFormatOrigin returns the output of a format. If the format comes from a
// variable, the whole output gets its origin, because the format may contain
// widths and fill characters.
func withFormatOrigin(format, out text) text {
	if format.origin() > 0 {
		return joined(format, out).derive(out.s)
	}
	return out
}

func (r *run) percentValue(f formatSpec, v value) text {
	if f.align == 0 {
		f.align = '>'
	}
	switch f.kind {
	case 's', 'r', 'a':
		t := r.str(v)
		if f.kind != 's' {
			t = r.repr(v)
		}
		f.zero = false
		return r.pad(f, r.clip(f, t))
	case 'c':
		if n, ok := v.(integer); ok && 0 <= n && n <= utf8.MaxRune {
			return r.pad(f, templateText(string(rune(n))))
		}
		return r.pad(f, r.textArgument(v))
	case 'd', 'i', 'u':
		if x, ok := v.(float); ok {
			v = r.toInt(x)
		}
		f.kind = 'd'
	}
	if _, _, _, ok := number(v); !ok {
		r.fail("%%%c format: a number is required, not %s", f.kind, typeName(v))
	}
	return r.formatNumber(f, v)
}

// formatSpec describes how a value is formatted.
type formatSpec struct {
	fill        string // empty means a space
	align       byte   // <, >, ^ or =; 0 means the default of the type
	sign        byte   // + or space; 0 means only a minus sign
	alternative bool
	zero        bool
	width       int
	grouping    string
	precision   int // -1 means none
	kind        byte
}

func (r *run) clip(f formatSpec, t text) text {
	if f.precision >= 0 {
		return t.cut(0, t.offset(f.precision))
	}
	return t
}

// pad fills a text up to the width.
func (r *run) pad(f formatSpec, t text) text {
	n := r.padding(t, f.width)
	fill := f.fill
	if fill == "" {
		fill = " "
	}
	left := 0
	switch f.align {
	case '>':
		left = n
	case '^':
		left = n / 2
	}
	r.allocate(n * len(fill))
	return joined(templateText(strings.Repeat(fill, left)), t, templateText(strings.Repeat(fill, n-left)))
}

// formatNumber formats a number.
func (r *run) formatNumber(f formatSpec, v value) text {
	n, x, whole, _ := number(v)
	f.precision = min(f.precision, 1000)
	var digits, prefix string
	negative := x < 0 || x == 0 && math.Signbit(x)
	kind := f.kind
	switch kind {
	case 0:
		if kind = 'r'; whole {
			kind = 'd'
		} else if f.precision >= 0 {
			kind = 'g'
		}
	case 'n':
		if kind = 'g'; whole {
			kind = 'd'
		}
	}
	switch kind {
	case 'd', 'x', 'X', 'o', 'b':
		if !whole {
			r.fail("the format %q is not valid for a float", string(kind))
		}
		negative = n < 0
		base := map[byte]int{'d': 10, 'x': 16, 'X': 16, 'o': 8, 'b': 2}[kind]
		digits = strings.TrimPrefix(strconv.FormatInt(n, base), "-")
		if f.alternative && kind != 'd' {
			prefix = "0" + string(kind)
		}
		if kind == 'X' {
			digits = strings.ToUpper(digits)
		}
	case 'f', 'F', 'e', 'E', 'g', 'G', '%', 'r':
		digits = floatDigits(math.Abs(x), kind, f.precision)
	default:
		r.fail("the format %q is not supported", string(kind))
	}
	if f.grouping != "" {
		digits = groupThousands(digits, f.grouping)
	}
	sign := ""
	switch {
	case negative:
		sign = "-"
	case f.sign == '+' || f.sign == ' ':
		sign = string(f.sign)
	}
	if missing := f.width - len(sign) - len(prefix) - len(digits); f.zero && f.align != '<' && missing > 0 {
		r.allocate(missing)
		digits = strings.Repeat("0", missing) + digits
	}
	if f.align == 0 {
		f.align = '>'
	}
	return r.pad(f, templateText(sign+prefix+digits))
}

// floatDigits formats a float that is not negative.
func floatDigits(x float64, kind byte, precision int) string {
	if kind == 'r' {
		return floatText(x)
	}
	if precision < 0 {
		precision = 6
	}
	var s string
	switch kind {
	case '%':
		s = strconv.FormatFloat(100*x, 'f', precision, 64) + "%"
	case 'g', 'G':
		s = formatG(x, max(precision, 1))
	default:
		s = strconv.FormatFloat(x, kind|0x20, precision, 64)
	}
	if math.IsInf(x, 0) || math.IsNaN(x) {
		s = strings.ToLower(strings.TrimPrefix(s, "+"))
	}
	if kind == 'F' || kind == 'E' || kind == 'G' {
		s = strings.ToUpper(s)
	}
	return s
}

// formatG is C's %g: the given number of digits, without trailing zeros.
func formatG(x float64, precision int) string {
	s := strconv.FormatFloat(x, 'e', precision-1, 64)
	at := strings.IndexByte(s, 'e')
	if at < 0 {
		return s
	}
	trim := func(s string) string {
		if strings.Contains(s, ".") {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
		return s
	}
	exponent, _ := strconv.Atoi(s[at+1:])
	if exponent < -4 || exponent >= precision {
		return trim(s[:at]) + s[at:]
	}
	return trim(strconv.FormatFloat(x, 'f', precision-1-exponent, 64))
}

// groupThousands puts a separator between groups of three digits.
func groupThousands(digits, mark string) string {
	end := len(digits) - len(strings.TrimLeft(digits, "0123456789"))
	whole, rest := digits[:end], digits[end:]
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + mark + whole[at:]
	}
	return whole + rest
}

// formatBraces is Python's format.format(arguments).
func (r *run) formatBraces(format text, a args) text {
	var b builder
	next := 0
	rest := format
	for {
		at := strings.IndexAny(rest.s, "{}")
		if at < 0 {
			break
		}
		b.add(rest.cut(0, at))
		s := rest.s[at:]
		if len(s) > 1 && s[0] == s[1] {
			b.add(rest.cut(at, at+1))
			rest = rest.cut(at+2, len(rest.s))
			continue
		}
		end := strings.IndexByte(s, '}')
		if s[0] == '}' || end < 0 {
			r.fail("the format has a single brace")
		}
		b.add(r.field(s[1:end], a, &next))
		rest = rest.cut(at+end+1, len(rest.s))
	}
	b.add(rest)
	r.allocate(b.s.Len())
	return withFormatOrigin(format, b.text())
}

// field formats a replacement field, name!conversion:spec.
func (r *run) field(code string, a args, next *int) text {
	code, spec, _ := strings.Cut(code, ":")
	code, conversion, _ := strings.Cut(code, "!")
	if strings.Contains(spec, "{") {
		r.fail("nested fields in a format are not supported")
	}
	first := code
	if at := strings.IndexAny(code, ".["); at >= 0 {
		first = code[:at]
	}
	var v value
	n, err := strconv.Atoi(first)
	switch {
	case first == "":
		n, err = *next, nil
		*next++
		fallthrough
	case err == nil:
		if n < 0 || n >= len(a.positional) {
			r.fail("the format's field %d has no argument", n)
		}
		v = a.positional[n]
	default:
		found, ok := a.take(first)
		if !ok {
			r.fail("the format's field %q has no argument", first)
		}
		v = found
	}
	for path := code[len(first):]; path != ""; {
		if path[0] == '.' {
			end := strings.IndexAny(path[1:], ".[")
			if end < 0 {
				end = len(path) - 1
			}
			v, path = r.attribute(v, path[1:1+end]), path[1+end:]
			continue
		}
		end := strings.IndexByte(path, ']')
		if path[0] != '[' || end < 0 {
			r.fail("invalid field in the format: %q", code)
		}
		k := value(templateText(path[1:end]))
		if n, err := strconv.Atoi(path[1:end]); err == nil {
			k = integer(n)
		}
		v, path = r.item(v, k), path[end+1:]
	}
	switch conversion {
	case "":
	case "s":
		v = r.str(v)
	case "r", "a":
		v = r.repr(v)
	default:
		r.fail("the conversion %q of the format is unknown", conversion)
	}
	return r.formatted(v, spec)
}

// formatted is Python's format(value, spec).
func (r *run) formatted(v value, spec string) text {
	if spec == "" {
		return r.str(v)
	}
	f := formatSpec{precision: -1}
	s := spec
	if c, size := utf8.DecodeRuneInString(s); c != utf8.RuneError && len(s) > size && strings.IndexByte("<>=^", s[size]) >= 0 {
		f.fill, f.align, s = s[:size], s[size], s[size+1:]
	} else if strings.IndexByte("<>=^", s[0]) >= 0 {
		f.align, s = s[0], s[1:]
	}
	next := func(set string) (c byte) {
		if s != "" && strings.IndexByte(set, s[0]) >= 0 {
			c, s = s[0], s[1:]
		}
		return c
	}
	digits := func() int {
		n := len(s) - len(strings.TrimLeft(s, "0123456789"))
		x, _ := strconv.Atoi(s[:n])
		s = s[n:]
		return x
	}
	if f.sign = next("+- "); f.sign == '-' {
		f.sign = 0
	}
	f.alternative = next("#") != 0
	f.zero = next("0") != 0
	f.width = digits()
	if c := next(",_"); c != 0 {
		f.grouping = string(c)
	}
	if next(".") != 0 {
		f.precision = digits()
	}
	if s != "" {
		f.kind, s = s[0], s[1:]
	}
	if s != "" || f.align == '=' {
		r.fail("the format %q is not supported", spec)
	}
	if t, ok := v.(text); ok {
		if f.kind != 0 && f.kind != 's' {
			r.fail("the format %q is not valid for a string", spec)
		}
		if f.zero && f.fill == "" {
			f.fill = "0"
		}
		return r.pad(f, r.clip(f, t))
	}
	if _, isBool := v.(boolean); isBool && f.kind == 0 {
		return r.pad(f, r.str(v))
	}
	if _, _, _, ok := number(v); !ok {
		r.fail("the format %q is not valid for a %s", spec, typeName(v))
	}
	return r.formatNumber(f, v)
}
