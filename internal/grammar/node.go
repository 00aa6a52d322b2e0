package grammar

import (
	"encoding/binary"
	"sync/atomic"
)

// A node is a language of byte strings: what may still follow. Its derivative
// by a byte is the node of what may follow after that byte (Brzozowski,
// "Derivatives of Regular Expressions", 1964); sequences do what a parser's
// stack does. Nodes of equal content are one node as long as a space holds them.
//
// The cost of a node bounds from above the tokens of its shortest string: some
// token leads to a node whose cost is less by at least one, always. That holds
// for literals and machines by their construction (see tokenCosts, machine),
// and sums and minima keep it.
type node struct {
	kind     kind
	nullable bool // holds the empty string
	cost     int32
	height   int32 // arrays and objects that are open
	id       uint64

	a, b  *node    // sequence: a then b
	alts  []*node  // alternatives
	lit   *literal // literal, from byte at on
	m     *machine // machine: any of the states in set
	set   []int32  //
	part  expander // part: what expands to more
	i, n  int      // its progress, and for literals the offset i
	depth int32    // piece: bytes that were written
	wide  *node    // what part expanded to
	row   *row     // what bytes lead to, as far as it is known
}

type kind uint8

const (
	kindEmpty   kind = iota // the empty string only
	kindLiteral             // one string
	kindMachine             // a regular language
	kindSequence
	kindEither
	kindPart  // a piece of a schema, expanded when it is reached
	kindPiece // the rest of a piece of a source: see source.go
)

// An expander is a language that is written out one step at a time: i and n
// say how far it has come.
type expander interface {
	expand(s *space, i, n int) *node
	// cost and nullable are those of the expansion.
	cost(i, n int) int32
	nullable(i, n int) bool
	// height is how many arrays and objects it is inside of by itself.
	height() int32
	number() uint64
}

type literal struct {
	id    uint64
	text  string
	costs []int32 // by offset
}

// dead is the empty language.
var dead = &node{cost: impossible}

var empty = &node{kind: kindEmpty, nullable: true, id: 1}

// ids numbers machines, literals and parts; they differ in all spaces.
var ids atomic.Uint64

func newID() uint64 { return ids.Add(1) }

// A space holds the nodes that exist, up to a bound: after it they are
// forgotten, which costs time but changes no answer.
type space struct {
	nodes   map[string]*node
	lastID  uint64
	rowed   []*node // nodes with a table of derivatives
	widened []*node // nodes that were expanded
	key     []byte
}

const (
	maxNodes = 1 << 16
	maxRows  = 1 << 12 // 2 KiB each
	// maxAlts is how many alternatives a node keeps. Beyond it the first ones
	// and the cheapest are kept: fewer answers, but right ones.
	maxAlts = 1 << 10
)

func newSpace() *space { return &space{nodes: map[string]*node{}, lastID: 1} }

// trim forgets everything if there is too much.
func (s *space) trim() bool {
	if len(s.nodes) < maxNodes && len(s.rowed) < maxRows {
		return false
	}
	s.forget()
	return true
}

func (s *space) forget() {
	clear(s.nodes)
	for _, n := range s.rowed {
		n.row = nil
	}
	for _, n := range s.widened {
		n.wide = nil
	}
	clear(s.rowed)
	clear(s.widened)
	s.rowed, s.widened = s.rowed[:0], s.widened[:0]
}

// intern gives the node of this content; the key tells contents apart.
func (s *space) intern(n node) *node {
	k := s.key[:0]
	k = append(k, byte(n.kind))
	u := func(x uint64) { k = binary.AppendUvarint(k, x) }
	switch n.kind {
	case kindLiteral:
		u(n.lit.id)
		u(uint64(n.i))
	case kindMachine:
		u(n.m.id)
		for _, q := range n.set {
			u(uint64(q))
		}
	case kindSequence:
		u(n.a.id)
		u(n.b.id)
	case kindEither:
		for _, a := range n.alts {
			u(a.id)
		}
	case kindPart:
		u(n.part.number())
		u(uint64(n.i))
		u(uint64(n.n))
	case kindPiece:
		u(n.part.number())
		u(uint64(n.i))
		u(uint64(n.n))
		u(uint64(n.depth))
		for _, start := range n.set {
			u(uint64(start))
		}
	}
	s.key = k
	if known, ok := s.nodes[string(k)]; ok {
		return known
	}
	s.lastID++
	n.id = s.lastID
	s.nodes[string(k)] = &n
	return &n
}

func (s *space) literal(l *literal, at int) *node {
	if at == len(l.text) {
		return empty
	}
	return s.intern(node{kind: kindLiteral, lit: l, i: at, cost: l.costs[at]})
}

// machine gives the node of a set of states, which is sorted; it is kept.
func (s *space) machine(m *machine, set []int32) *node {
	if len(set) == 0 {
		return dead
	}
	n := node{kind: kindMachine, m: m, set: set, cost: impossible}
	final := true
	for _, q := range set {
		st := &m.states[q]
		n.cost = min(n.cost, st.cost)
		n.nullable = n.nullable || st.accept
		final = final && len(st.edges) == 0
	}
	if final && n.nullable {
		return empty
	}
	return s.intern(n)
}

func (s *space) sequence(a, b *node) *node {
	switch {
	case a == dead || b == dead:
		return dead
	case a == empty:
		return b
	case b == empty:
		return a
	case a.kind == kindSequence:
		return s.sequence(a.a, s.sequence(a.b, b))
	}
	return s.intern(node{kind: kindSequence, a: a, b: b, nullable: a.nullable && b.nullable,
		cost: plus(a.cost, b.cost), height: a.height + b.height})
}

func (s *space) either(alts ...*node) *node {
	var flat []*node
	for _, a := range alts {
		switch {
		case a == dead:
		case a.kind == kindEither:
			for _, inner := range a.alts {
				flat = s.addAlt(flat, inner)
			}
		default:
			flat = s.addAlt(flat, a)
		}
	}
	switch len(flat) {
	case 0:
		return dead
	case 1:
		return flat[0]
	}
	if len(flat) > maxAlts {
		flat = keepAlts(flat)
	}
	n := node{kind: kindEither, alts: flat, cost: impossible}
	for _, a := range flat {
		n.cost = min(n.cost, a.cost)
		n.nullable = n.nullable || a.nullable
		n.height = max(n.height, a.height)
	}
	return s.intern(n)
}

// addAlt adds an alternative; sequences that begin with the same node become
// one, so that ambiguous schemas do not double at each level.
func (s *space) addAlt(flat []*node, add *node) []*node {
	for i, a := range flat {
		if a == add {
			return flat
		}
		if a.kind == kindSequence && add.kind == kindSequence && a.a == add.a {
			flat[i] = s.sequence(a.a, s.either(a.b, add.b))
			return flat
		}
	}
	return append(flat, add)
}

func keepAlts(flat []*node) []*node {
	cheapest := 0
	var end *node
	for i, a := range flat {
		if a.cost < flat[cheapest].cost {
			cheapest = i
		}
		if a.nullable && end == nil {
			end = a
		}
	}
	kept := append([]*node{flat[cheapest]}, flat[:maxAlts-2]...)
	if end != nil {
		kept = append(kept, end)
	}
	return kept
}

func (s *space) part(p expander, i, n int) *node {
	cost := p.cost(i, n)
	if cost >= impossible {
		return dead
	}
	return s.intern(node{kind: kindPart, part: p, i: i, n: n, cost: cost, nullable: p.nullable(i, n), height: p.height()})
}

// A row keeps derivatives. Bytes without a border between them have the same.
type row struct {
	to      [256]*node
	borders [4]uint64 // bit b: a border before b
}

// step is the derivative of n by b, kept in its row.
func (s *space) step(n *node, b byte) *node {
	if n.row == nil {
		n.row = new(row)
		s.mark(n, n.row)
		s.rowed = append(s.rowed, n)
	}
	if n.row.to[b] == nil {
		to := s.derive(n, b)
		n.row.to[b] = to
		for i := int(b); i > 0 && !n.row.border(i); i-- {
			n.row.to[i-1] = to
		}
		for i := int(b) + 1; i < 256 && !n.row.border(i); i++ {
			n.row.to[i] = to
		}
	}
	return n.row.to[b]
}

func (r *row) border(b int) bool { return r.borders[b/64]>>(b%64)&1 != 0 }

// span marks the bytes from lo to hi as different from their neighbours.
func (r *row) span(lo, hi byte) {
	r.borders[lo/64] |= 1 << (lo % 64)
	if hi < 255 {
		r.borders[(hi+1)/64] |= 1 << ((hi + 1) % 64)
	}
}

// mark sets the borders of n's derivatives.
func (s *space) mark(n *node, r *row) {
	switch n.kind {
	case kindLiteral:
		r.span(n.lit.text[n.i], n.lit.text[n.i])
	case kindMachine:
		for _, q := range n.set {
			for _, e := range n.m.states[q].edges {
				r.span(e.lo, e.hi)
			}
		}
	case kindSequence:
		s.mark(n.a, r)
		if n.a.nullable {
			s.mark(n.b, r)
		}
	case kindEither:
		for _, a := range n.alts {
			s.mark(a, r)
		}
	case kindPart:
		s.mark(s.expand(n), r)
	case kindPiece:
		r.borders = [4]uint64{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}
	}
}

func (s *space) derive(n *node, b byte) *node {
	switch n.kind {
	case kindLiteral:
		if n.lit.text[n.i] == b {
			return s.literal(n.lit, n.i+1)
		}
	case kindMachine:
		return s.machine(n.m, n.m.step(n.set, b))
	case kindSequence:
		// Alternatives within alternatives are kept, or each level of nesting
		// would double the work.
		var head *node
		if n.a.kind == kindEither {
			head = s.step(n.a, b)
		} else {
			head = s.derive(n.a, b)
		}
		after := s.sequence(head, n.b)
		if n.a.nullable {
			after = s.either(after, s.derive(n.b, b))
		}
		return after
	case kindEither:
		alts := make([]*node, 0, len(n.alts))
		for _, a := range n.alts {
			if d := s.derive(a, b); d != dead {
				alts = append(alts, d)
			}
		}
		return s.either(alts...)
	case kindPart:
		return s.derive(s.expand(n), b)
	case kindPiece:
		return s.derivePiece(n, b)
	}
	return dead
}

func (s *space) expand(n *node) *node {
	if n.wide == nil {
		n.wide = n.part.expand(s, n.i, n.n)
		s.widened = append(s.widened, n)
	}
	return n.wide
}

// only gives the one byte that n can go on with, if it must.
func (s *space) only(n *node) (b byte, ok bool) {
	if n.nullable || n == dead {
		return 0, false
	}
	switch n.kind {
	case kindLiteral:
		return n.lit.text[n.i], true
	case kindMachine:
		for i, q := range n.set {
			for k, e := range n.m.states[q].edges {
				if e.lo != e.hi || i+k > 0 && e.lo != b {
					return 0, false
				}
				b = e.lo
			}
		}
		return b, true
	case kindSequence:
		return s.only(n.a)
	case kindEither:
		for i, a := range n.alts {
			one, ok := s.only(a)
			if !ok || i > 0 && one != b {
				return 0, false
			}
			b = one
		}
		return b, true
	case kindPart:
		return s.only(s.expand(n))
	}
	return 0, false
}

// leads are the first bytes of characters of several bytes, with the range of
// the second and the number of those after it.
var leads = []struct{ lo, hi, least, most, more byte }{
	{0xc2, 0xdf, 0x80, 0xbf, 0}, {0xe0, 0xe0, 0xa0, 0xbf, 1}, {0xe1, 0xec, 0x80, 0xbf, 1}, {0xed, 0xed, 0x80, 0x9f, 1},
	{0xee, 0xef, 0x80, 0xbf, 1}, {0xf0, 0xf0, 0x90, 0xbf, 2}, {0xf1, 0xf3, 0x80, 0xbf, 2}, {0xf4, 0xf4, 0x80, 0x8f, 2},
}

// loops tells whether each character that JSON strings need not escape leads
// from n to n again. It may say no where that is hard to see.
func (s *space) loops(n *node) bool {
	all := func(from *node, lo, hi byte) *node {
		to := s.step(from, lo)
		for b := lo; b < hi; b++ {
			if s.step(from, b+1) != to {
				return dead
			}
		}
		return to
	}
	if all(n, ' ', '!') != n || all(n, '#', '[') != n || all(n, ']', 0x7f) != n {
		return false
	}
	for _, l := range leads {
		for lead := int(l.lo); lead <= int(l.hi); lead++ {
			to := all(s.step(n, byte(lead)), l.least, l.most)
			for range l.more {
				to = all(to, 0x80, 0xbf)
			}
			if to != n {
				return false
			}
		}
	}
	return true
}
