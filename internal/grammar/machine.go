package grammar

import (
	"errors"
	"slices"
)

// A machine is a nondeterministic automaton over bytes without empty steps.
// Every state can reach an accepting one, by bytes if not by tokens. Sets of
// its states are determinised as they are met.
//
// The cost of a state: each state has one next byte on its shortest way out
// (of bytes that are tokens), so one text; the cost is the least number of
// tokens that cut that text at any places. The rest of a state's text is the
// text of the states on its way, so a token of the best cut lowers the cost by
// one.
type machine struct {
	id     uint64
	states []state
	start  []int32 // sorted
}

type state struct {
	edges  []span
	accept bool
	cost   int32
}

// span is an edge for the bytes lo to hi.
type span struct {
	lo, hi byte
	to     int32
}

// maxStates bounds automata; each state takes about 100 bytes.
const maxStates = 20_000

var errTooManyStates = errors.New("it is too complicated: its automaton has more than 20000 states")

func (m *machine) step(set []int32, b byte) []int32 {
	var out []int32
	for _, q := range set {
		for _, e := range m.states[q].edges {
			if e.lo <= b && b <= e.hi {
				out = append(out, e.to)
			}
		}
	}
	if len(out) > 1 {
		slices.Sort(out)
		out = slices.Compact(out)
	}
	return out
}

func (m *machine) accepts(set []int32) bool {
	for _, q := range set {
		if m.states[q].accept {
			return true
		}
	}
	return false
}

func (m *machine) cost() int32 {
	cost := int32(impossible)
	for _, q := range m.start {
		cost = min(cost, m.states[q].cost)
	}
	return cost
}

// newMachine drops what leads nowhere and computes the costs.
func newMachine(v *Vocabulary, states []state, start []int32) *machine {
	m := &machine{id: newID()}
	reverse := make([][]int32, len(states))
	for q, st := range states {
		for _, e := range st.edges {
			reverse[e.to] = append(reverse[e.to], int32(q))
		}
	}
	live := make([]bool, len(states))
	var todo []int32
	for q, st := range states {
		if st.accept {
			live[q] = true
			todo = append(todo, int32(q))
		}
	}
	for len(todo) > 0 {
		q := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, p := range reverse[q] {
			if !live[p] {
				live[p] = true
				todo = append(todo, p)
			}
		}
	}
	number := make([]int32, len(states))
	for q := range states {
		number[q] = -1
		if live[q] {
			number[q] = int32(len(m.states))
			m.states = append(m.states, state{accept: states[q].accept, cost: unspeakable})
		}
	}
	for q, st := range states {
		if !live[q] {
			continue
		}
		to := &m.states[number[q]]
		for _, e := range st.edges {
			if live[e.to] {
				to.edges = append(to.edges, span{e.lo, e.hi, number[e.to]})
			}
		}
	}
	for _, q := range start {
		if live[q] {
			m.start = append(m.start, number[q])
		}
	}
	slices.Sort(m.start)
	m.start = slices.Compact(m.start)
	m.computeCosts(v)
	return m
}

func (m *machine) computeCosts(v *Vocabulary) {
	type way struct {
		b  byte
		to int32
	}
	reverse := make([][]span, len(m.states)) // to is where the edge comes from
	for q, st := range m.states {
		for _, e := range st.edges {
			reverse[e.to] = append(reverse[e.to], span{e.lo, e.hi, int32(q)})
		}
	}
	ways := make([]way, len(m.states))
	seen := make([]bool, len(m.states))
	var order []int32
	for q, st := range m.states {
		if st.accept {
			m.states[q].cost = 0
			seen[q] = true
			order = append(order, int32(q))
		}
	}
	for i := 0; i < len(order); i++ {
		for _, e := range reverse[order[i]] {
			if seen[e.to] {
				continue
			}
			for b := int(e.lo); b <= int(e.hi); b++ {
				if v.single[b] >= 0 {
					ways[e.to] = way{byte(b), order[i]}
					seen[e.to] = true
					order = append(order, e.to)
					break
				}
			}
		}
	}
	// Nearest first, so the costs on the way are known.
	for _, q := range order {
		if m.states[q].accept {
			continue
		}
		at, node := q, int32(root)
		for !m.states[at].accept {
			next, ok := v.all.child(node, ways[at].b)
			if !ok {
				break
			}
			node, at = next, ways[at].to
			if v.all.nodes[node].token >= 0 {
				m.states[q].cost = min(m.states[q].cost, m.states[at].cost+1)
			}
		}
	}
}

type edge struct {
	from int32
	b    byte
}

// literalSet accepts the given texts.
func literalSet(v *Vocabulary, texts []string) (*machine, error) {
	states := []state{{}}
	children := map[edge]int32{}
	for _, text := range texts {
		at := int32(0)
		for i := range len(text) {
			e := edge{at, text[i]}
			next, ok := children[e]
			if !ok {
				next = int32(len(states))
				states = append(states, state{})
				states[at].edges = append(states[at].edges, span{text[i], text[i], next})
				children[e] = next
				if len(states) > 10*maxStates {
					return nil, errTooManyStates
				}
			}
			at = next
		}
		states[at].accept = true
	}
	return newMachine(v, states, []int32{0}), nil
}

// A recognizer is one side of an intersection: deterministic, by numbers.
// A negative number is the end of all hope.
type recognizer interface {
	start() int32
	step(q int32, b byte) int32
	accepts(q int32) bool
	// mark tells bytes apart: borders[b] is set where b and b-1 may differ.
	mark(borders *[257]bool)
}

// intersect makes the automaton of what all sides accept.
func intersect(v *Vocabulary, sides ...recognizer) (*machine, error) {
	var borders [257]bool
	borders[0], borders[256] = true, true
	for _, side := range sides {
		side.mark(&borders)
	}
	var classes []span
	for b := range 256 {
		if borders[b] {
			classes = append(classes, span{lo: byte(b)})
		}
		classes[len(classes)-1].hi = byte(b)
	}
	const maxSides = 8
	if len(sides) > maxSides {
		return nil, errors.New("it is too complicated: more than 8 conditions on one text")
	}
	known := map[[maxSides]int32]int32{}
	var list [][maxSides]int32
	var states []state
	visit := func(t [maxSides]int32) int32 {
		q, ok := known[t]
		if !ok {
			q = int32(len(list))
			known[t] = q
			list = append(list, t)
			accept := true
			for i, side := range sides {
				accept = accept && side.accepts(t[i])
			}
			states = append(states, state{accept: accept})
		}
		return q
	}
	var first [maxSides]int32
	for i, side := range sides {
		first[i] = side.start()
		if first[i] < 0 {
			return newMachine(v, nil, nil), nil
		}
	}
	visit(first)
	for q := 0; q < len(list); q++ {
		if len(list) > maxStates {
			return nil, errTooManyStates
		}
	bytes:
		for _, c := range classes {
			var to [maxSides]int32
			for i, side := range sides {
				if to[i] = side.step(list[q][i], c.lo); to[i] < 0 {
					continue bytes
				}
			}
			next := visit(to)
			edges := states[q].edges
			if k := len(edges) - 1; k >= 0 && edges[k].to == next && int(edges[k].hi)+1 == int(c.lo) {
				edges[k].hi = c.hi
				continue
			}
			states[q].edges = append(edges, span{c.lo, c.hi, next})
		}
	}
	return newMachine(v, states, []int32{0}), nil
}

// sets makes a machine deterministic as it goes.
type sets struct {
	m     *machine
	known map[string]int32
	list  [][]int32
	key   []byte
}

func newSets(m *machine) *sets {
	s := &sets{m: m, known: map[string]int32{}}
	s.number(m.start)
	return s
}

func (s *sets) number(set []int32) int32 {
	if len(set) == 0 && len(s.list) > 0 {
		return -1
	}
	s.key = s.key[:0]
	for _, q := range set {
		s.key = append(s.key, byte(q), byte(q>>8), byte(q>>16))
	}
	n, ok := s.known[string(s.key)]
	if !ok {
		n = int32(len(s.list))
		s.known[string(s.key)] = n
		s.list = append(s.list, set)
	}
	return n
}

func (s *sets) start() int32               { return 0 }
func (s *sets) step(q int32, b byte) int32 { return s.number(s.m.step(s.list[q], b)) }
func (s *sets) accepts(q int32) bool       { return s.m.accepts(s.list[q]) }
func (s *sets) mark(borders *[257]bool) {
	for _, st := range s.m.states {
		for _, e := range st.edges {
			borders[e.lo], borders[int(e.hi)+1] = true, true
		}
	}
}

// not accepts what another does not.
type not struct{ of recognizer }

func (n not) start() int32 { return n.of.start() }
func (n not) step(q int32, b byte) int32 {
	if q == free {
		return free
	}
	if q = n.of.step(q, b); q < 0 {
		return free
	}
	return q
}
func (n not) accepts(q int32) bool    { return q == free || !n.of.accepts(q) }
func (n not) mark(borders *[257]bool) { n.of.mark(borders) }

// but accepts every text that is not one of some.
type but struct {
	children map[edge]int32
	ends     map[int32]bool
	texts    []string
}

// free is but's state after a beginning that none of the texts has.
const free = 1 << 30

func newBut(texts []string) *but {
	n := &but{children: map[edge]int32{}, ends: map[int32]bool{}, texts: texts}
	count := int32(0)
	for _, text := range texts {
		at := int32(0)
		for i := range len(text) {
			e := edge{at, text[i]}
			if _, ok := n.children[e]; !ok {
				count++
				n.children[e] = count
			}
			at = n.children[e]
		}
		n.ends[at] = true
	}
	return n
}

func (n *but) start() int32 { return 0 }
func (n *but) step(q int32, b byte) int32 {
	if next, ok := n.children[edge{q, b}]; ok {
		return next
	}
	return free
}
func (n *but) accepts(q int32) bool { return !n.ends[q] }
func (n *but) mark(borders *[257]bool) {
	for _, text := range n.texts {
		for i := range len(text) {
			borders[text[i]], borders[int(text[i])+1] = true, true
		}
	}
}
