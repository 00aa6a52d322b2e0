package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// textMethods are the methods of Python's str by name.
var textMethods map[string]func(r *run, t text, a args) value

func init() {
	textMethods = map[string]func(r *run, t text, a args) value{
		"capitalize": letterMethod(func(t text) text { return t.derive(capitalized(t.s)) }),
		"casefold":   letterMethod(func(t text) text { return t.mapSpans(folded) }),
		"lower":      letterMethod(func(t text) text { return t.mapSpans(lower) }),
		"swapcase":   letterMethod(func(t text) text { return t.mapSpans(swapped) }),
		"title":      letterMethod(func(t text) text { return t.derive(titled(t.s)) }),
		"upper":      letterMethod(func(t text) text { return t.mapSpans(upper) }),

		"strip":  stripMethod(true, true),
		"lstrip": stripMethod(true, false),
		"rstrip": stripMethod(false, true),

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
		"startswith": affixMethod("startswith", strings.HasPrefix),
		"endswith":   affixMethod("endswith", strings.HasSuffix),

		"find":   findMethod("find", strings.Index, false),
		"rfind":  findMethod("rfind", strings.LastIndex, false),
		"index":  findMethod("index", strings.Index, true),
		"rindex": findMethod("rindex", strings.LastIndex, true),
		"count": func(r *run, t text, a args) value {
			p := r.parameters(a, "count", 1, "sub", "start", "end")
			first, end, ok := r.window(t, p[1], p[2])
			if !ok {
				return integer(0)
			}
			return integer(strings.Count(t.s[first:end], r.textArgument(p[0]).s))
		},

		"split":      splitMethod("split", false),
		"rsplit":     splitMethod("rsplit", true),
		"splitlines": splitLines,
		"partition":  partitionMethod("partition", strings.Index),
		"rpartition": partitionMethod("rpartition", strings.LastIndex),

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
		"format": func(r *run, t text, a args) value { return r.formatBraces(t, a) },

		"center": padMethod("center"),
		"ljust":  padMethod("ljust"),
		"rjust":  padMethod("rjust"),
		"zfill": func(r *run, t text, a args) value {
			width := r.intArgument(r.parameters(a, "zfill", 1, "width")[0], 0)
			missing := r.padding(t, width)
			sign := 0
			if t.s != "" && (t.s[0] == '-' || t.s[0] == '+') {
				sign = 1
			}
			return joined(t.cut(0, sign), templateText(strings.Repeat("0", missing)), t.cut(sign, len(t.s)))
		},
		"expandtabs": func(r *run, t text, a args) value {
			size := r.intArgument(r.parameters(a, "expandtabs", 0, "tabsize")[0], 8)
			return r.expandTabs(t, size)
		},

		"isalpha":   allCharacters(unicode.IsLetter),
		"isalnum":   allCharacters(func(c rune) bool { return unicode.IsLetter(c) || unicode.IsNumber(c) }),
		"isdecimal": allCharacters(unicode.IsDigit),
		"isdigit":   allCharacters(unicode.IsDigit),
		"isnumeric": allCharacters(unicode.IsNumber),
		"isspace":   allCharacters(isSpace),
		"isascii": predicate(func(s string) bool {
			return strings.IndexFunc(s, func(c rune) bool { return c >= utf8.RuneSelf }) < 0
		}),
		"isprintable": predicate(func(s string) bool {
			return strings.IndexFunc(s, func(c rune) bool { return c != ' ' && !unicode.IsPrint(c) }) < 0
		}),
		"islower": predicate(isLower),
		"isupper": predicate(isUpper),
		"istitle": predicate(func(s string) bool { return strings.IndexFunc(s, isCased) >= 0 && s == titled(s) }),
		"isidentifier": predicate(func(s string) bool {
			for i, c := range s {
				if c != '_' && !unicode.IsLetter(c) && (i == 0 || !unicode.IsDigit(c)) {
					return false
				}
			}
			return s != ""
		}),
	}
}

// letterMethod is a method without arguments that changes the case of letters.
func letterMethod(change func(text) text) func(*run, text, args) value {
	return func(r *run, t text, a args) value {
		r.parameters(a, "a method of a string", 0)
		r.allocate(2 * len(t.s))
		return change(t)
	}
}

func stripMethod(left, right bool) func(*run, text, args) value {
	return func(r *run, t text, a args) value {
		return r.strip(t, r.parameters(a, "strip", 0, "chars")[0], left, right)
	}
}

// strip removes characters from the ends of a text: white space if chars is nil
// or none.
func (r *run) strip(t text, chars value, left, right bool) text {
	r.workBytes(len(t.s))
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

func affixMethod(name string, has func(s, affix string) bool) func(*run, text, args) value {
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

// window returns the byte range of the characters from start to end.
func (r *run) window(t text, start, end value) (from, to int, ok bool) {
	r.workBytes(len(t.s))
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

func findMethod(name string, find func(s, sub string) int, must bool) func(*run, text, args) value {
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

func (r *run) replace(t, old, with text, count int) text {
	n := strings.Count(t.s, old.s)
	if count >= 0 {
		n = min(n, count)
	}
	r.allocate(len(t.s) + n*len(with.s) + 16*n)
	return t.replaced(old.s, with, count)
}

func (r *run) join(between text, parts []text) text {
	size := 0
	for _, p := range parts {
		size += len(p.s) + len(between.s)
	}
	r.allocate(size)
	var b builder
	for i, p := range parts {
		if i > 0 {
			b.add(between)
		}
		b.add(p)
	}
	return b.text()
}

// padding returns the number of characters that t is shorter than width.
func (r *run) padding(t text, width int) int {
	n := max(width-t.count(), 0)
	r.allocate(n + len(t.s))
	return n
}

func padMethod(name string) func(*run, text, args) value {
	return func(r *run, t text, a args) value {
		p := r.parameters(a, name, 1, "width", "fillchar")
		width, fill := r.intArgument(p[0], 0), templateText(" ")
		if p[1] != nil {
			if fill = r.textArgument(p[1]); fill.count() != 1 {
				r.fail("the fill character must be exactly one character long")
			}
		}
		n := r.padding(t, width)
		left, right := 0, n
		switch name {
		case "rjust":
			left, right = n, 0
		case "center":
			left = n/2 + n&width&1
			right = n - left
		}
		r.allocate(n * len(fill.s))
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
			c = c.derive(strings.Repeat(" ", n))
		}
		r.allocate(48 + len(c.s))
		column += n
		b.add(c)
	}
	return b.text()
}

// predicate is a method without arguments that reports a property of a string.
func predicate(is func(string) bool) func(*run, text, args) value {
	return func(r *run, t text, a args) value {
		r.parameters(a, "a method of a string", 0)
		r.workBytes(len(t.s))
		return boolean(is(t.s))
	}
}

// allCharacters is a method that reports whether a string is not empty and is
// holds for all its characters.
func allCharacters(is func(rune) bool) func(*run, text, args) value {
	return predicate(func(s string) bool {
		return s != "" && strings.IndexFunc(s, func(c rune) bool { return !is(c) }) < 0
	})
}
