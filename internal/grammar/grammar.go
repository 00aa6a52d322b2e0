// Package grammar keeps a model's answer within a constraint: a regular
// expression, or a JSON Schema. It says which tokens may come next, for a
// tokenizer's vocabulary, so that whatever the model prefers the answer is
// right when it ends, also when it has to end because its tokens are used up.
//
// A constraint is a language of byte strings (see node.go) whose nodes know how
// many tokens their shortest string takes at most. A token is allowed if the
// answer can still be completed after it, within the tokens that are left.
//
// JSON is written in one way: "{"a": 1, "b": [2, 3]}", one space after colons
// and commas, properties in the schema's order, escapes in strings only where
// JSON demands them, and numbers of up to 15 digits without an exponent.
package grammar

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// Grammar is a constraint for a vocabulary. It may be used by several
// goroutines and for any number of answers; what it has worked out is kept, up
// to a bound.
type Grammar struct {
	vocab *Vocabulary
	begin term
	// repeats is what Finish needs; nil if it has nothing to do.
	repeats *compiler

	mu     sync.Mutex
	space  *space
	masks  map[maskKey]keptMask
	memory int // bytes of masks
	path   []*node
}

type maskKey struct {
	n    *node
	left int32 // anyNumber where no token is left out for want of tokens
}

type keptMask struct {
	mask *Mask
	most int32 // the cost of its dearest token
}

const (
	anyNumber     = -1
	maxMaskMemory = 16 << 20
	// maxHeight is how deep arrays and objects are nested before only tokens
	// are allowed that bring the end nearer. Jackson reads 1000, Go 10000.
	maxHeight = 100
)

// Compile prepares a constraint: llm.Pattern or llm.JSON. An error says what
// is wrong with it, or not supported.
func Compile(v *Vocabulary, constraint llm.Constraint) (*Grammar, error) {
	var begin term
	var repeats *compiler
	var err error
	switch c := constraint.(type) {
	case llm.Pattern:
		var m *machine
		if m, err = pattern(v, c.Expr); err != nil {
			err = sensitive.Errorf("pattern %s: %w", sensitive.Text(c.Expr), err)
		}
		begin = m
	case llm.JSON:
		begin, repeats, err = compileSchema(v, c)
	default:
		err = fmt.Errorf("a constraint of the kind %T cannot guide tokens", constraint)
	}
	if err != nil {
		return nil, err
	}
	switch cost := begin.cost(); {
	case cost >= impossible:
		return nil, errors.New("no text meets the constraint")
	case cost >= unspeakable:
		return nil, fmt.Errorf("the model's vocabulary cannot write what the constraint demands%s", v.missing())
	}
	return &Grammar{vocab: v, begin: begin, repeats: repeats, space: newSpace(), masks: map[maskKey]keptMask{}}, nil
}

// compileSchema gives the compiler, too, where answers are to be looked at again.
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
	if wrong := schemaValue(root); wrong != "" {
		return nil, nil, compiler.refuse(root, "%s", wrong)
	}
	d, err := compiler.def([]*value{root})
	if err != nil {
		return nil, nil, err
	}
	if err := compiler.solve(); err != nil {
		return nil, nil, err
	}
	if !compiler.repeats {
		return d.term(), nil, nil
	}
	return d.term(), compiler, nil
}

// missing names the printable characters that are no token.
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

// State is a place in an answer: what was written so far, as far as it matters
// for the rest. It is small, is not changed by its methods, and equal states
// allow the same.
type State struct {
	g *Grammar
	n *node
}

// Start begins an answer of up to limit tokens. An error says that the
// shortest answer needs more.
func (g *Grammar) Start(limit int) (State, error) {
	if need := g.Need(); need > limit {
		return State{}, fmt.Errorf("an answer of %d tokens is too short for the constraint, which needs %d", limit, need)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return State{g, g.begin.node(g.space)}, nil
}

// Need is the number of tokens with which there is always an answer.
func (g *Grammar) Need() int { return int(g.begin.cost()) }

// Need is the number of tokens with which the answer can be completed.
func (s State) Need() int { return int(s.n.cost) }

// Done tells whether the answer is complete as it is.
func (s State) Done() bool { return s.n.nullable }

// Advance is the state after a token; false if the token leads out of the
// constraint. After a token that ends answers nothing may follow.
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

// Write is the state after some bytes; false if they lead out of the
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

func (g *Grammar) trim() {
	if g.space.trim() {
		clear(g.masks)
		g.memory = 0
	}
}

// Forced gives the bytes that the answer must go on with whatever comes, if
// there are any. They need no computing by the model; how they are cut into
// tokens, and that these fit what is left (Need), is the caller's to see to.
func (s State) Forced() []byte {
	const most = 4096
	g := s.g
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []byte
	for n := s.n; len(out) < most; {
		b, ok := g.space.only(n)
		if !ok {
			break
		}
		out = append(out, b)
		n = g.space.step(n, b)
	}
	return out
}

// Allowed gives the tokens that may come next where left tokens may still be
// generated, this one included. If left is at least Need, the set is not
// empty, except that Done and without a token that ends answers it may be; and
// Need is less than left after any of the set. Tokens that end answers are
// allowed where the answer is complete, and are not counted in left.
func (s State) Allowed(left int) *Mask {
	g := s.g
	g.mu.Lock()
	defer g.mu.Unlock()
	limit := int32(min(left-1, unspeakable-1))
	if kept, ok := g.masks[maskKey{s.n, anyNumber}]; ok && limit >= kept.most {
		return kept.mask
	}
	key := maskKey{s.n, max(limit, 0)}
	if limit < 0 {
		key.left = -2
	}
	if kept, ok := g.masks[key]; ok {
		return kept.mask
	}
	g.trim()
	bits, most, all := g.walk(s.n, limit)
	kept := keptMask{newMask(bits), most}
	size := 8*len(bits) + 100
	if g.memory+size > maxMaskMemory {
		clear(g.masks)
		g.memory = 0
	}
	g.memory += size
	if all {
		key.left = anyNumber
	}
	g.masks[key] = kept
	return kept.mask
}

// walk finds the tokens after which n costs at most limit. All tells whether
// any limit of at least most gives the same.
func (g *Grammar) walk(n *node, limit int32) (bits []uint64, most int32, all bool) {
	v := g.vocab
	bits = make([]uint64, len(v.plain[0]))
	all = true
	may := func(to *node) bool {
		if to.cost >= unspeakable || to.height > maxHeight && to.cost >= n.cost {
			return false
		}
		if to.cost > limit {
			all = false
			return false
		}
		most = max(most, to.cost)
		return true
	}
	t := &v.all
	if most := g.plainAfter(n); most >= 0 && n.cost <= limit && n.height <= maxHeight {
		t = &v.others
		copy(bits, v.plain[most])
		may(n)
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
		if id := at.token; id >= 0 && may(to) {
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
	return bits, most, all
}

// plainAfter gives up to how many plain characters may follow n in one token
// without raising the cost, or -1 if that is not simple to say.
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
