package grammar

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// A lookahead is (?=x) or (?!x) in a pattern: the text at its position must, or
// must not, begin with a match of x. RE2 has no lookaheads. Each one is replaced
// by a placeholder rune that no text contains, and its machine runs in parallel
// with the machine of the pattern.
type lookahead struct {
	expr     string
	negative bool
}

const (
	firstPlaceholder = '\U0010f800' // of the private use plane
	maxLookaheads    = 12
	maxLookNesting   = 4
)

// extractLookaheads replaces the outermost lookaheads of expr by placeholders.
// Each is in a group, because regexp/syntax would merge it with the literals
// next to it.
func extractLookaheads(expr string) (string, []lookahead, error) {
	if !strings.Contains(expr, "(?") {
		return expr, nil, nil
	}
	var out strings.Builder
	var all []lookahead
	class := false
	for i := 0; i < len(expr); i++ {
		rest := expr[i:]
		switch {
		case rest[0] == '\\' && len(rest) > 1:
			out.WriteString(rest[:2])
			i++
		case class:
			class = rest[0] != ']'
			out.WriteByte(rest[0])
		case rest[0] == '[':
			class = true
			out.WriteByte('[')
			// A bracket in the first position is a member of the class.
			for _, first := range []string{"[^]", "[]"} {
				if strings.HasPrefix(rest, first) {
					out.WriteString(first[1:])
					i += len(first) - 1
					break
				}
			}
		case strings.HasPrefix(rest, "(?<=") || strings.HasPrefix(rest, "(?<!"):
			return "", nil, errors.New("lookbehind, as in (?<=...), is not supported")
		case strings.HasPrefix(rest, "(?=") || strings.HasPrefix(rest, "(?!"):
			end := groupEnd(rest)
			if end < 0 {
				return "", nil, errors.New("a lookahead is not closed")
			}
			if len(all) == maxLookaheads {
				return "", nil, fmt.Errorf("more than %d lookaheads", maxLookaheads)
			}
			out.WriteString(fmt.Sprintf(`(\x{%x})`, firstPlaceholder+rune(len(all))))
			all = append(all, lookahead{rest[3:end], rest[2] == '!'})
			i += end
		default:
			out.WriteByte(rest[0])
		}
	}
	return out.String(), all, nil
}

// groupEnd returns the index of the parenthesis that closes the group at the
// start of s, or -1.
func groupEnd(s string) int {
	depth, class := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case class:
			class = s[i] != ']'
		case s[i] == '[':
			class = true
			if strings.HasPrefix(s[i:], "[^]") {
				i += 2
			} else if strings.HasPrefix(s[i:], "[]") {
				i++
			}
		case s[i] == '(':
			depth++
		case s[i] == ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// lookaheadOf returns the lookahead that a placeholder rune stands for.
func (b *builder) lookaheadOf(r rune) (k int, ok bool) {
	k = int(r - firstPlaceholder)
	return k, k >= 0 && k < len(b.looks)
}

// lookaheadAutomaton is the recognizer of a pattern with lookaheads. Its states
// are sets of paths. A path is a state of the pattern's automaton, without empty
// steps, and the lookaheads that are not decided yet.
type lookaheadAutomaton struct {
	states []lookState
	looks  []lookahead
	// sides holds two recognizers for each lookahead: for a lookahead at the
	// beginning of the text, and elsewhere.
	sides [][2]recognizer
	known map[string]int32
	list  [][]path
}

// lookState has edges and ends, each with the set of lookaheads that start
// before it.
type lookState struct {
	begin   bool // at the beginning of the text
	edges   []lookSpan
	accepts []uint32
}

type lookSpan struct {
	span
	looks uint32
}

type path struct {
	state   int32
	pending []pendingLookahead // sorted, each once
}

// pendingLookahead is a lookahead that is not decided yet: its index, the index
// of its recognizer in sides, and the state of the recognizer.
type pendingLookahead struct {
	look, at int
	q        int32
}

func (l *lookaheadAutomaton) stateOf(paths []path) int32 {
	if len(paths) == 0 && len(l.list) > 0 {
		return -1
	}
	slices.SortFunc(paths, func(a, b path) int { return strings.Compare(a.key(), b.key()) })
	paths = slices.CompactFunc(paths, func(a, b path) bool { return a.key() == b.key() })
	var key strings.Builder
	for _, w := range paths {
		key.WriteString(w.key() + ";")
	}
	n, ok := l.known[key.String()]
	if !ok {
		n = int32(len(l.list))
		l.known[key.String()] = n
		l.list = append(l.list, paths)
	}
	return n
}

func (w path) key() string { return fmt.Sprint(w.state, w.pending) }

func (l *lookaheadAutomaton) start() int32 { return 0 }

// addPending adds the lookaheads of the set looks to pending.
func (l *lookaheadAutomaton) addPending(pending []pendingLookahead, looks uint32, at int) []pendingLookahead {
	for k := range l.looks {
		if looks>>k&1 == 1 {
			pending = append(pending, pendingLookahead{k, at, l.sides[k][at].start()})
		}
	}
	return pending
}

func (l *lookaheadAutomaton) step(q int32, b byte) int32 {
	var out []path
	for _, w := range l.list[q] {
		st := &l.states[w.state]
		for _, e := range st.edges {
			if b < e.lo || b > e.hi {
				continue
			}
			pending := l.addPending(slices.Clone(w.pending), e.looks, position(st.begin))
			if next, ok := l.advance(pending, b); ok {
				out = append(out, path{e.to, next})
			}
		}
	}
	return l.stateOf(out)
}

// position returns the index in sides for a lookahead at the beginning of the
// text or elsewhere.
func position(begin bool) int {
	if begin {
		return 0
	}
	return 1
}

// advance steps the pending lookaheads by b. ok is false if one of them can no
// longer hold.
func (l *lookaheadAutomaton) advance(pending []pendingLookahead, b byte) (next []pendingLookahead, ok bool) {
	for _, d := range pending {
		q := int32(-1)
		if d.q >= 0 {
			q = l.sides[d.look][d.at].step(d.q, b)
		}
		if q < 0 {
			if !l.looks[d.look].negative {
				return nil, false
			}
			continue // cannot match any more, so the negative lookahead holds
		}
		next = append(next, pendingLookahead{d.look, d.at, q})
	}
	slices.SortFunc(next, func(a, b pendingLookahead) int {
		return (a.look-b.look)<<20 + (a.at-b.at)<<19 + int(a.q-b.q)
	})
	return slices.Compact(next), true
}

func (l *lookaheadAutomaton) accepts(q int32) bool {
	for _, w := range l.list[q] {
		st := &l.states[w.state]
		for _, looks := range st.accepts {
			holds := true
			for _, d := range l.addPending(slices.Clone(w.pending), looks, position(st.begin)) {
				matches := d.q >= 0 && l.sides[d.look][d.at].accepts(d.q)
				holds = holds && matches != l.looks[d.look].negative
			}
			if holds {
				return true
			}
		}
	}
	return false
}

func (l *lookaheadAutomaton) mark(borders *[257]bool) {
	for _, st := range l.states {
		for _, e := range st.edges {
			borders[e.lo], borders[int(e.hi)+1] = true, true
		}
	}
	for _, sides := range l.sides {
		for _, side := range sides {
			side.mark(borders)
		}
	}
}

// finishWithLookaheads removes the empty steps of a pattern with lookaheads.
func (b *builder) finishWithLookaheads(start, end int32) (*machine, error) {
	l := &lookaheadAutomaton{looks: b.looks, known: map[string]int32{}}
	for _, look := range b.looks {
		var sides [2]recognizer
		for at := range sides {
			inner := &builder{vocab: b.vocab, quoted: b.quoted, nesting: b.nesting + 1, inside: at == 1}
			m, err := inner.compile(look.expr, false, true)
			if err != nil {
				return nil, err
			}
			sides[at] = determinize(m)
		}
		l.sides = append(l.sides, sides)
	}
	number := map[int32]int32{}
	var list []int32
	visit := func(t int32) int32 {
		q, ok := number[t]
		if !ok {
			q = int32(len(list)) + 1
			number[t] = q
			list = append(list, t)
		}
		return q
	}
	type reached struct {
		node  int32
		atEnd bool
		looks uint32
	}
	closure := func(from int32, begin bool) error {
		st := lookState{begin: begin}
		seen := map[reached]bool{}
		stack := []reached{{node: from}}
		for len(stack) > 0 {
			r := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if seen[r] {
				continue
			}
			if seen[r] = true; len(seen) > maxStates {
				return errTooManyStates
			}
			n := &b.nodes[r.node]
			if r.node == end {
				st.accepts = append(st.accepts, r.looks)
			}
			if !r.atEnd {
				for _, e := range n.edges {
					st.edges = append(st.edges, lookSpan{span{e.lo, e.hi, visit(e.to)}, r.looks})
				}
			}
			for _, to := range n.empty {
				stack = append(stack, reached{to, r.atEnd, r.looks})
			}
			for _, to := range n.end {
				stack = append(stack, reached{to, true, r.looks})
			}
			for _, e := range n.look {
				stack = append(stack, reached{e.to, r.atEnd, r.looks | 1<<e.look})
			}
			if begin && !b.inside {
				for _, to := range n.begin {
					stack = append(stack, reached{to, r.atEnd, r.looks})
				}
			}
		}
		l.states = append(l.states, st)
		return nil
	}
	if err := closure(start, true); err != nil {
		return nil, err
	}
	for i := 0; i < len(list); i++ {
		if len(list) > maxStates {
			return nil, errTooManyStates
		}
		if err := closure(list[i], false); err != nil {
			return nil, err
		}
	}
	l.stateOf([]path{{state: 0}})
	return intersect(b.vocab, l)
}

// lookEdge is an empty step that requires a lookahead to hold.
type lookEdge struct {
	to   int32
	look int
}

// parse parses an expression and extracts its lookaheads.
func (b *builder) parse(expr string) (*syntax.Regexp, error) {
	if b.nesting > maxLookNesting {
		return nil, fmt.Errorf("lookaheads are nested more than %d deep", maxLookNesting)
	}
	expr, looks, err := extractLookaheads(expr)
	if err != nil {
		return nil, err
	}
	b.looks = looks
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		var se *syntax.Error
		if errors.As(err, &se) {
			return nil, sensitive.Errorf("%s: %s (the syntax is that of RE2, with lookaheads; it has no backreferences)", se.Code, sensitive.Text(se.Expr))
		}
		return nil, err
	}
	return re, nil
}
