package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// added is a text that is always one token.
type added struct {
	content string // as the file has it
	text    string // as it is looked for: normalized, where that is so
	id      int32
	// word: only where no letter, digit or the like is before or after it.
	// left, right: it takes the white space on that side with it.
	word, left, right bool
	normalized        bool // it is looked for in the normalized text
	// control: only what a chat template wrote makes it, whatever else there is.
	control bool
}

// maxPiece is the length in bytes that a string may have that is looked for at
// each place of a text, or put there. It bounds the time that this takes.
const maxPiece = 1 << 10

// written reports whether a chat template wrote all bytes from first up to end
// of a text; nil stands for a text of which it wrote none.
type written func(first, end int) bool

// within is written for the part of the text that begins at an offset.
func (w written) within(offset int) written {
	if w == nil || offset == 0 {
		return w
	}
	return func(first, end int) bool { return w(offset+first, offset+end) }
}

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

// at gives the longest token that a text has at an offset; nil for none.
func (f *finder) at(text string, at int, own written) (found *added, length int) {
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

// each gives the added tokens of a text and what is between them, with its
// offset. Control tokens are found in what a template wrote only.
func (f *finder) each(text string, own written, plain func(text string, at int), token func(id int32)) {
	start := 0
	if f != nil {
		for at := 0; at < len(text); {
			a, length := f.at(text, at, own)
			if a == nil {
				at++
				continue
			}
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
				plain(text[start:from], start)
			}
			token(a.id)
			at, start = to, to
		}
	}
	if start < len(text) {
		plain(text[start:], start)
	}
}

// standIns take the places of a template's control tokens while the text around
// them is normalized, because who wrote what is not known after that. Each
// token has a character for private use, which no normalizer changes.
type standIns struct {
	of    *finder  // of the tokens as a file has them
	first rune     // the character of the first of them
	found *finder  // of the characters, normalized, and of the tokens that are no control tokens
	texts []string // of the tokens, normalized
}

// firstStandIn begins a plane of characters for private use.
const firstStandIn = 0xf0000

// unusedRunes gives the first of n characters for private use, one after the
// other, that a text has not.
func unusedRunes(text string, n int) (first rune, ok bool) {
	used := map[rune]bool{}
	for _, r := range text {
		if r >= firstStandIn {
			used[r] = true
		}
	}
	free := 0
	for r := rune(firstStandIn); r <= unicode.MaxRune; r++ {
		if free++; used[r] {
			free = 0
		}
		if free == n {
			return r - rune(n) + 1, true
		}
	}
	return 0, false
}

// newStandIns prepares them for added tokens that are looked for in normalized
// text; nil if none of those is a control token.
func newStandIns(normal []added, normalize normalizer, first rune) (*standIns, error) {
	s := &standIns{first: first}
	var tokens, found []added
	for _, a := range normal {
		if !a.control {
			found = append(found, a)
			continue
		}
		// A normalizer may put something before any text, but not within one.
		before, _, _ := strings.Cut(normalize(string(first)), string(first))
		s.texts = append(s.texts, strings.TrimPrefix(a.text, before))
		stand := a
		stand.text = normalize(string(first + rune(len(tokens))))
		stand.control = false
		found = append(found, stand)
		a.text = a.content
		tokens = append(tokens, a)
	}
	if tokens == nil {
		return nil, nil
	}
	var err error
	if s.of, err = newFinder(tokens); err != nil {
		return nil, err
	}
	s.found, err = newFinder(found)
	return s, err
}

// has reports whether a text has the characters itself.
func (s *standIns) has(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return s.first <= r && r < s.first+rune(len(s.of.tokens)) }) >= 0
}

// put puts them into a text; any says whether there is one.
func (s *standIns) put(text string, own written) (with string, any bool) {
	var b strings.Builder
	start := 0
	for at := 0; at < len(text); {
		a, length := s.of.at(text, at, own)
		if a == nil {
			at++
			continue
		}
		b.WriteString(text[start:at])
		for i := range s.of.tokens {
			if a == &s.of.tokens[i] {
				b.WriteRune(s.first + rune(i))
			}
		}
		at += length
		start = at
	}
	b.WriteString(text[start:])
	return b.String(), start > 0
}

// restored gives back the texts of tokens that were not found.
func (s *standIns) restored(text string) string {
	if !s.has(text) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if i := r - s.first; 0 <= i && int(i) < len(s.texts) {
			b.WriteString(s.texts[i])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
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
