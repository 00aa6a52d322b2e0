package tokenizer

import (
	"maps"
	"strings"
	"sync"
	"unicode/utf8"
)

// bpe encodes a word as tokens of its bytes or characters, and merges them.
type bpe struct {
	merges *merges
	// bytes are the tokens of single bytes in byte-level BPE. Many vocabularies have no token for
	// control characters and for bytes that do not occur in UTF-8. Such a byte is none: it is
	// left out, as in the models' own tokenizers, and no merge crosses it.
	bytes *[256]int32
	// chars are the tokens of single characters in character BPE, where bytes is nil. A character
	// without a token is encoded as bytes if fallback is set, and as unknown otherwise; it is
	// left out if unknown is none. With fuseUnknown a run of unknown characters is one token.
	chars       map[rune]int32
	ascii       [utf8.RuneSelf]int32 // the tokens of ASCII characters, for speed
	fallback    *[256]int32
	unknown     int32
	fuseUnknown bool
	// whole, if not nil, maps words to tokens that are used instead of merging.
	whole map[string]int32
	// sticky holds the characters that precede a spaceMark within a token. A spaceMark after any
	// other character begins a word, because no merge crosses it. nil disables this.
	sticky map[rune]bool

	mu    sync.RWMutex
	words map[string][]piece // cache of short words
}

const (
	// Longer words rarely repeat.
	maxCachedWord  = 48
	maxCachedWords = 1 << 16
)

func (p *bpe) append(pieces []piece, text string, s *scratch) []piece {
	if p.sticky == nil {
		return p.appendWord(pieces, text, s)
	}
	for at := 0; at < len(text); {
		end := at + p.wordEnd(text[at:])
		n := len(pieces)
		pieces = p.appendWord(pieces, text[at:end], s)
		for i := range pieces[n:] {
			pieces[n+i].start += at
			pieces[n+i].end += at
		}
		at = end
	}
	return pieces
}

func (p *bpe) exclude(ids map[int32]bool) {
	p.merges.exclude(ids)
	maps.DeleteFunc(p.whole, func(_ string, id int32) bool { return ids[id] })
	maps.DeleteFunc(p.chars, func(_ rune, id int32) bool { return ids[id] })
	for i, id := range p.ascii {
		if ids[id] {
			p.ascii[i] = none
		}
	}
	p.words = nil
}

// wordEnd returns the length of the first part of text that can be encoded separately.
func (p *bpe) wordEnd(text string) int {
	for at := 1; at < len(text); {
		next := strings.Index(text[at:], spaceMark)
		if next < 0 {
			break
		}
		at += next
		if before, _ := utf8.DecodeLastRuneInString(text[:at]); !p.sticky[before] {
			return at
		}
		at += len(spaceMark)
	}
	return len(text)
}

func (p *bpe) appendWord(pieces []piece, word string, s *scratch) []piece {
	if len(word) > maxCachedWord {
		return p.merge(pieces, word, s)
	}
	p.mu.RLock()
	known, ok := p.words[word]
	p.mu.RUnlock()
	if ok {
		return append(pieces, known...)
	}
	n := len(pieces)
	pieces = p.merge(pieces, word, s)
	known = append([]piece(nil), pieces[n:]...)
	p.mu.Lock()
	if len(p.words) >= maxCachedWords || p.words == nil {
		p.words = map[string][]piece{}
	}
	p.words[strings.Clone(word)] = known
	p.mu.Unlock()
	return pieces
}

// merge encodes a word.
func (p *bpe) merge(pieces []piece, word string, s *scratch) []piece {
	if id, ok := p.whole[word]; ok {
		return append(pieces, piece{id, 0, len(word)})
	}
	symbols := p.initial(word, s.symbols[:0])
	s.symbols = symbols
	if len(symbols) == 0 {
		return pieces
	}
	for i := range symbols {
		symbols[i].prev, symbols[i].next = int32(i)-1, int32(i)+1
	}
	symbols[len(symbols)-1].next = -1
	p.merges.run(symbols, &s.queue)
	for i := int32(0); i >= 0; i = symbols[i].next {
		if s := symbols[i]; s.id != none {
			pieces = append(pieces, piece{s.id, int(s.start), int(s.end)})
		}
	}
	return pieces
}

// initial appends the tokens of the bytes or characters of a word.
func (p *bpe) initial(word string, symbols []symbol) []symbol {
	if p.bytes != nil {
		for i := range len(word) {
			symbols = append(symbols, symbol{id: p.bytes[word[i]], start: int32(i), end: int32(i + 1)})
		}
		return symbols
	}
	wasUnknown := false
	for at := 0; at < len(word); {
		r, size := rune(word[at]), 1
		id, ok := int32(none), true
		if r < utf8.RuneSelf {
			id = p.ascii[r]
			ok = id != none
		} else {
			r, size = utf8.DecodeRuneInString(word[at:])
			id, ok = p.chars[r]
		}
		end := at + size
		switch {
		case ok:
			symbols = append(symbols, symbol{id: id, start: int32(at), end: int32(end)})
		case p.fallback != nil:
			for _, b := range []byte(word[at:end]) {
				symbols = append(symbols, symbol{id: p.fallback[b], start: int32(at), end: int32(end)})
			}
		case !wasUnknown || !p.fuseUnknown:
			symbols = append(symbols, symbol{id: p.unknown, start: int32(at), end: int32(end)})
		default:
			symbols[len(symbols)-1].end = int32(end)
		}
		wasUnknown = !ok && p.fallback == nil
		at = end
	}
	return symbols
}

// findSticky sets p.sticky from the tokens of the vocabulary. The vocabulary must have a token
// spaceMark, and whole must be nil.
func (p *bpe) findSticky(tokens []string) {
	p.sticky = map[rune]bool{}
	for _, s := range tokens {
		for at := 0; ; {
			next := strings.Index(s[at:], spaceMark)
			if next < 0 {
				break
			}
			at += next
			if at > 0 {
				before, _ := utf8.DecodeLastRuneInString(s[:at])
				p.sticky[before] = true
			}
			at += len(spaceMark)
		}
	}
}

// scratch is memory that is reused by calls of encode.
type scratch struct {
	pieces  []piece
	steps   []step
	symbols []symbol
	queue   candidates
}

// maxReused limits the length of the slices of a scratch that is reused.
const maxReused = 1 << 16

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (s *scratch) release() {
	if max(cap(s.pieces), cap(s.steps), cap(s.symbols), cap(s.queue)) <= maxReused {
		scratches.Put(s)
	}
}

func (s *scratch) stepsFor(n int) []step {
	if cap(s.steps) < n {
		s.steps = make([]step, n, max(n, 2*cap(s.steps), 256))
	}
	return s.steps[:n]
}
