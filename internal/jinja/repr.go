package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// str is Python's str().
func (r *run) str(v value) text {
	switch v := v.(type) {
	case text:
		return v
	case undefined:
		return text{}
	}
	return r.repr(v)
}

// repr is Python's repr().
func (r *run) repr(v value) text {
	defer r.enter()()
	r.work(1)
	switch v := v.(type) {
	case none:
		return templateText("None")
	case undefined:
		return templateText("Undefined")
	case boolean:
		if v {
			return templateText("True")
		}
		return templateText("False")
	case integer:
		return templateText(strconv.FormatInt(int64(v), 10))
	case float:
		return templateText(floatText(float64(v)))
	case text:
		return r.quote(v)
	case *list:
		if v.tuple {
			end := ")"
			if len(v.items) == 1 {
				end = ",)"
			}
			return r.listed("(", v.items, end)
		}
		return r.listed("[", v.items, "]")
	case *view:
		return r.listed("dict_"+v.name+"([", v.items, "])")
	case *numberRange:
		if v.step == 1 {
			return templateText(fmt.Sprintf("range(%d, %d)", v.first, v.end))
		}
		return templateText(fmt.Sprintf("range(%d, %d, %d)", v.first, v.end, v.step))
	case *dict:
		return r.pairs("{", v, "}")
	case *namespace:
		return r.pairs("<Namespace {", v.attributes, "}>")
	case *macro:
		return templateText("<Macro '" + v.code.name + "'>")
	}
	// Python writes a memory address.
	r.fail("'%s' object cannot be written as text", typeName(v))
	return text{}
}

func (r *run) listed(begin string, items []value, end string) text {
	var b builder
	b.add(templateText(begin))
	for i, x := range items {
		if i > 0 {
			b.add(templateText(", "))
		}
		b.add(r.repr(x))
	}
	b.add(templateText(end))
	r.allocate(b.s.Len())
	return b.text()
}

func (r *run) pairs(begin string, d *dict, end string) text {
	var b builder
	b.add(templateText(begin))
	for i, k := range d.keys {
		if i > 0 {
			b.add(templateText(", "))
		}
		b.add(r.repr(k))
		b.add(templateText(": "))
		b.add(r.repr(d.values[i]))
	}
	b.add(templateText(end))
	r.allocate(b.s.Len())
	return b.text()
}

// quote is the repr of a string.
func (r *run) quote(t text) text {
	r.allocate(2 * len(t.s))
	mark := "'"
	if strings.Contains(t.s, "'") && !strings.Contains(t.s, `"`) {
		mark = `"`
	}
	inside := t.mapSpans(func(s string) string {
		var b strings.Builder
		for _, c := range s {
			switch {
			case c == '\n':
				b.WriteString(`\n`)
			case c == '\r':
				b.WriteString(`\r`)
			case c == '\t':
				b.WriteString(`\t`)
			case c == '\\' || string(c) == mark:
				b.WriteByte('\\')
				b.WriteRune(c)
			case c == ' ' || unicode.IsPrint(c):
				b.WriteRune(c)
			case c < 0x100:
				fmt.Fprintf(&b, `\x%02x`, c)
			case c < 0x10000:
				fmt.Fprintf(&b, `\u%04x`, c)
			default:
				fmt.Fprintf(&b, `\U%08x`, c)
			}
		}
		return b.String()
	})
	return joined(templateText(mark), inside, templateText(mark))
}

// floatText is the repr of a float: the fewest digits that identify it.
func floatText(x float64) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	s := strconv.FormatFloat(x, 'e', -1, 64)
	exponent, _ := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	if exponent < -4 || exponent >= 16 {
		return s // Go and Python both write at least two digits of an exponent
	}
	s = strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
