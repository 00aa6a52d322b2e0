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
	// chars are characters within a JSON string, anyText is any text there.
	chars   *repeat
	anyText *machine
}

// A trie is a list of nodes in the order of a walk that goes down first.
type trie struct {
	nodes  []trieNode
	first  [256]int32        // the node of each first byte, or -1
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
	var all []int32
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
		}
		if len(text) == 1 && v.single[text[0]] < 0 {
			v.single[text[0]] = id
		}
	}
	slices.SortFunc(all, func(a, b int32) int {
		if order := bytes.Compare(tokens[a], tokens[b]); order != 0 {
			return order
		}
		return int(a - b)
	})
	v.all = newTrie(tokens, all)
	v.others = newTrie(tokens, slices.DeleteFunc(all, func(id int32) bool {
		return v.plain[maxPlain][id/64]>>(id%64)&1 != 0
	}))
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

// newTrie makes the trie of tokens whose ids are sorted by their bytes.
func newTrie(tokens [][]byte, ids []int32) trie {
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
	for b := range t.first {
		t.first[b] = -1
	}
	for i := int32(0); int(i) < len(t.nodes); i = t.nodes[i].skip {
		t.first[t.nodes[i].b] = i
	}
	return t
}

// root is where descents begin.
const root = -1

// child goes down from a node by a byte; false if no token goes on so.
func (t *trie) child(at int32, b byte) (int32, bool) {
	if at == root {
		next := t.first[b]
		return next, next >= 0
	}
	for i, end := at+1, t.nodes[at].skip; i < end; i = t.nodes[i].skip {
		if t.nodes[i].b == b {
			return i, true
		}
	}
	return 0, false
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
		at := int32(root)
		for k := i; k < len(text); k++ {
			next, ok := v.all.child(at, text[k])
			if !ok {
				break
			}
			at = next
			if v.all.nodes[at].token >= 0 && costs[k+1] < unspeakable {
				costs[i] = min(costs[i], costs[k+1]+1)
			}
		}
	}
	return costs
}
