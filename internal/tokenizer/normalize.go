package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// normalizer changes a text before it is split.
type normalizer func(text string) string

// sequence returns a normalizer that applies all in order.
func sequence(all []normalizer) normalizer {
	return func(text string) string {
		for _, n := range all {
			text = n(text)
		}
		return text
	}
}

// validUTF8 replaces each byte that is not valid UTF-8 by U+FFFD.
func validUTF8(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}

func replace(old, with string) normalizer {
	return func(text string) string { return strings.ReplaceAll(text, old, with) }
}

// collapseSpaces replaces each run of two or more spaces by with.
func collapseSpaces(with string) normalizer {
	return func(text string) string {
		at := strings.Index(text, "  ")
		if at < 0 {
			return text
		}
		var b strings.Builder
		b.Grow(len(text))
		for ; at >= 0; at = strings.Index(text, "  ") {
			b.WriteString(text[:at])
			b.WriteString(with)
			text = strings.TrimLeft(text[at:], " ")
		}
		b.WriteString(text)
		return b.String()
	}
}

func prepend(s string) normalizer {
	return func(text string) string {
		if text == "" {
			return text
		}
		return s + text
	}
}

func strip(left, right bool) normalizer {
	return func(text string) string {
		if left {
			text = strings.TrimLeftFunc(text, unicode.IsSpace)
		}
		if right {
			text = strings.TrimRightFunc(text, unicode.IsSpace)
		}
		return text
	}
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
func (m metaspace) words(text string, first bool, yield func(string)) {
	text = m.marked(text, first)
	if !m.split {
		yield(text)
		return
	}
	for text != "" {
		end := len(text)
		_, size := utf8.DecodeRuneInString(text)
		if n := strings.Index(text[size:], m.mark); n >= 0 {
			end = size + n
		}
		yield(text[:end])
		text = text[end:]
	}
}

// marked replaces spaces by marks and adds the prefix.
func (m metaspace) marked(text string, first bool) string {
	bare := !strings.HasPrefix(text, " ") && !strings.HasPrefix(text, m.mark)
	text = strings.ReplaceAll(text, " ", m.mark)
	if bare && (m.prefix == prefixAlways || m.prefix == prefixFirst && first) {
		return m.mark + text
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
	return func(text string, _ bool, yield func(string)) {
		emit := func(word string) {
			if word != "" {
				yield(word)
			}
		}
		from := 0 // where to search: after the mark at the beginning of the word
		for {
			at := strings.Index(text[from:], mark)
			if at < 0 {
				emit(text)
				return
			}
			at += from
			end := at + len(mark)
			switch behavior {
			case isolated:
				emit(text[:at])
				emit(text[at:end])
			case removed:
				emit(text[:at])
			case mergedWithPrevious:
				emit(text[:end])
			case mergedWithNext:
				emit(text[:at])
				text, from = text[at:], len(mark)
				continue
			}
			text = text[end:]
		}
	}
}

// markSpaces replaces spaces by spaceMark, as SentencePiece does after its charsmap. If collapse
// is set it first removes spaces at the ends and collapses other runs. If prefix is set it adds a
// space before the text.
func markSpaces(collapse, prefix bool) normalizer {
	return func(text string) string {
		if collapse {
			text = collapseSpaces(" ")(strings.Trim(text, " "))
		}
		if text == "" {
			return text
		}
		if prefix {
			text = " " + text
		}
		text = strings.ReplaceAll(text, " ", spaceMark)
		if collapse {
			for strings.HasSuffix(text, spaceMark) { // including marks that are in the text
				text = strings.TrimSuffix(text, spaceMark)
			}
		}
		return text
	}
}

// skipping returns a normalizer that does not change the tokens of f.
func (n normalizer) skipping(f *finder) normalizer {
	if f == nil {
		return n
	}
	texts := make(map[int32]string, len(f.tokens))
	for _, a := range f.tokens {
		texts[a.id] = a.text
	}
	return func(text string) string {
		var b strings.Builder
		f.each(text, nil, func(text string, _ int) { b.WriteString(n(text)) }, func(id int32) { b.WriteString(texts[id]) })
		return b.String()
	}
}
