package jinja

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// filters are Jinja's filters by name, without those for HTML pages and those
// with random results.
var filters map[string]func(r *run, v value, a args) value

func init() {
	filters = map[string]func(r *run, v value, a args) value{
		"abs":        abs,
		"attr":       attr,
		"batch":      batch,
		"capitalize": byMethod("capitalize"),
		"center": func(r *run, v value, a args) value {
			p := r.parameters(a, "center", 0, "width")
			return textMethods["center"](r, r.str(v), args{positional: []value{integer(r.intArgument(p[0], 80))}})
		},
		"count":       lengthOf,
		"d":           defaultTo,
		"default":     defaultTo,
		"dictsort":    dictSort,
		"e":           escape,
		"escape":      escape,
		"first":       first,
		"float":       toFloat,
		"forceescape": func(r *run, v value, a args) value { r.parameters(a, "forceescape", 0); return r.escaped(r.str(v)) },
		"format":      formatFilter,
		"groupby":     groupBy,
		"indent":      indent,
		"int":         toInt,
		"items":       items,
		"join":        join,
		"last":        last,
		"length":      lengthOf,
		"list":        listOf,
		"lower":       byMethod("lower"),
		"map":         mapFilter,
		"max":         minMax("max"),
		"min":         minMax("min"),
		"reject":      selectFilter("reject", false, false),
		"rejectattr":  selectFilter("rejectattr", true, false),
		"replace":     replace,
		"reverse":     reverse,
		"round":       round,
		"safe":        safe,
		"select":      selectFilter("select", false, true),
		"selectattr":  selectFilter("selectattr", true, true),
		"slice":       sliceFilter,
		"sort":        sortFilter,
		"string":      func(r *run, v value, a args) value { r.parameters(a, "string", 0); return r.str(v) },
		"sum":         sum,
		"title":       titleFilter,
		"tojson":      func(r *run, v value, a args) value { return r.toJSON(v, a) },
		"trim": func(r *run, v value, a args) value {
			return r.strip(r.str(v), r.parameters(a, "trim", 0, "chars")[0], true, true)
		},
		"truncate":  truncate,
		"unique":    unique,
		"upper":     byMethod("upper"),
		"wordcount": wordCount,
	}
}

// filter is Jinja's "v | name(arguments)".
func (r *run) filter(name string, v value, a args) value {
	f, ok := filters[name]
	if !ok {
		r.fail("No filter named '%s'", name)
	}
	defer r.enter()()
	r.work(1)
	if t, ok := v.(text); ok && t.safe && !safeFilters[name] {
		r.fail("the filter %s is not supported for a safe or escaped string", name)
	}
	return f(r, v, a)
}

// safeFilters are the filters that are supported for a safe string.
var safeFilters = map[string]bool{"safe": true, "e": true, "escape": true, "string": true, "d": true, "default": true, "count": true, "length": true, "tojson": true}

func byMethod(name string) func(*run, value, args) value {
	return func(r *run, v value, a args) value { return textMethods[name](r, r.str(v), a) }
}

func abs(r *run, v value, a args) value {
	r.parameters(a, "abs", 0)
	n, x, whole, ok := number(v)
	switch {
	case !ok:
		r.mustBeDefined(v)
		r.fail("bad operand type for abs(): '%s'", typeName(v))
	case !whole:
		return float(math.Abs(x))
	case n < 0:
		return r.unary("-", integer(n))
	}
	return integer(n)
}

func defaultTo(r *run, v value, a args) value {
	p := r.parameters(a, "default", 0, "default_value", "boolean")
	_, missing := v.(undefined)
	if !missing && (p[1] == nil || !truth(p[1]) || truth(v)) {
		return v
	}
	if p[0] == nil {
		return text{}
	}
	return p[0]
}

func safe(r *run, v value, a args) value {
	r.parameters(a, "safe", 0)
	t := r.str(v)
	t.safe = true
	return t
}

func escape(r *run, v value, a args) value {
	r.parameters(a, "escape", 0)
	if t, ok := v.(text); ok && t.safe {
		return t
	}
	return r.escaped(r.str(v))
}

func (r *run) escaped(t text) text {
	for _, pair := range [][2]string{{"&", "&amp;"}, {">", "&gt;"}, {"<", "&lt;"}, {"'", "&#39;"}, {`"`, "&#34;"}} {
		t = t.mapSpans(func(s string) string { return strings.ReplaceAll(s, pair[0], pair[1]) })
	}
	r.allocate(len(t.s))
	t.safe = true
	return t
}

func formatFilter(r *run, v value, a args) value {
	if len(a.names) > 0 {
		return r.formatPercent(r.str(v), r.dict("format", args{names: a.names, named: a.named}))
	}
	return r.formatPercent(r.str(v), &list{a.positional, true})
}

func indent(r *run, v value, a args) value {
	p := r.parameters(a, "indent", 0, "width", "first", "blank")
	by := templateText("    ")
	switch w := p[0].(type) {
	case nil:
	case text:
		by = w
	default:
		n := max(r.intArgument(w, 4), 0)
		r.allocate(n)
		by = templateText(strings.Repeat(" ", n))
	}
	t := r.textArgument(v)
	lines := r.lines(joined(t, templateText("\n")), false)
	for i, line := range lines {
		if i == 0 && isTrue(p[1]) || i > 0 && (line.s != "" || isTrue(p[2])) {
			r.allocate(len(by.s) + len(line.s))
			lines[i] = joined(by, line)
		}
	}
	return r.join(templateText("\n"), lines)
}

func lengthOf(r *run, v value, a args) value {
	r.parameters(a, "length", 0)
	if t, ok := v.(text); ok {
		r.workBytes(len(t.s))
	}
	n, ok := length(v)
	if !ok {
		r.fail("object of type '%s' has no len()", typeName(v))
	}
	return integer(n)
}

func replace(r *run, v value, a args) value {
	p := r.parameters(a, "replace", 2, "old", "new", "count")
	count := -1
	if _, ok := p[2].(none); p[2] != nil && !ok {
		count = r.intArgument(p[2], -1)
	}
	return r.replace(r.str(v), r.str(p[0]), r.str(p[1]), count)
}

func round(r *run, v value, a args) value {
	p := r.parameters(a, "round", 0, "precision", "method")
	method := "common"
	if p[1] != nil {
		method = r.textArgument(p[1]).s
	}
	n, x, whole, ok := number(v)
	if !ok {
		r.mustBeDefined(v)
		r.fail("type %s doesn't define __round__ method", typeName(v))
	}
	digits := r.intArgument(p[0], 0)
	switch scale := math.Pow(10, float64(digits)); method {
	case "ceil":
		return float(math.Ceil(x*scale) / scale)
	case "floor":
		return float(math.Floor(x*scale) / scale)
	case "common":
		if whole && digits >= 0 {
			return integer(n)
		}
		if digits < 0 {
			y := math.RoundToEven(x*scale) / scale
			if whole {
				return integer(int64(y))
			}
			return float(y)
		}
		// The nearest decimal, and the even one of two.
		y, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'f', min(digits, 400), 64), 64)
		return float(y)
	}
	r.fail("method must be common, ceil or floor")
	return nil
}

// titleFilter is Jinja's filter title, which differs from Python's str.title.
func titleFilter(r *run, v value, a args) value {
	r.parameters(a, "title", 0)
	t := r.str(v)
	r.allocate(2 * len(t.s))
	begins := func(c rune) bool { return isSpace(c) || strings.ContainsRune("-({[<", c) }
	var b builder
	for rest := t; rest.s != ""; {
		n := strings.IndexFunc(rest.s, begins)
		if n == 0 {
			n = len(rest.s) - len(strings.TrimLeftFunc(rest.s, begins))
		} else if n < 0 {
			n = len(rest.s)
		}
		_, size := utf8.DecodeRuneInString(rest.s)
		b.add(rest.cut(0, size).mapSpans(upper))
		b.add(rest.cut(size, n).mapSpans(lower))
		rest = rest.cut(n, len(rest.s))
		r.work(4)
	}
	return b.text()
}

func toFloat(r *run, v value, a args) value {
	p := r.parameters(a, "float", 0, "default")
	if _, x, _, ok := number(v); ok {
		return float(x)
	}
	r.mustBeDefined(v)
	if t, ok := v.(text); ok {
		if x, ok := parseFloat(t.s); ok {
			return float(x)
		}
	}
	if p[0] == nil {
		return float(0)
	}
	return p[0]
}

// parseFloat is Python's float() of a string.
func parseFloat(s string) (float64, bool) {
	s = strings.TrimFunc(s, isSpace)
	if strings.ContainsAny(s, "xXpP") || strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
		return 0, false
	}
	x, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	return x, err == nil || math.IsInf(x, 0)
}

// toInt is Python's int() of a float.
func (r *run) toInt(x float) value {
	y := math.Trunc(float64(x))
	if !(math.Abs(y) < 1<<63) {
		r.tooLarge()
	}
	return integer(int64(y))
}

func toInt(r *run, v value, a args) value {
	p := r.parameters(a, "int", 0, "default", "base")
	fallback := value(integer(0))
	if p[0] != nil {
		fallback = p[0]
	}
	base := r.intArgument(p[1], 10)
	if base != 0 && (base < 2 || base > 36) {
		r.fail("int() base must be >= 2 and <= 36, or 0")
	}
	n, x, whole, ok := number(v)
	switch {
	case ok && whole:
		return integer(n)
	case ok && (math.IsNaN(x) || math.IsInf(x, 0)):
		return fallback
	case ok:
		return r.toInt(float(x))
	}
	r.mustBeDefined(v)
	t, isText := v.(text)
	if !isText {
		return fallback
	}
	s := strings.TrimFunc(t.s, isSpace)
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 {
		return fallback
	}
	if prefix := map[int]string{2: "0b", 8: "0o", 16: "0x"}[base]; prefix != "" && len(digits) > 2 && strings.EqualFold(digits[:2], prefix) {
		s = s[:len(s)-len(digits)] + digits[2:]
	}
	if n, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), base, 64); err == nil {
		return integer(n)
	}
	if x, ok := parseFloat(t.s); ok && math.Abs(x) < 1<<63 {
		return r.toInt(float(x))
	}
	return fallback
}

func truncate(r *run, v value, a args) value {
	p := r.parameters(a, "truncate", 0, "length", "killwords", "end", "leeway")
	t := r.textArgument(v)
	r.allocate(len(t.s))
	most, leeway, end := r.intArgument(p[0], 255), 5, templateText("...")
	if p[2] != nil {
		end = r.textArgument(p[2])
	}
	if _, ok := p[3].(none); p[3] != nil && !ok {
		leeway = r.intArgument(p[3], 5)
	}
	if most < end.count() || leeway < 0 {
		r.fail("truncate: the length must be at least that of end, and leeway must not be negative")
	}
	if t.count() <= most+leeway {
		return t
	}
	kept := t.cut(0, t.offset(most-end.count()))
	if p[1] == nil || !truth(p[1]) {
		if at := strings.LastIndexByte(kept.s, ' '); at >= 0 {
			kept = kept.cut(0, at)
		}
	}
	return joined(kept, end)
}

func wordCount(r *run, v value, a args) value {
	r.parameters(a, "wordcount", 0)
	t := r.str(v)
	r.workBytes(8 * len(t.s))
	return integer(len(strings.FieldsFunc(t.s, func(c rune) bool {
		return c != '_' && !unicode.IsLetter(c) && !unicode.IsNumber(c)
	})))
}
