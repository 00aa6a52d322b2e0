package token

import (
	"unicode"
	"unicode/utf8"
)

// added is a text that is always one token.
type added struct {
	text string
	id   int32
	// word: only where no letter, digit or the like is before or after it.
	// left, right: it takes the white space on that side with it.
	word, left, right bool
}

// maxPiece is the length in bytes that a string may have that is looked for at
// each place of a text, or put there. It bounds the time that this takes.
const maxPiece = 1 << 10

// finder finds added tokens: at each place the longest that is there.
type finder struct {
	tokens []added
	trie   *trie // of places in tokens
}

// newFinder gives nil if there is nothing to find.
func newFinder(tokens []added) (*finder, error) {
	f := &finder{trie: newTrie()}
	for _, a := range tokens {
		if a.text == "" {
			continue
		}
		if err := f.trie.add(a.text, int32(len(f.tokens))); err != nil {
			return nil, err
		}
		f.tokens = append(f.tokens, a)
	}
	if len(f.tokens) == 0 {
		return nil, nil
	}
	return f, nil
}

// each gives the added tokens of a text, by their places in tokens, and what is
// between them; first says that nothing is before that.
func (f *finder) each(text string, plain func(text string, first bool), token func(which int)) {
	start := 0
	if f != nil {
		for at := 0; at < len(text); {
			which, length := f.trie.longest(text[at:])
			if which == none {
				at++
				continue
			}
			a := f.tokens[which]
			from, to := at, at+length
			at = to
			if a.word && (endsInWord(text[:from]) || beginsWithWord(text[to:])) {
				continue
			}
			if a.left {
				for from > start {
					r, n := utf8.DecodeLastRuneInString(text[start:from])
					if !unicode.IsSpace(r) {
						break
					}
					from -= n
				}
			}
			if a.right {
				for to < len(text) {
					r, n := utf8.DecodeRuneInString(text[to:])
					if !unicode.IsSpace(r) {
						break
					}
					to += n
				}
			}
			if start < from {
				plain(text[start:from], start == 0)
			}
			token(int(which))
			at, start = to, to
		}
	}
	if start < len(text) {
		plain(text[start:], start == 0)
	}
}

func endsInWord(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && isWord(r)
}

func beginsWithWord(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && isWord(r)
}

// isWord is \w of Unicode's regular expressions.
func isWord(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic, unicode.Join_Control)
}
