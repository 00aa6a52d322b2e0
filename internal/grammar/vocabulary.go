package grammar

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// Vocabulary holds the tokens of a tokenizer as byte tries, so that one walk
// finds the tokens that may follow a state. It is made once for each model, is
// immutable, and is safe for concurrent use.
type Vocabulary struct {
	tokens [][]byte
	ends   []int32
	// single is the token of each single byte, or -1.
	single [256]int32
	all    trie
	// plain[n] is the set of tokens of at most n whole characters that need no
	// escape in a JSON string. others is the trie of the tokens that are not in
	// plain[maxPlain]. Within a free string all plain tokens are allowed, and
	// only others is walked.
	plain  [maxPlain + 1][]uint64
	others trie
	// chars repeats a character in a JSON string; anyText is any text there.
	chars   *repeat
	anyText *machine
}

// A trie is a list of nodes in depth-first order.
type trie struct {
	nodes  []trieNode
	first  [256]int32        // the node of each first byte, or -1
	twins  map[int32][]int32 // other tokens with the same bytes, by the first token
	height int
}

type trieNode struct {
	skip  int32 // the first node after the subtree of this node
	token int32 // the token that ends here, or -1
	depth uint16
	b     byte
}

const (
	maxTokens     = 1 << 22
	maxTokenBytes = 1 << 12
	maxPlain      = 32
)

// NewVocabulary makes a vocabulary. tokens[id] holds the bytes that token id
// appends to the text; nil is for a token without text, which no answer
// contains. ends are the tokens that end an answer. The bytes must not be
// changed afterwards.
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
			return nil, fmt.Errorf("the token that ends an answer has id %d, but the vocabulary has %d tokens", id, len(tokens))
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

// Size returns the number of tokens.
func (v *Vocabulary) Size() int { return len(v.tokens) }

// isPlain reports whether text needs no escape in a JSON string.
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
	var open []int32 // the nodes on the path to the last token
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

// root is the parent of the first nodes.
const root = -1

// child returns the child of a node by a byte, or false if there is none.
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

// A cost is a number of tokens. Two special costs are greater than all others.
const (
	// untokenizable is the cost of a language that has strings, but no tokens
	// for them.
	untokenizable = math.MaxInt32 / 4
	// impossible is the cost of the empty language.
	impossible = math.MaxInt32 / 2
)

// plus adds costs.
func plus(a, b int32) int32 {
	if a >= untokenizable || b >= untokenizable {
		if a >= impossible || b >= impossible {
			return impossible
		}
		return untokenizable
	}
	return min(a+b, untokenizable-1)
}

// times multiplies a cost by n.
func times(n int, a int32) int32 {
	if n == 0 {
		return 0
	}
	if a >= untokenizable {
		return a
	}
	return int32(min(int64(n)*int64(a), untokenizable-1))
}

// tokenCosts returns, for each offset in text, the least number of tokens for
// the rest of the text. The last cost is 0.
func (v *Vocabulary) tokenCosts(text string) []int32 {
	costs := make([]int32, len(text)+1)
	for i := len(text) - 1; i >= 0; i-- {
		costs[i] = untokenizable
		at := int32(root)
		for k := i; k < len(text); k++ {
			next, ok := v.all.child(at, text[k])
			if !ok {
				break
			}
			at = next
			if v.all.nodes[at].token >= 0 && costs[k+1] < untokenizable {
				costs[i] = min(costs[i], costs[k+1]+1)
			}
		}
	}
	return costs
}
