package jinja

import (
	"strings"
	"unicode/utf8"
)

// text is a string with the origins of its bytes.
type text struct {
	s string
	// spans cover s; adjacent spans have different origins. It is nil if all
	// bytes are of the template.
	spans []Span
	// safe marks a result of the filters safe and escape (Python's Markup). A
	// string that is added to a safe one is escaped.
	safe bool
}

// templateText returns a text of the template.
func templateText(s string) text { return text{s: s} }

func given(s string, origin int) text {
	if s == "" {
		return text{}
	}
	return text{s: s, spans: []Span{{len(s), origin}}}
}

// origin returns the greatest origin of a text.
func (t text) origin() int {
	greatest := 0
	for _, s := range t.spans {
		greatest = max(greatest, s.Origin)
	}
	return greatest
}

// derive returns s with the origin of t.
func (t text) derive(s string) text { return given(s, t.origin()).normal() }

// normal removes the spans if all bytes are of the template.
func (t text) normal() text {
	if len(t.spans) == 1 && t.spans[0].Origin == 0 {
		t.spans = nil
	}
	return t
}

// cut returns the bytes from first to end.
func (t text) cut(first, end int) text {
	if first >= end {
		return text{}
	}
	out := text{s: t.s[first:end]}
	if t.spans == nil {
		return out
	}
	for _, s := range t.spans {
		if s.End <= first {
			continue
		}
		out.spans = append(out.spans, Span{min(s.End, end) - first, s.Origin})
		if s.End >= end {
			break
		}
	}
	return out.normal()
}

// builder concatenates texts.
type builder struct {
	s     strings.Builder
	spans []Span
}

func (b *builder) add(t text) {
	if t.s == "" {
		return
	}
	start := b.s.Len()
	b.s.WriteString(t.s)
	if t.spans == nil {
		b.span(start+len(t.s), 0)
	}
	for _, s := range t.spans {
		b.span(start+s.End, s.Origin)
	}
}

func (b *builder) span(end, origin int) {
	if n := len(b.spans); n > 0 && b.spans[n-1].Origin == origin {
		b.spans[n-1].End = end
		return
	}
	b.spans = append(b.spans, Span{end, origin})
}

func (b *builder) text() text { return text{s: b.s.String(), spans: b.spans}.normal() }

func (b *builder) output() Output { return Output{b.s.String(), b.spans} }

func joined(parts ...text) text {
	var b builder
	for _, p := range parts {
		b.add(p)
	}
	return b.text()
}

// mapSpans applies change to the bytes of each span.
func (t text) mapSpans(change func(string) string) text {
	if t.spans == nil {
		return templateText(change(t.s))
	}
	var b builder
	first := 0
	for _, s := range t.spans {
		b.add(given(change(t.s[first:s.End]), s.Origin).normal())
		first = s.End
	}
	return b.text()
}

// count returns the number of characters.
func (t text) count() int { return utf8.RuneCountInString(t.s) }

func (t text) index(sub string) int { return strings.Index(t.s, sub) }

// characters returns each character as a text.
func (t text) characters() []value {
	var all []value
	for at := 0; at < len(t.s); {
		_, size := utf8.DecodeRuneInString(t.s[at:])
		all = append(all, t.part(at, at+size))
		at += size
	}
	return all
}

// part is cut, optimised for a few bytes of a text with one span.
func (t text) part(first, end int) text {
	if len(t.spans) == 1 {
		return given(t.s[first:end], t.spans[0].Origin)
	}
	return t.cut(first, end)
}

// offset returns the byte offset of a character, or the length of the text if
// there are fewer characters.
func (t text) offset(character int) int {
	at := 0
	for ; character > 0 && at < len(t.s); character-- {
		_, size := utf8.DecodeRuneInString(t.s[at:])
		at += size
	}
	return at
}

// trimmed removes characters from the ends.
func (t text) trimmed(off func(rune) bool, left, right bool) text {
	first, end := 0, len(t.s)
	if left {
		first = end - len(strings.TrimLeftFunc(t.s, off))
	}
	if right {
		end = first + len(strings.TrimRightFunc(t.s[first:], off))
	}
	return t.cut(first, end)
}

// replaced is Python's str.replace. It replaces at most count occurrences, or all
// if count is negative.
func (t text) replaced(old string, with text, count int) text {
	if old == "" {
		var b builder
		at := 0
		for ; count != 0; count-- {
			b.add(with)
			if at == len(t.s) {
				break
			}
			_, size := utf8.DecodeRuneInString(t.s[at:])
			b.add(t.part(at, at+size))
			at += size
		}
		b.add(t.cut(at, len(t.s)))
		return b.text()
	}
	if count == 0 || !strings.Contains(t.s, old) {
		return t
	}
	var b builder
	first := 0
	for ; count != 0; count-- {
		at := strings.Index(t.s[first:], old)
		if at < 0 {
			break
		}
		b.add(t.cut(first, first+at))
		b.add(with)
		first += at + len(old)
	}
	b.add(t.cut(first, len(t.s)))
	return b.text()
}

// repeated returns n copies of the text.
func (t text) repeated(n int) text {
	var b builder
	for range n {
		b.add(t)
	}
	return b.text()
}
