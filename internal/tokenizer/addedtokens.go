package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// addedToken is a text that is always one token.
type addedToken struct {
	content string // the text in the file
	text    string // the text to find: normalized if normalized is set
	id      int32
	// singleWord: the token is found only if no word character precedes or follows it.
	// stripLeft, stripRight: the token includes the white space on that side.
	singleWord, stripLeft, stripRight bool
	normalized                        bool // the token is found in the normalized text
	// control: the token is found only in text that a chat template wrote.
	control bool
}

// maxPiece limits the length in bytes of strings that are compared with or inserted at every
// position of a text. It limits the time of encoding.
const maxPiece = 1 << 10

// templateBytes reports whether a chat template wrote all bytes of a text from first up to end.
// nil means that it wrote none.
type templateBytes func(first, end int) bool

// from returns the templateBytes of the part of the text that begins at offset.
func (w templateBytes) from(offset int) templateBytes {
	if w == nil || offset == 0 {
		return w
	}
	return func(first, end int) bool { return w(offset+first, offset+end) }
}

// finder finds added tokens: the longest one at each position.
type finder struct {
	tokens []addedToken
	trie   *trie // its ids are indexes into tokens
}

// newFinder returns nil if no token has a text.
func newFinder(tokens []addedToken) (*finder, error) {
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

// at returns the longest token at an offset of text and its length, or nil.
func (f *finder) at(text string, at int, own templateBytes) (found *addedToken, length int) {
	node := uint32(0)
	for end := at; end < len(text); end++ {
		if node = f.trie.step(node, text[end]); node == 0 {
			break
		}
		id := f.trie.ids[node]
		if id == none || f.tokens[id].control && (own == nil || !own(at, end+1)) {
			continue
		}
		found, length = &f.tokens[id], end+1-at
	}
	return found, length
}

// each finds the added tokens of text. It calls token for each, and plain for each part between
// them with its offset. It finds control tokens only in bytes of a template.
func (f *finder) each(text aligned, own templateBytes, plain func(part aligned, at int), token func(id int32, found aligned)) {
	start, s := 0, text.s
	if f != nil {
		for at := 0; at < len(s); {
			a, length := f.at(s, at, own)
			if a == nil {
				at++
				continue
			}
			from, to := at, at+length
			at = to
			if a.singleWord && (endsInWord(s[:from]) || beginsWithWord(s[to:])) {
				continue
			}
			if a.stripLeft {
				for from > start {
					r, n := utf8.DecodeLastRuneInString(s[start:from])
					if !unicode.IsSpace(r) {
						break
					}
					from -= n
				}
			}
			if a.stripRight {
				for to < len(s) {
					r, n := utf8.DecodeRuneInString(s[to:])
					if !unicode.IsSpace(r) {
						break
					}
					to += n
				}
			}
			if start < from {
				plain(text.slice(start, from), start)
			}
			token(a.id, text.slice(from, to))
			at, start = to, to
		}
	}
	if start < len(s) {
		plain(text.after(start), start)
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

// isWord reports whether \w matches r in a Unicode regular expression.
func isWord(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic, unicode.Join_Control)
}
