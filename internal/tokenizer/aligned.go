package tokenizer

import (
	"math"
	"strings"
	"unicode/utf8"
)

// aligned is a part of a text while it is normalized and split. If it is tracked it knows which
// part of the original text each of its bytes comes from.
type aligned struct {
	s string
	// from holds, by byte of s, the character of the original text that the byte comes from. nil
	// means that s is, byte for byte, the original text from base on.
	from []extent
	base int // negative if the text is not tracked
}

// extent is a part of the original text, in bytes.
type extent struct{ start, end int }

// untracked is a base that stays negative when an offset is added.
const untracked = math.MinInt / 2

// plain returns a text that is not tracked.
func plain(s string) aligned { return aligned{s: s, base: untracked} }

func (t aligned) tracked() bool { return t.base >= 0 }

// slice returns the part of t from byte i up to byte j.
func (t aligned) slice(i, j int) aligned {
	t.s = t.s[i:j]
	if t.from != nil {
		t.from = t.from[i:j]
	}
	t.base += i
	return t
}

// after returns the part of t from byte i on.
func (t aligned) after(i int) aligned { return t.slice(i, len(t.s)) }

// extent returns the extent of the character at byte i, which begins there.
func (t aligned) extent(i int) extent {
	if t.from != nil {
		return t.from[i]
	}
	_, size := utf8.DecodeRuneInString(t.s[i:])
	return extent{t.base + i, t.base + i + size}
}

// original returns the extent of the bytes of t from i up to j, which is not 0.
func (t aligned) original(i, j int) extent {
	if t.from != nil {
		return extent{t.from[i].start, t.from[j-1].end}
	}
	return extent{t.base + i, t.base + j}
}

// editor builds a changed copy of a text from left to right.
type editor struct {
	in   aligned
	at   int // the bytes of in before at are done
	s    strings.Builder
	from []extent
}

func (t aligned) edit() *editor {
	e := &editor{in: t}
	e.s.Grow(len(t.s) + len(t.s)/8)
	return e
}

// keep copies the next n bytes of the text.
func (e *editor) keep(n int) {
	e.join(e.in.slice(e.at, e.at+n))
	e.at += n
}

// join appends a text.
func (e *editor) join(t aligned) {
	e.s.WriteString(t.s)
	switch {
	case !e.in.tracked():
	case t.from != nil:
		e.from = append(e.from, t.from...)
	default:
		for i := 0; i < len(t.s); {
			x := t.extent(i)
			for ; i < x.end-t.base; i++ {
				e.from = append(e.from, x)
			}
		}
	}
}

// drop removes the next n bytes of the text.
func (e *editor) drop(n int) { e.at += n }

// put appends s, which comes from the character at byte i of the text.
func (e *editor) put(s string, i int) {
	e.s.WriteString(s)
	if e.in.tracked() {
		x := e.in.extent(i)
		for range len(s) {
			e.from = append(e.from, x)
		}
	}
}

// replace replaces the next n bytes of the text by s. The first character of s comes from the
// first of the replaced characters and so on; further characters of s come from the last one.
func (e *editor) replace(n int, s string) {
	if !e.in.tracked() {
		e.s.WriteString(s)
		e.at += n
		return
	}
	end := e.at + n
	i := e.at
	for at := 0; at < len(s); {
		_, size := utf8.DecodeRuneInString(s[at:])
		e.put(s[at:at+size], i)
		at += size
		if _, old := utf8.DecodeRuneInString(e.in.s[i:]); i+old < end {
			i += old
		}
	}
	e.at = end
}

// replaceByLast replaces the next n bytes of the text by s, which comes from the last of the
// replaced characters.
func (e *editor) replaceByLast(n int, s string) {
	e.at += n
	_, last := utf8.DecodeLastRuneInString(e.in.s[:e.at])
	e.put(s, e.at-last)
}

// text returns the changed text, with the rest of the text that was edited.
func (e *editor) text() aligned {
	e.keep(len(e.in.s) - e.at)
	t := aligned{s: e.s.String(), base: e.in.base}
	if e.in.tracked() {
		t.from, t.base = e.from, 0
		if t.from == nil {
			t.from = []extent{}
		}
	}
	return t
}

// prepend adds s, which comes from the first character of t. t must not be empty.
func (t aligned) prepend(s string) aligned {
	if !t.tracked() {
		t.s = s + t.s
		return t
	}
	e := t.edit()
	e.put(s, 0)
	return e.text()
}

// replaceAll replaces each occurrence of old, which must not be empty.
func (t aligned) replaceAll(old, with string) aligned {
	if !t.tracked() {
		t.s = strings.ReplaceAll(t.s, old, with)
		return t
	}
	if !strings.Contains(t.s, old) {
		return t
	}
	e := t.edit()
	for {
		n := strings.Index(t.s[e.at:], old)
		if n < 0 {
			return e.text()
		}
		e.keep(n)
		e.replaceByLast(len(old), with)
	}
}

// trim removes the characters at the ends of t that are in a set.
func (t aligned) trim(left, right bool, in func(rune) bool) aligned {
	if left {
		t = t.after(len(t.s) - len(strings.TrimLeftFunc(t.s, in)))
	}
	if right {
		t = t.slice(0, len(strings.TrimRightFunc(t.s, in)))
	}
	return t
}
