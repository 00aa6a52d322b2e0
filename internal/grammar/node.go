package grammar

import (
	"encoding/binary"
	"sync/atomic"
)

// A node is a language of byte strings: the possible rests of an answer. Its
// derivative by a byte is the node of the rests after that byte (Brzozowski,
// "Derivatives of Regular Expressions", 1964). A sequence has the role of a
// parser's stack. A space holds one node for each content.
//
// The cost of a node is an upper bound for the number of tokens of its shortest
// string. If it is greater than 0, some token leads to a node with a lower cost.
// This holds for literals and machines by construction (see tokenCosts and
// machine), and sums and minima preserve it.
type node struct {
	kind     kind
	nullable bool // holds the empty string
	cost     int32
	height   int32 // number of open arrays and objects
	id       uint64

	a, b      *node    // sequence: a, then b
	alts      []*node  // either: the alternatives
	lit       *literal // literal: its text from offset i
	m         *machine // machine: in one of the states of set
	set       []int32  // machine: states; piece: listed starts
	part      expander // part, piece: the expander
	i, n      int      // part: its progress; literal: the offset i
	depth     int32    // piece: number of bytes that were written
	expansion *node    // part: its expansion, once known
	row       *row     // the derivatives that are known
}

type kind uint8

const (
	kindEmpty   kind = iota // the empty string only
	kindLiteral             // one string
	kindMachine             // a regular language
	kindSequence
	kindEither
	kindPart  // a part of a schema, expanded when it is reached
	kindPiece // the rest of a piece of a source, see source.go
)

// An expander is a language that is expanded one step at a time. i and n are its
// progress; their meaning depends on the expander.
type expander interface {
	expand(s *space, i, n int) *node
	// cost and nullable return the properties of the expansion.
	cost(i, n int) int32
	nullable(i, n int) bool
	// height returns 1 for the inside of an array or object, otherwise 0.
	height() int32
	partID() uint64
}

type literal struct {
	id    uint64
	text  string
	costs []int32 // by offset
}

// dead is the empty language.
var dead = &node{cost: impossible}

var empty = &node{kind: kindEmpty, nullable: true, id: 1}

// ids is the last identifier of a machine, literal or part. Identifiers are
// unique in the process.
var ids atomic.Uint64

func newID() uint64 { return ids.Add(1) }

// A space holds nodes, within a bound. Beyond it trim clears the space, which
// costs time but changes no answer.
type space struct {
	nodes    map[string]*node
	lastID   uint64
	withRows []*node // nodes with a table of derivatives
	expanded []*node // nodes that were expanded
	key      []byte
}

const (
	maxNodes = 1 << 16
	maxRows  = 1 << 12 // 2 KiB each
	// maxAlts bounds the alternatives of a node. If there are more, the node
	// keeps the first ones and the cheapest one. This allows fewer answers, but
	// all of them meet the constraint.
	maxAlts = 1 << 10
)

func newSpace() *space { return &space{nodes: map[string]*node{}, lastID: 1} }

// trim clears the space if it is full, and reports whether it did.
func (s *space) trim() bool {
	if len(s.nodes) < maxNodes && len(s.withRows) < maxRows {
		return false
	}
	s.clear()
	return true
}

func (s *space) clear() {
	clear(s.nodes)
	for _, n := range s.withRows {
		n.row = nil
	}
	for _, n := range s.expanded {
		n.expansion = nil
	}
	clear(s.withRows)
	clear(s.expanded)
	s.withRows, s.expanded = s.withRows[:0], s.expanded[:0]
}

// intern returns the node with the content of n.
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
		u(n.part.partID())
		u(uint64(n.i))
		u(uint64(n.n))
	case kindPiece:
		u(n.part.partID())
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

// machine returns the node of a sorted set of states. The node keeps set.
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

// addAlt adds an alternative. It merges sequences that begin with the same node,
// because otherwise an ambiguous schema doubles the nodes at each level.
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

// keepAlts returns the first maxAlts-2 alternatives, the cheapest one and, if
// the language holds the empty string, one that holds it.
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

// A row caches the derivatives of a node. Bytes without a border between them
// have the same derivative.
type row struct {
	to      [256]*node
	borders [4]uint64 // bit b is set if there is a border between b-1 and b
}

// step returns the derivative of n by b and caches it in the row of n.
func (s *space) step(n *node, b byte) *node {
	if n.row == nil {
		n.row = new(row)
		s.mark(n, n.row)
		s.withRows = append(s.withRows, n)
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

// span adds borders before lo and after hi.
func (r *row) span(lo, hi byte) {
	r.borders[lo/64] |= 1 << (lo % 64)
	if hi < 255 {
		r.borders[(hi+1)/64] |= 1 << ((hi + 1) % 64)
	}
}

// mark adds the borders of the derivatives of n.
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
		// The derivative of alternatives is cached, because otherwise each level
		// of nesting doubles the work.
		derive := s.derive
		if n.a.kind == kindEither {
			derive = s.step
		}
		head := derive(n.a, b)
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
	if n.expansion == nil {
		n.expansion = n.part.expand(s, n.i, n.n)
		s.expanded = append(s.expanded, n)
	}
	return n.expansion
}

// only returns the byte that every string of n starts with. ok is false if there
// is no such byte.
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

// leads are the lead bytes lo to hi of multi-byte characters in UTF-8, with the
// range of the second byte and the number of bytes after the second.
var leads = []struct{ lo, hi, least, most, more byte }{
	{0xc2, 0xdf, 0x80, 0xbf, 0}, {0xe0, 0xe0, 0xa0, 0xbf, 1}, {0xe1, 0xec, 0x80, 0xbf, 1}, {0xed, 0xed, 0x80, 0x9f, 1},
	{0xee, 0xef, 0x80, 0xbf, 1}, {0xf0, 0xf0, 0x90, 0xbf, 2}, {0xf1, 0xf3, 0x80, 0xbf, 2}, {0xf4, 0xf4, 0x80, 0x8f, 2},
}

// loops reports whether every character that a JSON string need not escape
// leads from n back to n. A false result may be wrong.
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
