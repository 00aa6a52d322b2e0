package tokenizer

import (
	"maps"
	"strings"
	"sync"
	"unicode/utf8"
)

// bpe starts with the smallest tokens of a word, those of its bytes or of its
// characters, and merges them.
type bpe struct {
	merges *merges
	// Byte-level BPE starts with bytes; none stands for a byte that the
	// vocabulary lacks, as many do for control characters and bytes that are in
	// no UTF-8. Such a byte is left out, as the models' own tokenizers do, and
	// no merge crosses it.
	bytes *[256]int32
	// The other BPE (bytes is nil) starts with characters. One that is no token
	// becomes bytes with fallback, or else unknown (none: is left out); unknown
	// ones in a row are one token with fuse.
	chars    map[rune]int32
	ascii    [utf8.RuneSelf]int32 // the same, faster
	fallback *[256]int32
	unknown  int32
	fuse     bool
	// whole, if not nil, has the words that are a token as they are, whatever
	// the merges say.
	whole map[string]int32
	// sticky has the characters that stand before a spaceMark within a token;
	// nil if words are not to be cut. Any other spaceMark begins a word of its
	// own: no merge crosses it.
	sticky map[rune]bool

	mu    sync.RWMutex
	words map[string][]int32 // short words seen lately
}

const (
	// Longer words are rarely seen again.
	maxCachedWord  = 48
	maxCachedWords = 1 << 16
)

func (p *bpe) append(ids []int32, text string, s *scratch) []int32 {
	if p.sticky == nil {
		return p.appendWord(ids, text, s)
	}
	for text != "" {
		end := p.wordEnd(text)
		ids = p.appendWord(ids, text[:end], s)
		text = text[end:]
	}
	return ids
}

func (p *bpe) forget(ids map[int32]bool) {
	p.merges.forget(ids)
	maps.DeleteFunc(p.whole, func(_ string, id int32) bool { return ids[id] })
	maps.DeleteFunc(p.chars, func(_ rune, id int32) bool { return ids[id] })
	for i, id := range p.ascii {
		if ids[id] {
			p.ascii[i] = none
		}
	}
	p.words = nil
}

// wordEnd gives the length of the first part that can be encoded on its own.
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

func (p *bpe) appendWord(ids []int32, word string, s *scratch) []int32 {
	if len(word) > maxCachedWord {
		return p.merge(ids, word, s)
	}
	p.mu.RLock()
	known, ok := p.words[word]
	p.mu.RUnlock()
	if ok {
		return append(ids, known...)
	}
	n := len(ids)
	ids = p.merge(ids, word, s)
	known = append([]int32(nil), ids[n:]...)
	p.mu.Lock()
	if len(p.words) >= maxCachedWords || p.words == nil {
		p.words = map[string][]int32{}
	}
	p.words[strings.Clone(word)] = known
	p.mu.Unlock()
	return ids
}

func (p *bpe) merge(ids []int32, word string, s *scratch) []int32 {
	if id, ok := p.whole[word]; ok {
		return append(ids, id)
	}
	symbols := p.start(word, s.symbols[:0])
	s.symbols = symbols
	if len(symbols) == 0 {
		return ids
	}
	for i := range symbols {
		symbols[i].prev, symbols[i].next = int32(i)-1, int32(i)+1
	}
	symbols[len(symbols)-1].next = -1
	p.merges.run(symbols, &s.queue)
	for i := int32(0); i >= 0; i = symbols[i].next {
		if id := symbols[i].id; id != none {
			ids = append(ids, id)
		}
	}
	return ids
}

// start gives the tokens that merging begins with.
func (p *bpe) start(word string, symbols []symbol) []symbol {
	if p.bytes != nil {
		for i := range len(word) {
			symbols = append(symbols, symbol{id: p.bytes[word[i]]})
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
		switch {
		case ok:
			symbols = append(symbols, symbol{id: id})
		case p.fallback != nil:
			for _, b := range []byte(word[at : at+size]) {
				symbols = append(symbols, symbol{id: p.fallback[b]})
			}
		case !wasUnknown || !p.fuse:
			symbols = append(symbols, symbol{id: p.unknown})
		}
		wasUnknown = !ok && p.fallback == nil
		at += size
	}
	return symbols
}

// cut makes words end before spaceMarks, as far as the tokens allow it. They
// must have a spaceMark of its own, and whole must be nil.
func (p *bpe) cut(tokens []string) {
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

// scratch is memory that encoding uses again.
type scratch struct {
	steps   []step
	symbols []symbol
	queue   candidates
}

// maxKept is the most elements of scratch that are kept for later texts.
const maxKept = 1 << 16

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (s *scratch) release() {
	if max(cap(s.steps), cap(s.symbols), cap(s.queue)) <= maxKept {
		scratches.Put(s)
	}
}

func (s *scratch) stepsFor(n int) []step {
	if cap(s.steps) < n {
		s.steps = make([]step, n, max(n, 2*cap(s.steps), 256))
	}
	return s.steps[:n]
}
