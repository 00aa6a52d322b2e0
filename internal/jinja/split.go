package jinja

import (
	"strings"
	"unicode/utf8"
)

func splitMethod(name string, right bool) func(*run, text, args) value {
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
			r.allocate(48)
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

// cutAt returns the position and the length of the next separator: sep, or white
// space if sep is empty.
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
		r.allocate(48)
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

func partitionMethod(name string, find func(s, sub string) int) func(*run, text, args) value {
	return func(r *run, t text, a args) value {
		sep := r.textArgument(r.parameters(a, name, 1, "sep")[0])
		if sep.s == "" {
			r.fail("empty separator")
		}
		r.workBytes(len(t.s))
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
