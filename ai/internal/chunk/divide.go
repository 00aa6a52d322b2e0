package chunk

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
	"github.com/clipperhouse/uax29/v2/sentences"
	"github.com/clipperhouse/uax29/v2/words"
)

// divide divides the text into pieces: sentences, or parts of those that are too large.
func (s *splitter) divide(ctx context.Context) error {
	blanks := 0        // the length of the blank text before the sentence
	any := false       // there was a sentence that is not blank
	separated := false // U+2029 is before the sentence
	for it := sentences.FromString(s.text); it.Next(); {
		if err := ctx.Err(); err != nil {
			return err
		}
		sentence := it.Value()
		if blank(sentence) {
			blanks += len(sentence)
			continue
		}
		paragraph := s.blanks(it.Start()-blanks, it.Start()) || separated
		first := len(s.pieces)
		large := s.add(it.Start(), it.End())
		paragraph = paragraph && any && s.Paragraphs
		s.pieces[first].begins, s.pieces[first].paragraph = paragraph || large, paragraph
		blanks, any, separated = 0, true, strings.HasSuffix(sentence, "\u2029")
	}
	s.blanks(len(s.text)-blanks, len(s.text))
	return nil
}

// blanks adds blank text to the last piece if this remains small enough, and otherwise
// as pieces of its own. It reports whether there is a blank line: a sentence ends at the
// end of a line, so a line end in blank text is that of another line.
func (s *splitter) blanks(start, end int) bool {
	if start == end {
		return false
	}
	if n := len(s.pieces); n > 0 {
		last := &s.pieces[n-1]
		if size, ok := s.measure(s.text[last.start:end]); ok {
			last.end, last.size = end, size
			return lineEnd(s.text[start:end])
		}
	}
	s.add(start, end)
	return lineEnd(s.text[start:end])
}

func lineEnd(text string) bool { return strings.ContainsAny(text, "\n\r\u0085\u2028\u2029") }

// add adds a text as one piece, or its parts if it is too large.
func (s *splitter) add(start, end int) (large bool) {
	size, ok := s.measure(s.text[start:end])
	if ok {
		s.pieces = append(s.pieces, piece{start: start, end: end, size: size})
	} else {
		s.parts(s.text[start:end], start, 0)
	}
	return !ok
}

func blank(text string) bool { return strings.TrimSpace(text) == "" }

// dividers return the length of the first part of a text that is not empty. Each
// gives smaller parts than the one before.
var dividers = []func(text string) int{phrase, word, group, grapheme, character}

// parts adds the parts of a text that is too large for a chunk.
func (s *splitter) parts(text string, start, level int) {
	for text != "" {
		n := dividers[level](text)
		part := text[:n]
		size, ok := s.measure(part)
		if !ok && level+1 < len(dividers) {
			s.parts(part, start, level+1)
		} else {
			if len(part) > s.Bytes {
				size = s.Count(part)
			}
			s.pieces = append(s.pieces, piece{start: start, end: start + n, size: size})
		}
		text, start = text[n:], start+n
	}
}

// phrase ends after spaces, and after the commas of scripts without spaces.
func phrase(text string) int {
	ends := false
	for i, r := range text {
		space := unicode.IsSpace(r)
		if ends && !space {
			return i
		}
		ends = space || strings.ContainsRune("，、；：", r)
	}
	return len(text)
}

func word(text string) int {
	it := words.FromString(text)
	it.Next()
	return it.End()
}

// maxGroup is the number of grapheme clusters in a group.
const maxGroup = 64

func group(text string) int {
	it := graphemes.FromString(text)
	for range maxGroup {
		if !it.Next() {
			break
		}
	}
	return it.End()
}

func grapheme(text string) int {
	it := graphemes.FromString(text)
	it.Next()
	return it.End()
}

func character(text string) int {
	_, n := utf8.DecodeRuneInString(text)
	return n
}

// Words counts the words of a text: those of Unicode Standard Annex 29 that have a
// letter or a number. Of Chinese and Japanese, each ideograph is a word.
func Words(text string) int {
	n := 0
	for it := words.FromString(text); it.Next(); {
		if strings.ContainsFunc(it.Value(), func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) {
			n++
		}
	}
	return n
}
