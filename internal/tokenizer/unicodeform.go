package tokenizer

import (
	"slices"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// unicodeForm is a normalizer to one of the forms of Unicode Standard Annex 15.
type unicodeForm struct {
	form       norm.Form
	decomposed norm.Form // the form without composition
	compose    bool
}

var unicodeForms = map[string]unicodeForm{
	"NFC":  {norm.NFC, norm.NFD, true},
	"NFD":  {norm.NFD, norm.NFD, false},
	"NFKC": {norm.NFKC, norm.NFKD, true},
	"NFKD": {norm.NFKD, norm.NFKD, false},
}

var decomposeCanonical = unicodeForms["NFD"].normalize

// mapped is a character of a normalized text. It replaces the next characters of the text, whose
// number is 1-change. With a positive change it replaces none.
type mapped struct {
	r      rune
	class  uint8 // canonical combining class
	change int
}

// normalize changes the parts of a text that are not in the form.
func (u unicodeForm) normalize(text aligned) aligned {
	n := u.form.QuickSpanString(text.s)
	if n == len(text.s) {
		return text
	}
	e := text.edit()
	var buf []mapped
	for {
		e.keep(n)
		if e.at == len(text.s) {
			return e.text()
		}
		end := u.segmentEnd(text.s, e.at)
		buf = u.decompose(text.s[e.at:end], buf[:0])
		if u.compose {
			buf = composeAll(buf)
		}
		u.emit(e, buf, end)
		n = u.form.QuickSpanString(text.s[e.at:])
	}
}

// segmentEnd returns the end of the characters from offset at on that normalize together.
func (u unicodeForm) segmentEnd(s string, at int) int {
	_, size := utf8.DecodeRuneInString(s[at:])
	for at += size; at < len(s); at += size {
		p := u.form.PropertiesString(s[at:])
		// A compatibility character can decompose to one that composes with the text before it.
		first := p.Decomposition()
		if p.BoundaryBefore() && (first == nil || u.form.Properties(first).BoundaryBefore()) {
			break
		}
		size = max(p.Size(), 1)
	}
	return at
}

// decompose appends the decomposed characters of a segment in canonical order.
func (u unicodeForm) decompose(s string, buf []mapped) []mapped {
	sortable := 0 // the start of the last run of marks
	add := func(r rune, change int) {
		class := u.decomposed.PropertiesString(string(r)).CCC()
		if class == 0 {
			sortMarks(buf[sortable:])
			sortable = len(buf) + 1
		}
		buf = append(buf, mapped{r, class, change})
	}
	for len(s) > 0 {
		_, size := utf8.DecodeRuneInString(s)
		change := 0
		for _, r := range u.decomposed.String(s[:size]) {
			add(r, change)
			change = 1
		}
		s = s[size:]
	}
	if sortable < len(buf) {
		sortMarks(buf[sortable:])
	}
	return buf
}

// sortMarks sorts marks by their class. Marks of the same class keep their order.
func sortMarks(marks []mapped) {
	slices.SortStableFunc(marks, func(a, b mapped) int { return int(a.class) - int(b.class) })
}

// composeAll composes the characters of a segment in place.
func composeAll(buf []mapped) []mapped {
	out := buf[:0]
	starter := -1 // index in out
	last := -1    // class of the last mark after the starter that did not compose
	for _, m := range buf {
		if starter >= 0 && last < int(m.class) {
			if r, ok := composePair(out[starter].r, m.r); ok {
				out[starter].r = r
				out[starter].change += m.change - 1
				continue
			}
		}
		if m.class == 0 {
			starter, last = len(out), -1
		} else {
			last = int(m.class)
		}
		out = append(out, m)
	}
	return out
}

// composePair returns the character that two characters compose to.
func composePair(a, b rune) (rune, bool) {
	s := norm.NFC.String(string([]rune{a, b}))
	r, size := utf8.DecodeRuneInString(s)
	return r, size == len(s)
}

// emit writes characters that replace the text up to offset end.
func (u unicodeForm) emit(e *editor, chars []mapped, end int) {
	next, last := e.at, e.at // the first character that is not replaced yet, and the one before it
	for _, m := range chars {
		from := last
		for n := m.change; n <= 0 && next < end; n++ {
			if n == m.change {
				from = next
			}
			_, size := utf8.DecodeRuneInString(e.in.s[next:])
			last, next = next, next+size
		}
		e.put(string(m.r), from)
	}
	e.at = end
}
