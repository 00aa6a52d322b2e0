package grammar

import (
	"bytes"
	"slices"
	"sort"
	"unicode"
	"unicode/utf8"
)

// A source is a text whose pieces are the allowed values of free strings. A
// piece is a substring from the start of a word to the end of the same or a
// later word. Each character that is not a letter, digit or mark is a word, and
// so is each letter of scripts that do not separate words with spaces. A piece
// neither begins nor ends with white space.
//
// The pieces that begin with the text written so far are a range of the sorted
// starts. Only the first sortedBytes bytes are sorted. After these, up to
// maxFollowed starts are followed separately.
type source struct {
	id     uint64
	text   []byte // quoted as in a JSON string; no piece contains barrier
	starts []int32
	ends   []int32
	isEnd  []bool
	toEnd  []int32 // by offset: least number of tokens to an end of a piece
	chars  []int32 // by offset: number of characters before it
	lost   []int32 // by offset: number of bytes before it that are not tokens
}

const (
	barrier     = 0xff // does not occur in UTF-8
	sortedBytes = 64
	maxFollowed = 64
)

func newSource(v *Vocabulary, s string) *source {
	src := &source{id: newID(), text: make([]byte, 0, len(s)+2)}
	var prev rune = -1
	border := func(next rune) { // between prev and next
		at := int32(len(src.text))
		if prev >= 0 && next >= 0 && (unicode.IsMark(next) || isWord(prev) && isWord(next)) {
			return
		}
		if prev >= 0 && !unicode.IsSpace(prev) {
			src.ends = append(src.ends, at)
		}
		if next >= 0 && !unicode.IsSpace(next) {
			src.starts = append(src.starts, at)
		}
	}
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				border(-1)
				src.text = append(src.text, barrier)
				prev = -1
				continue
			}
		}
		border(r)
		src.text = quoteRune(src.text, r)
		prev = r
	}
	border(-1)

	n := len(src.text)
	src.isEnd = make([]bool, n+1)
	for _, e := range src.ends {
		src.isEnd[e] = true
	}
	src.chars, src.lost = make([]int32, n+1), make([]int32, n+1)
	for i, size := 0, 0; i < n; i += size {
		size = 1
		switch {
		case src.text[i] == '\\' && src.text[i+1] == 'u':
			size = 6
		case src.text[i] == '\\':
			size = 2
		case src.text[i] != barrier:
			_, size = utf8.DecodeRune(src.text[i:])
		}
		for k := i; k < i+size; k++ {
			src.chars[k+1] = src.chars[i] + 1
			src.lost[k+1] = src.lost[k]
			if v.single[src.text[k]] < 0 {
				src.lost[k+1]++
			}
		}
	}
	src.toEnd = make([]int32, n+1)
	for i := n; i >= 0; i-- {
		if src.isEnd[i] {
			continue
		}
		src.toEnd[i] = untokenizable
		node := int32(root)
		for k := i; k < n && src.text[k] != barrier; k++ {
			next, ok := v.all.child(node, src.text[k])
			if !ok {
				break
			}
			node = next
			if v.all.nodes[node].token >= 0 && src.toEnd[k+1] < untokenizable {
				src.toEnd[i] = min(src.toEnd[i], src.toEnd[k+1]+1)
			}
		}
	}
	slices.SortStableFunc(src.starts, func(a, b int32) int {
		return bytes.Compare(src.text[a:min(int(a)+sortedBytes, n)], src.text[b:min(int(b)+sortedBytes, n)])
	})
	return src
}

// isWord reports whether r forms one word with adjacent characters of which
// isWord is true.
func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_'
	}
	if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
		return false
	}
	return !unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// pieces are the pieces of a source that have least to most characters (most < 0
// means no limit), and the empty string if least is 0.
type pieces struct {
	*source
	id          uint64
	least, most int
	first       int32 // cost
}

func (s *source) pieces(least, most int) *pieces {
	p := &pieces{source: s, id: newID(), least: least, most: most, first: impossible}
	if least == 0 {
		p.first = 0
		return p
	}
	for _, start := range s.starts {
		p.first = min(p.first, p.costAt(start, 0))
	}
	return p
}

func (p *pieces) expand(s *space, _, _ int) *node {
	inside := s.piece(p, span32{0, int32(len(p.starts))}, nil, 0)
	if p.least == 0 {
		return s.either(empty, inside)
	}
	return inside
}
func (p *pieces) cost(_, _ int) int32    { return p.first }
func (p *pieces) nullable(_, _ int) bool { return p.least == 0 }
func (p *pieces) height() int32          { return 0 }
func (p *pieces) partID() uint64         { return p.id }

// costAt returns the cost of the rest of the piece from start after depth bytes.
func (p *pieces) costAt(start, depth int32) int32 {
	at := start + depth
	if p.least == 0 && p.most < 0 {
		return p.toEnd[at]
	}
	// Find the first end at which the piece is long enough.
	want := p.chars[start] + int32(max(p.least, 1))
	i := sort.Search(len(p.ends), func(i int) bool { return p.ends[i] >= at && p.chars[p.ends[i]] >= want })
	if i == len(p.ends) {
		return impossible
	}
	end := p.ends[i]
	if p.most >= 0 && int(p.chars[end]-p.chars[start]) > p.most || bytes.IndexByte(p.text[at:end], barrier) >= 0 {
		return impossible
	}
	if p.lost[end] != p.lost[at] {
		return untokenizable
	}
	return end - at
}

func (p *pieces) endsAt(start, depth int32) bool {
	n := int(p.chars[start+depth] - p.chars[start])
	return depth > 0 && p.isEnd[start+depth] && n >= p.least && (p.most < 0 || n <= p.most)
}

type span32 struct{ lo, hi int32 }

// piece returns the node of the pieces whose starts have the same first depth
// bytes: a range of the sorted starts, or the listed starts.
func (s *space) piece(p *pieces, sorted span32, listed []int32, depth int32) *node {
	starts := listed
	if listed == nil {
		starts = p.starts[sorted.lo:sorted.hi]
	}
	n := node{kind: kindPiece, part: p, i: int(sorted.lo), n: int(sorted.hi), set: listed, depth: depth, cost: impossible}
	for _, start := range starts {
		n.cost = min(n.cost, p.costAt(start, depth))
		n.nullable = n.nullable || p.endsAt(start, depth)
	}
	if n.cost >= impossible {
		return dead
	}
	if n.nullable {
		n.cost = 0
	}
	return s.intern(n)
}

func (s *space) derivePiece(n *node, b byte) *node {
	p := n.part.(*pieces)
	at := func(start int32) int {
		if i := int(start + n.depth); i < len(p.text) {
			return int(p.text[i])
		}
		return -1
	}
	if b == barrier {
		return dead
	}
	var next []int32
	if n.set != nil {
		for _, start := range n.set {
			if at(start) == int(b) {
				next = append(next, start)
			}
		}
		if next == nil {
			return dead
		}
		return s.piece(p, span32{}, next, n.depth+1)
	}
	starts := p.starts[n.i:n.n]
	lo := sort.Search(len(starts), func(i int) bool { return at(starts[i]) >= int(b) })
	hi := lo + sort.Search(len(starts)-lo, func(i int) bool { return at(starts[lo+i]) > int(b) })
	if lo == hi {
		return dead
	}
	if n.depth+1 == sortedBytes {
		next = slices.Clone(starts[lo:min(hi, lo+maxFollowed)])
		return s.piece(p, span32{}, next, n.depth+1)
	}
	return s.piece(p, span32{int32(n.i + lo), int32(n.i + hi)}, nil, n.depth+1)
}
