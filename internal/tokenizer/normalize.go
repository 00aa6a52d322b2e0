package tokenizer

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// normalizer changes a text before it is split.
type normalizer func(text aligned) aligned

// sequence returns a normalizer that applies all in order.
func sequence(all []normalizer) normalizer {
	return func(text aligned) aligned {
		for _, n := range all {
			text = n(text)
		}
		return text
	}
}

// validUTF8 replaces each byte that is not valid UTF-8 by U+FFFD.
func validUTF8(text aligned) aligned {
	if utf8.ValidString(text.s) {
		return text
	}
	e := text.edit()
	for i, r := range text.s {
		if r != utf8.RuneError {
			continue
		}
		if _, size := utf8.DecodeRuneInString(text.s[i:]); size == 1 {
			e.keep(i - e.at)
			e.replace(1, "\uFFFD")
		}
	}
	return e.text()
}

func replace(old, with string) normalizer {
	return func(text aligned) aligned { return text.replaceAll(old, with) }
}

// replaceMatches replaces each match of an expression, which does not match the empty string.
func replaceMatches(re *regexp.Regexp, with string) normalizer {
	return func(text aligned) aligned {
		matches := re.FindAllStringIndex(text.s, -1)
		if matches == nil {
			return text
		}
		e := text.edit()
		for _, m := range matches {
			e.keep(m[0] - e.at)
			e.replaceByLast(m[1]-m[0], with)
		}
		return e.text()
	}
}

// collapseSpaces replaces each run of two or more spaces by with.
func collapseSpaces(with string) normalizer {
	return func(text aligned) aligned {
		if !strings.Contains(text.s, "  ") {
			return text
		}
		e := text.edit()
		for {
			n := strings.Index(text.s[e.at:], "  ")
			if n < 0 {
				return e.text()
			}
			e.keep(n)
			rest := text.s[e.at:]
			e.replaceByLast(len(rest)-len(strings.TrimLeft(rest, " ")), with)
		}
	}
}

func prepend(s string) normalizer {
	return func(text aligned) aligned {
		if text.s == "" {
			return text
		}
		return text.prepend(s)
	}
}

func isBlank(r rune) bool { return r == ' ' }

func strip(left, right bool) normalizer {
	return func(text aligned) aligned { return text.trim(left, right, unicode.IsSpace) }
}

// metaspace replaces spaces by a mark and begins a word at each mark.
type metaspace struct {
	mark string
	// prefix adds a mark before a text, or before the first part of a text only.
	prefix prefixRule
	split  bool
}

type prefixRule int

const (
	prefixNever prefixRule = iota
	prefixFirst
	prefixAlways
)

// words is the splitRule of m.
func (m metaspace) words(text aligned, first bool, yield func(aligned)) {
	text = m.marked(text, first)
	if !m.split {
		yield(text)
		return
	}
	for text.s != "" {
		end := len(text.s)
		_, size := utf8.DecodeRuneInString(text.s)
		if n := strings.Index(text.s[size:], m.mark); n >= 0 {
			end = size + n
		}
		yield(text.slice(0, end))
		text = text.after(end)
	}
}

// marked replaces spaces by marks and adds the prefix.
func (m metaspace) marked(text aligned, first bool) aligned {
	bare := !strings.HasPrefix(text.s, " ") && !strings.HasPrefix(text.s, m.mark)
	text = text.replaceAll(" ", m.mark)
	if bare && (m.prefix == prefixAlways || m.prefix == prefixFirst && first) {
		return text.prepend(m.mark)
	}
	return text
}

// Behaviors of a pre-tokenizer of type Split.
const (
	isolated           = "Isolated"
	removed            = "Removed"
	mergedWithPrevious = "MergedWithPrevious"
	mergedWithNext     = "MergedWithNext"
)

// splitAt splits at each occurrence of mark. The behavior says whether the mark is a word, is
// removed, or joins the previous or the next word.
func splitAt(mark, behavior string) splitRule {
	return func(text aligned, _ bool, yield func(aligned)) {
		emit := func(word aligned) {
			if word.s != "" {
				yield(word)
			}
		}
		from := 0 // where to search: after the mark at the beginning of the word
		for {
			at := strings.Index(text.s[from:], mark)
			if at < 0 {
				emit(text)
				return
			}
			at += from
			end := at + len(mark)
			switch behavior {
			case isolated:
				emit(text.slice(0, at))
				emit(text.slice(at, end))
			case removed:
				emit(text.slice(0, at))
			case mergedWithPrevious:
				emit(text.slice(0, end))
			case mergedWithNext:
				emit(text.slice(0, at))
				text, from = text.after(at), len(mark)
				continue
			}
			text = text.after(end)
		}
	}
}

// markSpaces replaces spaces by spaceMark, as SentencePiece does after its charsmap. If collapse
// is set it first removes spaces at the ends and collapses other runs. If prefix is set it adds a
// space before the text.
func markSpaces(collapse, prefix bool) normalizer {
	return func(text aligned) aligned {
		if collapse {
			text = collapseSpaces(" ")(text.trim(true, true, isBlank))
		}
		if text.s == "" {
			return text
		}
		if prefix {
			text = text.prepend(" ")
		}
		text = text.replaceAll(" ", spaceMark)
		if collapse { // including marks that are in the text
			isMark := func(r rune) bool { return string(r) == spaceMark }
			text = text.trim(false, true, isMark)
		}
		return text
	}
}

// skipping returns a normalizer that does not change the tokens of f.
func (n normalizer) skipping(f *finder) normalizer {
	if f == nil {
		return n
	}
	return func(text aligned) aligned {
		e := text.edit()
		f.each(text, nil, func(part aligned, _ int) { e.join(n(part)) }, func(_ int32, found aligned) { e.join(found) })
		e.at = len(text.s)
		return e.text()
	}
}
