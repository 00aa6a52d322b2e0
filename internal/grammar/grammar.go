// Package grammar restricts the answer of a model to a constraint: a regular
// expression or a JSON Schema. At each step it returns the set of tokens of a
// vocabulary that may come next. A complete answer always meets the constraint,
// and an answer can always be completed within its limit of tokens.
//
// A constraint is a language of byte strings (see node.go). Each node has an
// upper bound for the number of tokens of its shortest string. A token is
// allowed if the answer can be completed after it with the remaining tokens.
//
// JSON has one form, as in {"a": 1, "b": [2, 3]}: one space after colons and
// commas, properties in the order of the schema, escapes in strings only where
// JSON requires them, and numbers of up to 15 digits without an exponent.
package grammar

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// Grammar is a constraint for a vocabulary. It is safe for concurrent use by
// several goroutines and for any number of answers. It caches nodes and masks,
// within a bound.
type Grammar struct {
	vocab *Vocabulary
	begin term
	// finisher is the compiler that Finish uses; nil if Finish does nothing.
	finisher *compiler

	mu     sync.Mutex
	space  *space
	masks  map[maskKey]cachedMask
	memory int // bytes of masks
	path   []*node
}

type maskKey struct {
	n     *node
	limit int32 // anyLimit if the limit excludes no token
}

type cachedMask struct {
	mask    *Mask
	maxCost int32 // the greatest cost after one of its tokens
}

const (
	anyLimit      = -1
	maxMaskMemory = 16 << 20
	// maxHeight is the depth of nested arrays and objects from which on only
	// tokens are allowed that reduce the cost. Jackson reads 1000 levels, Go
	// 10000.
	maxHeight = 100
)

// Compile compiles a constraint: llm.Pattern or llm.JSON. It returns an error
// if the constraint is invalid, is not supported, or is met by no text. Errors
// in a schema are of type *[SchemaError].
func Compile(v *Vocabulary, constraint llm.Constraint) (*Grammar, error) {
	var begin term
	var finisher *compiler
	var err error
	switch c := constraint.(type) {
	case llm.Pattern:
		var m *machine
		if m, err = pattern(v, c.Expr); err != nil {
			err = sensitive.Errorf("pattern %s: %w", sensitive.Text(c.Expr), err)
		}
		begin = m
	case llm.JSON:
		begin, finisher, err = compileSchema(v, c)
	default:
		err = fmt.Errorf("a constraint of type %T is not a grammar", constraint)
	}
	if err != nil {
		return nil, err
	}
	switch cost := begin.cost(); {
	case cost >= impossible:
		return nil, errors.New("no text meets the constraint")
	case cost >= untokenizable:
		return nil, fmt.Errorf("the model's vocabulary has no tokens for a text that meets the constraint%s", v.missing())
	}
	return &Grammar{vocab: v, begin: begin, finisher: finisher, space: newSpace(), masks: map[maskKey]cachedMask{}}, nil
}

// compileSchema returns the term of a schema, and the compiler if [Grammar.Finish]
// needs it.
func compileSchema(v *Vocabulary, c llm.JSON) (term, *compiler, error) {
	schema := c.Schema
	if strings.TrimSpace(schema) == "" {
		schema = "{}"
	}
	root, err := parseJSON(schema)
	if err != nil {
		return nil, nil, err
	}
	if root.kind == object && len(root.keys) == 0 || root.kind == boolean && root.truth {
		if root, err = parseJSON(`{"type": "object"}`); err != nil {
			return nil, nil, err
		}
	}
	var src *source
	if c.Source != "" {
		src = newSource(v, c.Source)
	}
	compiler := newCompiler(v, root, src)
	if problem := schemaValue(root); problem != "" {
		return nil, nil, compiler.refuse(root, "%s", problem)
	}
	d, err := compiler.def([]*value{root})
	if err != nil {
		return nil, nil, err
	}
	if err := compiler.solve(); err != nil {
		return nil, nil, err
	}
	if !compiler.needsFinish {
		return d.term(), nil, nil
	}
	return d.term(), compiler, nil
}

// missing lists the printable ASCII characters that have no token, as the end of
// an error message.
func (v *Vocabulary) missing() string {
	var list strings.Builder
	for b := byte(' '); b <= '~'; b++ {
		if v.single[b] < 0 {
			list.WriteByte(b)
		}
	}
	if list.Len() == 0 {
		return ""
	}
	return fmt.Sprintf(" (it has no token for each of %q)", list.String())
}

// State is a position in an answer. It is a small value that its methods do not
// change. Equal states allow the same continuations.
type State struct {
	g *Grammar
	n *node
}

// Start begins an answer of up to limit tokens. It returns an error if limit is
// less than [Grammar.Need].
func (g *Grammar) Start(limit int) (State, error) {
	if need := g.Need(); need > limit {
		return State{}, fmt.Errorf("an answer of %d tokens is too short for the constraint, which needs %d", limit, need)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return State{g, g.begin.node(g.space)}, nil
}

// Need returns a number of tokens that suffices for an answer.
func (g *Grammar) Need() int { return int(g.begin.cost()) }

// Need returns a number of tokens that suffices to complete the answer.
func (s State) Need() int { return int(s.n.cost) }

// Done reports whether the answer is complete.
func (s State) Done() bool { return s.n.nullable }

// Advance returns the state after a token, or false if the token violates the
// constraint. After a token that ends answers, nothing may follow.
func (s State) Advance(token int32) (State, bool) {
	v := s.g.vocab
	if token < 0 || int(token) >= len(v.tokens) {
		return s, false
	}
	for _, end := range v.ends {
		if token == end {
			return State{s.g, empty}, s.n.nullable
		}
	}
	if len(v.tokens[token]) == 0 {
		return s, false
	}
	return s.Write(v.tokens[token])
}

// Write returns the state after some bytes, or false if they violate the
// constraint.
func (s State) Write(text []byte) (State, bool) {
	g := s.g
	g.mu.Lock()
	defer g.mu.Unlock()
	g.trim()
	n := s.n
	for _, b := range text {
		if n = g.space.step(n, b); n == dead {
			return s, false
		}
	}
	return State{g, n}, true
}

// trim clears the caches if they are full.
func (g *Grammar) trim() {
	if g.space.trim() {
		clear(g.masks)
		g.memory = 0
	}
}

// Forced returns the bytes that must come next, at most 4096. The model need not
// compute them. The caller divides them into tokens and makes sure that enough
// tokens remain (see Need).
func (s State) Forced() []byte {
	const maxForced = 4096
	g := s.g
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []byte
	for n := s.n; len(out) < maxForced; {
		b, ok := g.space.only(n)
		if !ok {
			break
		}
		out = append(out, b)
		n = g.space.step(n, b)
	}
	return out
}

// Allowed returns the tokens that may come next. left is the number of tokens
// that may still be generated, including this one. After any token of the set,
// Need is less than left. If left >= Need, the set is not empty, except that it
// may be empty if the answer is Done and the vocabulary has no token that ends
// answers. Tokens that end answers are in the set if the answer is Done; left
// does not count them.
func (s State) Allowed(left int) *Mask {
	g := s.g
	g.mu.Lock()
	defer g.mu.Unlock()
	limit := int32(min(left-1, untokenizable-1))
	if cached, ok := g.masks[maskKey{s.n, anyLimit}]; ok && limit >= cached.maxCost {
		return cached.mask
	}
	key := maskKey{s.n, max(limit, 0)}
	if limit < 0 {
		key.limit = -2
	}
	if cached, ok := g.masks[key]; ok {
		return cached.mask
	}
	g.trim()
	bits, maxCost, all := g.walk(s.n, limit)
	cached := cachedMask{newMask(bits), maxCost}
	size := 8*len(bits) + 100
	if g.memory+size > maxMaskMemory {
		clear(g.masks)
		g.memory = 0
	}
	g.memory += size
	if all {
		key.limit = anyLimit
	}
	g.masks[key] = cached
	return cached.mask
}

// walk returns the set of tokens after which n costs at most limit, and the
// greatest cost after one of them. all reports whether every limit of at least
// maxCost has the same set.
func (g *Grammar) walk(n *node, limit int32) (bits []uint64, maxCost int32, all bool) {
	v := g.vocab
	bits = make([]uint64, len(v.plain[0]))
	all = true
	allowed := func(to *node) bool {
		if to.cost >= untokenizable || to.height > maxHeight && to.cost >= n.cost {
			return false
		}
		if to.cost > limit {
			all = false
			return false
		}
		maxCost = max(maxCost, to.cost)
		return true
	}
	t := &v.all
	if count := g.plainAfter(n); count >= 0 && n.cost <= limit && n.height <= maxHeight {
		t = &v.others
		copy(bits, v.plain[count])
		allowed(n)
	}
	if len(g.path) < t.height+1 {
		g.path = make([]*node, v.all.height+1)
	}
	path := g.path
	path[0] = n
	if limit < 0 {
		t = &trie{}
		all = false
	}
	for i := 0; i < len(t.nodes); {
		at := &t.nodes[i]
		from := path[at.depth-1]
		var to *node
		if from.row != nil {
			to = from.row.to[at.b]
		}
		if to == nil {
			g.trim()
			to = g.space.step(from, at.b)
		}
		if to == dead {
			i = int(at.skip)
			continue
		}
		path[at.depth] = to
		if id := at.token; id >= 0 && allowed(to) {
			bits[id/64] |= 1 << (id % 64)
			if len(t.twins) > 0 {
				for _, twin := range t.twins[id] {
					bits[twin/64] |= 1 << (twin % 64)
				}
			}
		}
		i++
	}
	if n.nullable {
		for _, end := range v.ends {
			bits[end/64] |= 1 << (end % 64)
		}
	}
	return bits, maxCost, all
}

// plainAfter returns the number of plain characters that one token may append to
// n without a higher cost, or -1 if it cannot be determined cheaply.
func (g *Grammar) plainAfter(n *node) int {
	if n.kind == kindSequence && n.a.kind == kindPart && n.a.part == expander(g.vocab.chars) {
		if n.a.n < 0 {
			return maxPlain
		}
		return min(n.a.n, maxPlain)
	}
	if g.space.loops(n) {
		return maxPlain
	}
	return -1
}
