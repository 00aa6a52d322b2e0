package secret

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// maxLayers is the largest number of times that a text is unescaped.
const maxLayers = 4

// layer is a text after some rounds of unescaping. Byte i of the layer comes
// from bytes from[i] to to[i] of the original text, or from byte i if from is
// nil.
type layer struct {
	text     string
	from, to []int
}

// span is the half-open byte range [begin, end) of a text.
type span struct{ begin, end int }

// hide replaces secrets in text.
func hide(text string, secrets []*spelled) string {
	if len(secrets) == 0 {
		return text
	}
	var found []span
	at := layer{text: text}
	for range maxLayers {
		small := ""
		for _, h := range secrets {
			if len(h.text) < minPartial {
				found = at.words(found, h.text)
				continue
			}
			if small == "" {
				small = lower(at.text)
			}
			for _, f := range h.forms {
				found = at.pieces(found, small, f)
			}
		}
		var again bool
		if at, again = at.unescaped(); !again {
			break
		}
	}
	return replace(text, found)
}

// replace replaces spans, given in any order, by Mark.
func replace(text string, found []span) string {
	if len(found) == 0 {
		return text
	}
	slices.SortFunc(found, func(a, b span) int { return cmp.Compare(a.begin, b.begin) })
	var out strings.Builder
	done := 0
	for i := 0; i < len(found); {
		s := found[i]
		for i++; i < len(found) && found[i].begin <= s.end; i++ {
			s.end = max(s.end, found[i].end)
		}
		out.WriteString(text[done:s.begin])
		out.WriteString(Mark)
		done = s.end
	}
	out.WriteString(text[done:])
	return out.String()
}

// origin returns the range of the original text for a range of the layer.
func (l layer) origin(begin, end int) span {
	if l.from == nil {
		return span{begin, end}
	}
	return span{l.from[begin], l.to[end-1]}
}

// words finds s where it is not adjacent to a letter or digit.
func (l layer) words(found []span, s string) []span {
	for from := 0; ; {
		at := strings.Index(l.text[from:], s)
		if at < 0 {
			return found
		}
		begin, end := from+at, from+at+len(s)
		if (begin == 0 || !letter(l.text[begin-1])) && (end == len(l.text) || !letter(l.text[end])) {
			found = append(found, l.origin(begin, end))
		}
		from = begin + 1
	}
}

// pieces finds a form in small, the layer's text in lower case.
func (l layer) pieces(found []span, small string, f form) []span {
	for at := 0; at+f.window <= len(small); at++ {
		if _, ok := f.pieces[small[at:at+f.window]]; !ok {
			continue
		}
		begin, end := at, at+f.window
		for end < len(small) {
			if _, ok := f.pieces[small[end+1-f.window:end+1]]; !ok {
				break
			}
			end++
		}
		at = end - f.window // the loop adds 1: the last piece that was compared
		if f.encoded {
			for begin > 0 && digit64(small[begin-1]) {
				begin--
			}
			for end < len(small) && digit64(small[end]) {
				end++
			}
		}
		found = append(found, l.origin(begin, end))
	}
	return found
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}

func digit64(c byte) bool {
	return letter(c) && c < 0x80 || c == '+' || c == '/' || c == '-' || c == '='
}

// unescaped decodes one level of escapes: \u0041, \x41, \", %41, &#65;,
// &#x41;, &quot;. It reports whether it found any.
func (l layer) unescaped() (layer, bool) {
	if !strings.ContainsAny(l.text, `\%&`) {
		return layer{}, false
	}
	inner := layer{from: make([]int, 0, len(l.text)), to: make([]int, 0, len(l.text))}
	out := make([]byte, 0, len(l.text))
	changed := false
	for i := 0; i < len(l.text); {
		c, n := escape(l.text[i:])
		if n == 0 {
			c, n = l.text[i], 1
		} else {
			changed = true
		}
		from := l.origin(i, i+n)
		out = append(out, c)
		inner.from, inner.to = append(inner.from, from.begin), append(inner.to, from.end)
		i += n
	}
	inner.text = string(out)
	return inner, changed
}

var named = map[string]byte{"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\''}

// escape decodes the escape of an ASCII character at the beginning of s and
// returns its length, or 0 if there is none.
func escape(s string) (byte, int) {
	switch {
	case s[0] == '%':
		return number(s, 1, 3, 16)
	case s[0] == '\\' && len(s) > 1:
		switch s[1] {
		case 'u', 'U':
			digits := 4
			if s[1] == 'U' {
				digits = 8
			}
			return number(s, 2, 2+digits, 16)
		case 'x':
			return number(s, 2, 4, 16)
		case '\\', '"', '\'', '/':
			return s[1], 2
		}
	case s[0] == '&':
		name, _, ok := strings.Cut(s[1:min(len(s), 12)], ";")
		if !ok {
			return 0, 0
		}
		c, n := named[name], 0
		if digits, ok := strings.CutPrefix(name, "#x"); ok {
			c, n = number(digits, 0, len(digits), 16)
		} else if digits, ok := strings.CutPrefix(name, "#"); ok {
			c, n = number(digits, 0, len(digits), 10)
		} else if c != 0 {
			n = 1
		}
		if n > 0 {
			return c, len(name) + 2
		}
	}
	return 0, 0
}

// number parses s[begin:end] as the code of an ASCII character.
func number(s string, begin, end, base int) (byte, int) {
	if end > len(s) || begin == end {
		return 0, 0
	}
	n, err := strconv.ParseUint(s[begin:end], base, 32)
	if err != nil || n >= 0x80 {
		return 0, 0
	}
	return byte(n), end
}
