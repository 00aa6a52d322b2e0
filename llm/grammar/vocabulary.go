package grammar

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// Vocabulary holds a tokenizer's tokens as byte tries, so that the tokens that
// may follow a state are found in one walk. It is made once for a model, never
// changes, and is safe for use by several goroutines.
type Vocabulary struct {
	tokens [][]byte
	ends   []int32
	// single is the token of each single byte, or -1.
	single [256]int32
	all    trie
	// plain[n] are the tokens of up to n whole characters that stand unescaped
	// in a JSON string; others is the trie of those that are not in the last.
	// Inside a free string all plain ones are allowed, and only others are
	// walked.
	plain  [maxPlain + 1][]uint64
	others trie
	// children and tokenAt are all's nodes again, to go down byte by byte.
	children map[edge]int32
	tokenAt  []bool
	// chars are characters within a JSON string, anyText is any text there.
	chars   *repeat
	anyText *machine
}

type edge struct {
	node int32
	b    byte
}

// A trie is a list of nodes in the order of a walk that goes down first.
type trie struct {
	nodes  []trieNode
	twins  map[int32][]int32 // more tokens of the same bytes, by the first
	height int
}

type trieNode struct {
	skip  int32 // the first node that is not below this one
	token int32 // the token that ends here, or -1
	depth uint16
	b     byte
}

const (
	maxTokens     = 1 << 22
	maxTokenBytes = 1 << 12
	maxPlain      = 32
)

// NewVocabulary takes the bytes that each token appends to the text, by id; nil
// is for a token that stands for no text, which no answer ever holds. Ends are
// the tokens that end an answer. The bytes must not be changed afterwards.
func NewVocabulary(tokens [][]byte, ends ...int32) (*Vocabulary, error) {
	if len(tokens) > maxTokens {
		return nil, fmt.Errorf("a vocabulary of %d tokens is too large; the limit is %d", len(tokens), maxTokens)
	}
	v := &Vocabulary{tokens: tokens, ends: slices.Clone(ends)}
	for n := range v.plain {
		v.plain[n] = make([]uint64, (len(tokens)+63)/64)
	}
	isEnd := map[int32]bool{}
	for _, id := range ends {
		if id < 0 || int(id) >= len(tokens) {
			return nil, fmt.Errorf("the token that ends an answer has the id %d, of %d tokens", id, len(tokens))
		}
		isEnd[id] = true
	}
	for b := range v.single {
		v.single[b] = -1
	}
	var all, others []int32
	for i, text := range tokens {
		id := int32(i)
		if len(text) == 0 || isEnd[id] {
			continue
		}
		if len(text) > maxTokenBytes {
			return nil, fmt.Errorf("token %d has %d bytes; the limit is %d", id, len(text), maxTokenBytes)
		}
		all = append(all, id)
		if n := utf8.RuneCount(text); n <= maxPlain && isPlain(text) {
			for ; n <= maxPlain; n++ {
				v.plain[n][i/64] |= 1 << (i % 64)
			}
		} else {
			others = append(others, id)
		}
		if len(text) == 1 && v.single[text[0]] < 0 {
			v.single[text[0]] = id
		}
	}
	v.all, v.others = newTrie(tokens, all), newTrie(tokens, others)
	v.index()
	char, err := quotedPattern(v, `(?s:.)`, false)
	if err != nil {
		return nil, err
	}
	v.chars = &repeat{newID(), char}
	v.anyText, err = quotedPattern(v, `(?s:.*)`, false)
	return v, err
}

// Size is the number of tokens.
func (v *Vocabulary) Size() int { return len(v.tokens) }

// isPlain tells whether text stands in a JSON string as it is.
func isPlain(text []byte) bool {
	for _, b := range text {
		if b < ' ' || b == '"' || b == '\\' {
			return false
		}
	}
	return utf8.Valid(text)
}

func newTrie(tokens [][]byte, ids []int32) trie {
	slices.SortStableFunc(ids, func(a, b int32) int { return bytes.Compare(tokens[a], tokens[b]) })
	t := trie{twins: map[int32][]int32{}}
	var open []int32 // the nodes on the way to the last token
	closeTo := func(depth int) {
		for _, n := range open[depth:] {
			t.nodes[n].skip = int32(len(t.nodes))
		}
		open = open[:depth]
	}
	var last []byte
	for _, id := range ids {
		text := tokens[id]
		if last != nil && bytes.Equal(last, text) {
			first := t.nodes[open[len(open)-1]].token
			t.twins[first] = append(t.twins[first], id)
			continue
		}
		common := 0
		for common < len(last) && common < len(text) && last[common] == text[common] {
			common++
		}
		closeTo(common)
		for _, b := range text[common:] {
			open = append(open, int32(len(t.nodes)))
			t.nodes = append(t.nodes, trieNode{token: -1, depth: uint16(len(open)), b: b})
		}
		t.nodes[len(t.nodes)-1].token = id
		t.height = max(t.height, len(text))
		last = text
	}
	closeTo(0)
	return t
}

// index makes the map that tokenCosts walks.
func (v *Vocabulary) index() {
	v.children = make(map[edge]int32, len(v.all.nodes))
	v.tokenAt = make([]bool, len(v.all.nodes)+1)
	path := make([]int32, v.all.height+1) // node numbers are one more than in the trie; 0 is its root
	for i, n := range v.all.nodes {
		at := int32(i + 1)
		v.children[edge{path[n.depth-1], n.b}] = at
		path[n.depth] = at
		v.tokenAt[at] = n.token >= 0
	}
}

// A cost is a number of tokens. Two numbers stand for more than any.
const (
	// unspeakable: there are bytes that go on, but no tokens for them.
	unspeakable = math.MaxInt32 / 4
	// impossible: no bytes go on.
	impossible = math.MaxInt32 / 2
)

// plus adds costs.
func plus(a, b int32) int32 {
	if a >= unspeakable || b >= unspeakable {
		if a >= impossible || b >= impossible {
			return impossible
		}
		return unspeakable
	}
	return min(a+b, unspeakable-1)
}

// times is a cost n times over.
func times(n int, a int32) int32 {
	if n == 0 {
		return 0
	}
	if a >= unspeakable {
		return a
	}
	return int32(min(int64(n)*int64(a), unspeakable-1))
}

// tokenCosts gives, for each beginning of a text that stops before one of its
// bytes, the fewest tokens that make up the rest; the last number is 0.
func (v *Vocabulary) tokenCosts(text string) []int32 {
	costs := make([]int32, len(text)+1)
	for i := len(text) - 1; i >= 0; i-- {
		costs[i] = unspeakable
		at := int32(0)
		for k := i; k < len(text); k++ {
			next, ok := v.children[edge{at, text[k]}]
			if !ok {
				break
			}
			at = next
			if v.tokenAt[at] && costs[k+1] < unspeakable {
				costs[i] = min(costs[i], costs[k+1]+1)
			}
		}
	}
	return costs
}
