package grammar

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// A lookahead is (?=x) or (?!x) of a pattern: what follows its place must begin
// with x, or must not. RE2's syntax has none, so that each is replaced by a rune
// that no text has, and its machine runs beside the pattern's own.
type lookahead struct {
	expr     string
	negative bool
}

const (
	firstMark      = '\U0010f800' // of the private use plane
	maxLookaheads  = 12
	maxLookNesting = 4
)

// takeLookaheads replaces the outermost lookaheads of expr by marks in groups,
// which regexp/syntax does not merge with what stands beside them.
func takeLookaheads(expr string) (string, []lookahead, error) {
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
			// A bracket that stands first is a member.
			for _, first := range []string{"[^]", "[]"} {
				if strings.HasPrefix(rest, first) {
					out.WriteString(first[1:])
					i += len(first) - 1
					break
				}
			}
		case strings.HasPrefix(rest, "(?<=") || strings.HasPrefix(rest, "(?<!"):
			return "", nil, errors.New("looking behind, as by (?<=...), is not supported")
		case strings.HasPrefix(rest, "(?=") || strings.HasPrefix(rest, "(?!"):
			end := groupEnd(rest)
			if end < 0 {
				return "", nil, errors.New("a lookahead is not closed")
			}
			if len(all) == maxLookaheads {
				return "", nil, fmt.Errorf("more than %d lookaheads", maxLookaheads)
			}
			out.WriteString(fmt.Sprintf(`(\x{%x})`, firstMark+rune(len(all))))
			all = append(all, lookahead{rest[3:end], rest[2] == '!'})
			i += end
		default:
			out.WriteByte(rest[0])
		}
	}
	return out.String(), all, nil
}

// groupEnd is where the group ends that s begins with, or -1.
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

// markOf is the lookahead that a literal rune stands for.
func (b *builder) markOf(r rune) (k int, ok bool) {
	k = int(r - firstMark)
	return k, k >= 0 && k < len(b.looks)
}

// looking is a pattern with lookaheads as a recognizer. Its states are sets of
// ways; a way is a state of the pattern's automaton without empty steps, and the
// lookaheads that are still to hold.
type looking struct {
	states []lookState
	looks  []lookahead
	// sides are each lookahead's recognizers: of texts that begin with its
	// expression, at the beginning of the text and elsewhere.
	sides [][2]recognizer
	known map[string]int32
	list  [][]way
}

// lookState has edges and ends, each with the lookaheads that begin before it.
type lookState struct {
	begin   bool // at the beginning of the text
	edges   []lookSpan
	accepts []uint32
}

type lookSpan struct {
	span
	looks uint32
}

type way struct {
	state int32
	owed  []debt // sorted, each once
}

// debt is a lookahead that began: which one, at the beginning of the text or
// not, and its recognizer's state.
type debt struct {
	look, at int
	q        int32
}

func (l *looking) number(ways []way) int32 {
	if len(ways) == 0 && len(l.list) > 0 {
		return -1
	}
	slices.SortFunc(ways, func(a, b way) int { return strings.Compare(a.key(), b.key()) })
	ways = slices.CompactFunc(ways, func(a, b way) bool { return a.key() == b.key() })
	var key strings.Builder
	for _, w := range ways {
		key.WriteString(w.key() + ";")
	}
	n, ok := l.known[key.String()]
	if !ok {
		n = int32(len(l.list))
		l.known[key.String()] = n
		l.list = append(l.list, ways)
	}
	return n
}

func (w way) key() string { return fmt.Sprint(w.state, w.owed) }

func (l *looking) start() int32 { return 0 }

// begin adds the lookaheads of a mask to those owed.
func (l *looking) begin(owed []debt, looks uint32, at int) []debt {
	for k := range l.looks {
		if looks>>k&1 == 1 {
			owed = append(owed, debt{k, at, l.sides[k][at].start()})
		}
	}
	return owed
}

func (l *looking) step(q int32, b byte) int32 {
	var out []way
	for _, w := range l.list[q] {
		st := &l.states[w.state]
		for _, e := range st.edges {
			if b < e.lo || b > e.hi {
				continue
			}
			owed := l.begin(slices.Clone(w.owed), e.looks, place(st.begin))
			if next, ok := l.pay(owed, b); ok {
				out = append(out, way{e.to, next})
			}
		}
	}
	return l.number(out)
}

func place(begin bool) int {
	if begin {
		return 0
	}
	return 1
}

// pay steps what is owed; not ok if one of them can hold no more.
func (l *looking) pay(owed []debt, b byte) (next []debt, ok bool) {
	for _, d := range owed {
		q := int32(-1)
		if d.q >= 0 {
			q = l.sides[d.look][d.at].step(d.q, b)
		}
		if q < 0 {
			if !l.looks[d.look].negative {
				return nil, false
			}
			continue // it will never match, as it must not
		}
		next = append(next, debt{d.look, d.at, q})
	}
	slices.SortFunc(next, func(a, b debt) int {
		return (a.look-b.look)<<20 + (a.at-b.at)<<19 + int(a.q-b.q)
	})
	return slices.Compact(next), true
}

func (l *looking) accepts(q int32) bool {
	for _, w := range l.list[q] {
		st := &l.states[w.state]
		for _, looks := range st.accepts {
			holds := true
			for _, d := range l.begin(slices.Clone(w.owed), looks, place(st.begin)) {
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

func (l *looking) mark(borders *[257]bool) {
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

// finishLooking takes out the empty steps of a pattern with lookaheads.
func (b *builder) finishLooking(start, end int32) (*machine, error) {
	l := &looking{looks: b.looks, known: map[string]int32{}}
	for _, look := range b.looks {
		var sides [2]recognizer
		for at := range sides {
			inner := &builder{vocab: b.vocab, quoted: b.quoted, nesting: b.nesting + 1, inside: at == 1}
			m, err := inner.compile(look.expr, false, true)
			if err != nil {
				return nil, err
			}
			sides[at] = newSets(m)
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
	l.number([]way{{state: 0}})
	return intersect(b.vocab, l)
}

// lookEdge is an empty step that a lookahead guards.
type lookEdge struct {
	to   int32
	look int
}

// parsed reads an expression and takes out its lookaheads.
func (b *builder) parsed(expr string) (*syntax.Regexp, error) {
	if b.nesting > maxLookNesting {
		return nil, fmt.Errorf("lookaheads within each other, more than %d deep", maxLookNesting)
	}
	expr, looks, err := takeLookaheads(expr)
	if err != nil {
		return nil, err
	}
	b.looks = looks
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		var se *syntax.Error
		if errors.As(err, &se) {
			return nil, sensitive.Errorf("%s: %s (the syntax is RE2's with lookaheads, without references back)", se.Code, sensitive.Text(se.Expr))
		}
		return nil, err
	}
	return re, nil
}
