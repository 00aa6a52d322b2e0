package jinja

import (
	"fmt"
	"math"
	"strings"
)

// jsonStyle is the style of JSON output.
type jsonStyle struct {
	ascii      bool
	indent     string
	lines      bool
	item, pair text // the separators between items, and after a key
	sorted     bool
}

// toJSON is the filter tojson of transformers.
func (r *run) toJSON(v value, a args) text {
	p := r.parameters(a, "tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys")
	s := jsonStyle{item: templateText(", "), pair: templateText(": ")}
	if p[0] != nil {
		s.ascii = truth(p[0])
	}
	switch indent := p[1].(type) {
	case nil, none:
	case text:
		s.lines, s.indent, s.item = true, indent.s, templateText(",")
	default:
		n := min(max(r.intArgument(indent, 0), 0), 1000)
		s.lines, s.indent, s.item = true, strings.Repeat(" ", n), templateText(",")
	}
	switch p[2].(type) {
	case nil, none:
	default:
		both := r.each(p[2])
		if len(both) != 2 {
			r.fail("tojson: separators must be two strings")
		}
		s.item, s.pair = r.textArgument(both[0]), r.textArgument(both[1])
	}
	if p[3] != nil {
		s.sorted = truth(p[3])
	}
	var b builder
	r.json(&b, v, s, 0)
	return b.text()
}

func (r *run) json(b *builder, v value, s jsonStyle, depth int) {
	defer r.enter()()
	r.work(1)
	begin := b.s.Len()
	switch v := v.(type) {
	case none:
		b.add(templateText("null"))
	case boolean:
		b.add(templateText(fmt.Sprint(bool(v))))
	case integer:
		b.add(r.repr(v))
	case float:
		b.add(templateText(jsonFloat(float64(v))))
	case text:
		b.add(r.jsonText(v, s.ascii))
	case *list:
		r.jsonItems(b, "[", len(v.items), "]", s, depth, func(i int) {
			r.json(b, v.items[i], s, depth+1)
		})
	case *dict:
		keys, values := v.keys, v.values
		if s.sorted {
			keys, values = r.sorted(v.keys, v.keys, false), r.sorted(v.values, v.keys, false)
		}
		r.jsonItems(b, "{", len(keys), "}", s, depth, func(i int) {
			b.add(r.jsonText(r.jsonKey(keys[i]), s.ascii))
			b.add(s.pair)
			r.json(b, values[i], s, depth+1)
		})
	default:
		r.fail("Object of type %s is not JSON serializable", typeName(v))
	}
	r.allocate(b.s.Len() - begin)
}

func (r *run) jsonItems(b *builder, begin string, n int, end string, s jsonStyle, depth int, item func(int)) {
	b.add(templateText(begin))
	newline := func(depth int) {
		if s.lines {
			r.allocate(depth * len(s.indent))
			b.add(templateText("\n" + strings.Repeat(s.indent, depth)))
		}
	}
	for i := range n {
		if i > 0 {
			b.add(s.item)
		}
		newline(depth + 1)
		item(i)
	}
	if n > 0 {
		newline(depth)
	}
	b.add(templateText(end))
}

func (r *run) jsonKey(k value) text {
	switch k := k.(type) {
	case text:
		return k
	case none:
		return templateText("null")
	case boolean:
		return templateText(fmt.Sprint(bool(k)))
	case float:
		return templateText(jsonFloat(float64(k)))
	case integer:
		return r.repr(k)
	}
	r.fail("keys must be str, int, float, bool or None, not %s", typeName(k))
	return text{}
}

func jsonFloat(x float64) string {
	switch {
	case math.IsNaN(x):
		return "NaN"
	case math.IsInf(x, 1):
		return "Infinity"
	case math.IsInf(x, -1):
		return "-Infinity"
	}
	return floatText(x)
}

var jsonEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\f': `\f`, '\b': `\b`}

func (r *run) jsonText(t text, ascii bool) text {
	r.allocate(2 * len(t.s))
	inside := t.mapSpans(func(s string) string {
		var b strings.Builder
		for _, c := range s {
			switch short, ok := jsonEscapes[c]; {
			case ok:
				b.WriteString(short)
			case c < ' ' || ascii && 0x7f < c && c < 0x10000:
				fmt.Fprintf(&b, `\u%04x`, c)
			case ascii && c >= 0x10000:
				fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(c-0x10000)>>10, 0xdc00+(c-0x10000)&0x3ff)
			default:
				b.WriteRune(c)
			}
		}
		return b.String()
	})
	return joined(templateText(`"`), inside, templateText(`"`))
}
