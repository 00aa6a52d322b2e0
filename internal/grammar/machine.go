package grammar

import (
	"errors"
	"fmt"
	"slices"
)

// A machine is a nondeterministic automaton over bytes without empty steps. Each
// state can reach an accepting state, although perhaps not with tokens. Sets of
// states are determinized when they are first reached.
//
// Each state has one next byte on its shortest path to an accepting state; the
// path uses only bytes that are tokens. The cost of the state is the least
// number of tokens into which the text of this path can be divided. The text of
// a later state on the path is a suffix of it, so a token of the best division
// reduces the cost by one.
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

var errTooManyStates = fmt.Errorf("it is too complicated: its automaton has more than %d states", maxStates)

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

// newMachine removes the states that reach no accepting state and computes the
// costs.
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
			m.states = append(m.states, state{accept: states[q].accept, cost: untokenizable})
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
	type step struct {
		b  byte
		to int32
	}
	reverse := make([][]span, len(m.states)) // span.to is the source of the edge
	for q, st := range m.states {
		for _, e := range st.edges {
			reverse[e.to] = append(reverse[e.to], span{e.lo, e.hi, int32(q)})
		}
	}
	steps := make([]step, len(m.states)) // the first step of the shortest path
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
					steps[e.to] = step{byte(b), order[i]}
					seen[e.to] = true
					order = append(order, e.to)
					break
				}
			}
		}
	}
	// The states are in the order of their distance, so the costs of the later
	// states on the path are known.
	for _, q := range order {
		if m.states[q].accept {
			continue
		}
		at, node := q, int32(root)
		for !m.states[at].accept {
			next, ok := v.all.child(node, steps[at].b)
			if !ok {
				break
			}
			node, at = next, steps[at].to
			if v.all.nodes[node].token >= 0 {
				m.states[q].cost = min(m.states[q].cost, m.states[at].cost+1)
			}
		}
	}
}

// trieEdge is an edge of a trie of texts.
type trieEdge struct {
	from int32
	b    byte
}

// literalSet returns the machine that accepts the given texts.
func literalSet(v *Vocabulary, texts []string) (*machine, error) {
	states := []state{{}}
	children := map[trieEdge]int32{}
	for _, text := range texts {
		at := int32(0)
		for i := range len(text) {
			e := trieEdge{at, text[i]}
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

// A recognizer is a deterministic automaton, one side of an intersection. A
// negative state means that no continuation is accepted.
type recognizer interface {
	start() int32
	step(q int32, b byte) int32
	accepts(q int32) bool
	// mark sets borders[b] for each b for which step may treat b-1 and b
	// differently.
	mark(borders *[257]bool)
}

// intersect returns the machine of the texts that all sides accept.
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

// determinized is a machine as a deterministic recognizer. It determinizes each
// set of states when it is first reached.
type determinized struct {
	m     *machine
	known map[string]int32
	list  [][]int32
	key   []byte
}

func determinize(m *machine) *determinized {
	s := &determinized{m: m, known: map[string]int32{}}
	s.stateOf(m.start)
	return s
}

func (s *determinized) stateOf(set []int32) int32 {
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

func (s *determinized) start() int32               { return 0 }
func (s *determinized) step(q int32, b byte) int32 { return s.stateOf(s.m.step(s.list[q], b)) }
func (s *determinized) accepts(q int32) bool       { return s.m.accepts(s.list[q]) }
func (s *determinized) mark(borders *[257]bool) {
	for _, st := range s.m.states {
		for _, e := range st.edges {
			borders[e.lo], borders[int(e.hi)+1] = true, true
		}
	}
}

// complement accepts the texts that another recognizer does not accept.
type complement struct{ inner recognizer }

func (n complement) start() int32 { return n.inner.start() }
func (n complement) step(q int32, b byte) int32 {
	if q == unmatched {
		return unmatched
	}
	if q = n.inner.step(q, b); q < 0 {
		return unmatched
	}
	return q
}
func (n complement) accepts(q int32) bool    { return q == unmatched || !n.inner.accepts(q) }
func (n complement) mark(borders *[257]bool) { n.inner.mark(borders) }

// exclusion accepts every text that is not in a list.
type exclusion struct {
	children map[trieEdge]int32
	ends     map[int32]bool
	texts    []string
}

// unmatched is the state after a prefix that no listed text has. It accepts all
// continuations.
const unmatched = 1 << 30

func newExclusion(texts []string) *exclusion {
	n := &exclusion{children: map[trieEdge]int32{}, ends: map[int32]bool{}, texts: texts}
	count := int32(0)
	for _, text := range texts {
		at := int32(0)
		for i := range len(text) {
			e := trieEdge{at, text[i]}
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

func (n *exclusion) start() int32 { return 0 }
func (n *exclusion) step(q int32, b byte) int32 {
	if next, ok := n.children[trieEdge{q, b}]; ok {
		return next
	}
	return unmatched
}
func (n *exclusion) accepts(q int32) bool { return !n.ends[q] }
func (n *exclusion) mark(borders *[257]bool) {
	for _, text := range n.texts {
		for i := range len(text) {
			borders[text[i]], borders[int(text[i])+1] = true, true
		}
	}
}
