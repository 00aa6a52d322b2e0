package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A normalizer changes a text before it is split.
type normalizer func(text string) string

func inOrder(all []normalizer) normalizer {
	return func(text string) string {
		for _, n := range all {
			text = n(text)
		}
		return text
	}
}

// valid replaces each byte that is no UTF-8 by U+FFFD.
func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}

func replace(old, with string) normalizer {
	return func(text string) string { return strings.ReplaceAll(text, old, with) }
}

// squeeze replaces two spaces or more by with.
func squeeze(with string) normalizer {
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

// metaspace marks spaces by a character, and begins a word with each of them.
type metaspace struct {
	mark string
	// prefix adds a mark before a text, or before the first part of it, that has none.
	prefix prefixRule
	split  bool
}

type prefixRule int

const (
	prefixNever prefixRule = iota
	prefixFirst
	prefixAlways
)

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

func (m metaspace) marked(text string, first bool) string {
	bare := !strings.HasPrefix(text, " ") && !strings.HasPrefix(text, m.mark)
	text = strings.ReplaceAll(text, " ", m.mark)
	if bare && (m.prefix == prefixAlways || m.prefix == prefixFirst && first) {
		return m.mark + text
	}
	return text
}

// Behaviours of splitting at a text.
const (
	isolated           = "Isolated"
	removed            = "Removed"
	mergedWithPrevious = "MergedWithPrevious"
	mergedWithNext     = "MergedWithNext"
)

// splitAt splits at each place of a text, which stands alone, is left out, or
// joins its neighbour.
func splitAt(mark, behaviour string) splitRule {
	return func(text string, _ bool, yield func(string)) {
		give := func(word string) {
			if word != "" {
				yield(word)
			}
		}
		from := 0 // where to look on: a mark that the word begins with is its own
		for {
			at := strings.Index(text[from:], mark)
			if at < 0 {
				give(text)
				return
			}
			at += from
			end := at + len(mark)
			switch behaviour {
			case isolated:
				give(text[:at])
				give(text[at:end])
			case removed:
				give(text[:at])
			case mergedWithPrevious:
				give(text[:end])
			case mergedWithNext:
				give(text[:at])
				text, from = text[at:], len(mark)
				continue
			}
			text = text[end:]
		}
	}
}

// squash is what SentencePiece makes of spaces after its charsmap: with extra
// it leaves none at the ends and one elsewhere; with prefix it puts one before
// all; each becomes a spaceMark.
func squash(extra, prefix bool) normalizer {
	return func(text string) string {
		if extra {
			text = squeeze(" ")(strings.Trim(text, " "))
		}
		if text == "" {
			return text
		}
		if prefix {
			text = " " + text
		}
		text = strings.ReplaceAll(text, " ", spaceMark)
		if extra {
			for strings.HasSuffix(text, spaceMark) { // the text's own too
				text = strings.TrimSuffix(text, spaceMark)
			}
		}
		return text
	}
}

// except leaves what a finder finds as it is.
func (n normalizer) except(f *finder) normalizer {
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
