package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// textMethods are the methods of Python's str.
var textMethods map[string]func(r *run, t text, a args) value

func init() {
	textMethods = map[string]func(r *run, t text, a args) value{
		"capitalize": changed(func(t text) text { return t.as(capitalized(t.s)) }),
		"casefold":   changed(func(t text) text { return t.mapped(folded) }),
		"lower":      changed(func(t text) text { return t.mapped(lower) }),
		"swapcase":   changed(func(t text) text { return t.mapped(swapped) }),
		"title":      changed(func(t text) text { return t.as(titled(t.s)) }),
		"upper":      changed(func(t text) text { return t.mapped(upper) }),

		"strip":  stripped(true, true),
		"lstrip": stripped(true, false),
		"rstrip": stripped(false, true),

		"removeprefix": func(r *run, t text, a args) value {
			if p := r.textArgument(r.parameters(a, "removeprefix", 1, "prefix")[0]); strings.HasPrefix(t.s, p.s) {
				return t.cut(len(p.s), len(t.s))
			}
			return t
		},
		"removesuffix": func(r *run, t text, a args) value {
			if p := r.textArgument(r.parameters(a, "removesuffix", 1, "suffix")[0]); p.s != "" && strings.HasSuffix(t.s, p.s) {
				return t.cut(0, len(t.s)-len(p.s))
			}
			return t
		},
		"startswith": affix("startswith", strings.HasPrefix),
		"endswith":   affix("endswith", strings.HasSuffix),

		"find":   found("find", strings.Index, false),
		"rfind":  found("rfind", strings.LastIndex, false),
		"index":  found("index", strings.Index, true),
		"rindex": found("rindex", strings.LastIndex, true),
		"count": func(r *run, t text, a args) value {
			p := r.parameters(a, "count", 1, "sub", "start", "end")
			first, end, ok := r.window(t, p[1], p[2])
			if !ok {
				return integer(0)
			}
			return integer(strings.Count(t.s[first:end], r.textArgument(p[0]).s))
		},

		"split":      splits("split", false),
		"rsplit":     splits("rsplit", true),
		"splitlines": splitLines,
		"partition":  partition("partition", strings.Index),
		"rpartition": partition("rpartition", strings.LastIndex),

		"replace": func(r *run, t text, a args) value {
			p := r.parameters(a, "replace", 2, "old", "new", "count")
			return r.replace(t, r.textArgument(p[0]), r.textArgument(p[1]), r.intArgument(p[2], -1))
		},
		"join": func(r *run, t text, a args) value {
			items := r.each(r.parameters(a, "join", 1, "iterable")[0])
			parts := make([]text, len(items))
			for i, v := range items {
				part, ok := v.(text)
				if !ok {
					r.fail("sequence item %d: expected str instance, %s found", i, typeName(v))
				}
				parts[i] = part
			}
			return r.join(t, parts)
		},
		"format": func(r *run, t text, a args) value { return r.braces(t, a) },

		"center": padded("center"),
		"ljust":  padded("ljust"),
		"rjust":  padded("rjust"),
		"zfill": func(r *run, t text, a args) value {
			width := r.intArgument(r.parameters(a, "zfill", 1, "width")[0], 0)
			missing := r.missing(t, width)
			sign := 0
			if t.s != "" && (t.s[0] == '-' || t.s[0] == '+') {
				sign = 1
			}
			return joined(t.cut(0, sign), plain(strings.Repeat("0", missing)), t.cut(sign, len(t.s)))
		},
		"expandtabs": func(r *run, t text, a args) value {
			size := r.intArgument(r.parameters(a, "expandtabs", 0, "tabsize")[0], 8)
			return r.expandTabs(t, size)
		},

		"isalpha":   every(unicode.IsLetter),
		"isalnum":   every(func(c rune) bool { return unicode.IsLetter(c) || unicode.IsNumber(c) }),
		"isdecimal": every(unicode.IsDigit),
		"isdigit":   every(unicode.IsDigit),
		"isnumeric": every(unicode.IsNumber),
		"isspace":   every(isSpace),
		"isascii": asked(func(s string) bool {
			return strings.IndexFunc(s, func(c rune) bool { return c >= utf8.RuneSelf }) < 0
		}),
		"isprintable": asked(func(s string) bool {
			return strings.IndexFunc(s, func(c rune) bool { return c != ' ' && !unicode.IsPrint(c) }) < 0
		}),
		"islower": asked(isLower),
		"isupper": asked(isUpper),
		"istitle": asked(func(s string) bool { return strings.IndexFunc(s, isCased) >= 0 && s == titled(s) }),
		"isidentifier": asked(func(s string) bool {
			for i, c := range s {
				if c != '_' && !unicode.IsLetter(c) && (i == 0 || !unicode.IsDigit(c)) {
					return false
				}
			}
			return s != ""
		}),
	}
}

func lower(s string) string  { return cases.Lower(language.Und).String(s) }
func upper(s string) string  { return cases.Upper(language.Und).String(s) }
func folded(s string) string { return cases.Fold().String(s) }

func isCased(c rune) bool { return unicode.IsUpper(c) || unicode.IsLower(c) || unicode.IsTitle(c) }

func isLower(s string) bool {
	return strings.IndexFunc(s, unicode.IsLower) >= 0 && strings.IndexFunc(s, func(c rune) bool { return unicode.IsUpper(c) || unicode.IsTitle(c) }) < 0
}

func isUpper(s string) bool {
	return strings.IndexFunc(s, unicode.IsUpper) >= 0 && strings.IndexFunc(s, func(c rune) bool { return unicode.IsLower(c) || unicode.IsTitle(c) }) < 0
}

func swapped(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case unicode.IsUpper(c):
			b.WriteString(lower(string(c)))
		case unicode.IsLower(c):
			b.WriteString(upper(string(c)))
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// title is a character as a word begins with it.
func title(c rune) string {
	if c < utf8.RuneSelf {
		return string(unicode.ToUpper(c))
	}
	return cases.Title(language.Und, cases.NoLower).String(string(c))
}

func capitalized(s string) string {
	c, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return title(c) + lower(s[size:])
}

func titled(s string) string {
	var b strings.Builder
	inWord := false
	for _, c := range s {
		if inWord {
			b.WriteString(lower(string(c)))
		} else {
			b.WriteString(title(c))
		}
		inWord = isCased(c)
	}
	return b.String()
}

// changed is a method without arguments that changes letters.
func changed(change func(text) text) func(*run, text, args) value {
	return func(r *run, t text, a args) value {
		r.parameters(a, "a method of a string", 0)
		r.spend(2 * len(t.s))
		return change(t)
	}
}

func stripped(left, right bool) func(*run, text, args) value {
	return func(r *run, t text, a args) value {
		return r.strip(t, r.parameters(a, "strip", 0, "chars")[0], left, right)
	}
}

// strip takes characters off the ends; white space if chars is nil or none.
func (r *run) strip(t text, chars value, left, right bool) text {
	r.spendWork(len(t.s))
	if chars == nil {
		return t.trimmed(isSpace, left, right)
	}
	if _, ok := chars.(none); ok {
		return t.trimmed(isSpace, left, right)
	}
	set := r.textArgument(chars).s
	r.work(len(t.s) / 8 * (len(set)/8 + 1))
	return t.trimmed(func(c rune) bool { return strings.ContainsRune(set, c) }, left, right)
}

func affix(name string, has func(s, affix string) bool) func(*run, text, args) value {
	return func(r *run, t text, a args) value {
		p := r.parameters(a, name, 1, "affix", "start", "end")
		first, end, ok := r.window(t, p[1], p[2])
		if !ok {
			return boolean(false)
		}
		all := []value{p[0]}
		if l, ok := p[0].(*list); ok && l.tuple {
			all = l.items
		}
		for _, v := range all {
			if has(t.s[first:end], r.textArgument(v).s) {
				return boolean(true)
			}
		}
		return boolean(false)
	}
}

// window gives the bytes of the characters from start up to end.
func (r *run) window(t text, start, end value) (from, to int, ok bool) {
	r.spendWork(len(t.s))
	if start == nil && end == nil {
		return 0, len(t.s), true
	}
	n := int64(t.count())
	at := func(v value, fallback int64) int64 {
		if v == nil {
			return fallback
		}
		if _, ok := v.(none); ok {
			return fallback
		}
		i := int64(r.intArgument(v, 0))
		return bound(&i, 0, 0, n+1, n)
	}
	first, last := at(start, 0), min(at(end, n), n)
	if first > n || first > last {
		return 0, 0, false
	}
	return t.offset(int(first)), t.offset(int(last)), true
}

func found(name string, find func(s, sub string) int, must bool) func(*run, text, args) value {
	return func(r *run, t text, a args) value {
		p := r.parameters(a, name, 1, "sub", "start", "end")
		first, end, ok := r.window(t, p[1], p[2])
		at := -1
		if ok {
			at = find(t.s[first:end], r.textArgument(p[0]).s)
		}
		if at >= 0 {
			return integer(utf8.RuneCountInString(t.s[:first+at]))
		}
		if must {
			r.fail("substring not found")
		}
		return integer(-1)
	}
}

func splits(name string, right bool) func(*run, text, args) value {
	return func(r *run, t text, a args) value {
		p := r.parameters(a, name, 0, "sep", "maxsplit")
		most := r.intArgument(p[1], -1)
		if p[0] == nil {
			p[0] = none{}
		}
		sep := ""
		if _, ok := p[0].(none); !ok {
			if sep = r.textArgument(p[0]).s; sep == "" {
				r.fail("empty separator")
			}
		}
		var parts []value
		rest := t
		for {
			if sep == "" {
				rest = rest.trimmed(isSpace, !right, right)
			}
			at, width := cutAt(rest.s, sep, right)
			if at < 0 || most >= 0 && len(parts) >= most {
				break
			}
			r.spend(48)
			if right {
				parts = append(parts, rest.cut(at+width, len(rest.s)))
				rest = rest.cut(0, at)
			} else {
				parts = append(parts, rest.cut(0, at))
				rest = rest.cut(at+width, len(rest.s))
			}
		}
		if sep != "" || rest.s != "" {
			parts = append(parts, rest)
		}
		if right {
			for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
				parts[i], parts[j] = parts[j], parts[i]
			}
		}
		return &list{items: parts}
	}
}

// cutAt gives where a text is to be split next: at sep, or at white space.
func cutAt(s, sep string, right bool) (at, width int) {
	switch {
	case sep != "" && right:
		return strings.LastIndex(s, sep), len(sep)
	case sep != "":
		return strings.Index(s, sep), len(sep)
	case right:
		at = strings.LastIndexFunc(s, isSpace)
	default:
		at = strings.IndexFunc(s, isSpace)
	}
	if at < 0 {
		return at, 0
	}
	_, width = utf8.DecodeRuneInString(s[at:])
	return at, width
}

func isLineEnd(c rune) bool {
	return c == '\n' || c == '\r' || c == '\v' || c == '\f' || 0x1c <= c && c <= 0x1e || c == 0x85 || c == 0x2028 || c == 0x2029
}

func splitLines(r *run, t text, a args) value {
	keep := false
	if v := r.parameters(a, "splitlines", 0, "keepends")[0]; v != nil {
		keep = truth(v)
	}
	l := &list{}
	for _, line := range r.lines(t, keep) {
		l.items = append(l.items, line)
	}
	return l
}

// lines is Python's splitlines.
func (r *run) lines(t text, keep bool) []text {
	var all []text
	for rest := t; rest.s != ""; {
		r.spend(48)
		at := strings.IndexFunc(rest.s, isLineEnd)
		if at < 0 {
			return append(all, rest)
		}
		_, width := utf8.DecodeRuneInString(rest.s[at:])
		if strings.HasPrefix(rest.s[at:], "\r\n") {
			width = 2
		}
		if keep {
			all = append(all, rest.cut(0, at+width))
		} else {
			all = append(all, rest.cut(0, at))
		}
		rest = rest.cut(at+width, len(rest.s))
	}
	return all
}

func partition(name string, find func(s, sub string) int) func(*run, text, args) value {
	return func(r *run, t text, a args) value {
		sep := r.textArgument(r.parameters(a, name, 1, "sep")[0])
		if sep.s == "" {
			r.fail("empty separator")
		}
		r.spendWork(len(t.s))
		at := find(t.s, sep.s)
		switch {
		case at >= 0:
			return &list{[]value{t.cut(0, at), t.cut(at, at+len(sep.s)), t.cut(at+len(sep.s), len(t.s))}, true}
		case name == "partition":
			return &list{[]value{t, text{}, text{}}, true}
		}
		return &list{[]value{text{}, text{}, t}, true}
	}
}

func (r *run) replace(t, old, with text, count int) text {
	n := strings.Count(t.s, old.s)
	if count >= 0 {
		n = min(n, count)
	}
	r.spend(len(t.s) + n*len(with.s) + 16*n)
	return t.replaced(old.s, with, count)
}

func (r *run) join(between text, parts []text) text {
	size := 0
	for _, p := range parts {
		size += len(p.s) + len(between.s)
	}
	r.spend(size)
	var b builder
	for i, p := range parts {
		if i > 0 {
			b.add(between)
		}
		b.add(p)
	}
	return b.text()
}

// missing is how many characters a text lacks to a width.
func (r *run) missing(t text, width int) int {
	n := max(width-t.count(), 0)
	r.spend(n + len(t.s))
	return n
}

func padded(name string) func(*run, text, args) value {
	return func(r *run, t text, a args) value {
		p := r.parameters(a, name, 1, "width", "fillchar")
		width, fill := r.intArgument(p[0], 0), plain(" ")
		if p[1] != nil {
			if fill = r.textArgument(p[1]); fill.count() != 1 {
				r.fail("the fill character must be exactly one character long")
			}
		}
		n := r.missing(t, width)
		left, right := 0, n
		switch name {
		case "rjust":
			left, right = n, 0
		case "center":
			left = n/2 + n&width&1
			right = n - left
		}
		r.spend(n * len(fill.s))
		return joined(fill.repeated(left), t, fill.repeated(right))
	}
}

func (r *run) expandTabs(t text, size int) text {
	var b builder
	column := 0
	for _, c := range t.characters() {
		c := c.(text)
		n := 1
		switch {
		case c.s == "\n" || c.s == "\r":
			column, n = 0, 0
		case c.s == "\t":
			n = 0
			if size > 0 {
				n = size - column%size
			}
			c = c.as(strings.Repeat(" ", n))
		}
		r.spend(48 + len(c.s))
		column += n
		b.add(c)
	}
	return b.text()
}

func asked(is func(string) bool) func(*run, text, args) value {
	return func(r *run, t text, a args) value {
		r.parameters(a, "a method of a string", 0)
		r.spendWork(len(t.s))
		return boolean(is(t.s))
	}
}

// every says whether all characters, and at least one, are of a kind.
func every(is func(rune) bool) func(*run, text, args) value {
	return asked(func(s string) bool {
		return s != "" && strings.IndexFunc(s, func(c rune) bool { return !is(c) }) < 0
	})
}

func (r *run) textArgument(v value) text {
	t, ok := v.(text)
	if !ok {
		r.mustBeDefined(v)
		r.fail("a string is needed, not '%s'", typeName(v))
	}
	return t
}

// intArgument is an argument that is a whole number, or fallback where it is
// not given.
func (r *run) intArgument(v value, fallback int) int {
	if v == nil {
		return fallback
	}
	n, _, whole, _ := number(v)
	if !whole {
		r.mustBeDefined(v)
		r.fail("'%s' object cannot be interpreted as an integer", typeName(v))
	}
	return int(n)
}
