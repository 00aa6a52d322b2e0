package grammar

import (
	"errors"
	"regexp/syntax"
	"unicode"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// A builder makes a machine from a regular expression (Thompson's construction).
// Characters become their UTF-8 bytes or, within a JSON string, the bytes of the
// only form in which this package writes them.
type builder struct {
	vocab  *Vocabulary
	quoted bool // within a JSON string
	nodes  []thompson
	err    error

	looks   []lookahead
	nesting int  // depth of nested lookaheads
	inside  bool // the expression starts within the text, so ^ does not match
}

// thompson is a state with empty steps.
type thompson struct {
	edges []span
	empty []int32
	begin []int32 // empty steps at the beginning of the text only
	end   []int32 // empty steps at the end of the text only
	look  []lookEdge
}

// maxBuild bounds the states before empty steps are removed.
const maxBuild = 10 * maxStates

func (b *builder) add() int32 {
	if len(b.nodes) >= maxBuild {
		b.err = errTooManyStates
		return 0
	}
	b.nodes = append(b.nodes, thompson{})
	return int32(len(b.nodes) - 1)
}

func (b *builder) link(from, to int32) { b.nodes[from].empty = append(b.nodes[from].empty, to) }

// pattern returns the machine of texts that expr matches as a whole.
func pattern(v *Vocabulary, expr string) (*machine, error) {
	b := &builder{vocab: v}
	return b.compile(expr, false, false)
}

// quotedPattern returns the machine of quoted texts, without the quotes, that
// expr matches as a whole or, with anywhere, in any part.
func quotedPattern(v *Vocabulary, expr string, anywhere bool) (*machine, error) {
	b := &builder{vocab: v, quoted: true}
	return b.compile(expr, anywhere, anywhere)
}

// compile returns the machine of expr. before and after allow any text before
// and after a match.
func (b *builder) compile(expr string, before, after bool) (*machine, error) {
	re, err := b.parse(expr)
	if err != nil {
		return nil, err
	}
	start, end := b.add(), b.add()
	from, to := start, end
	if before {
		from = b.add()
		b.anyLoop(start)
		b.link(start, from)
	}
	if after {
		to = b.add()
		b.anyLoop(end)
		b.link(to, end)
	}
	b.build(re, from, to)
	if b.err != nil {
		return nil, b.err
	}
	if len(b.looks) > 0 {
		return b.finishWithLookaheads(start, end)
	}
	return b.finish(start, end)
}

func (b *builder) anyLoop(at int32) { b.runes(at, at, 0, unicode.MaxRune) }

// build adds the paths from one state to another whose text re matches.
func (b *builder) build(re *syntax.Regexp, from, to int32) {
	if b.err != nil {
		return
	}
	switch re.Op {
	case syntax.OpNoMatch:
	case syntax.OpEmptyMatch:
		b.link(from, to)
	case syntax.OpLiteral:
		for i, r := range re.Rune {
			next := to
			if i < len(re.Rune)-1 {
				next = b.add()
			}
			if k, ok := b.lookaheadOf(r); ok {
				b.nodes[from].look = append(b.nodes[from].look, lookEdge{next, k})
				from = next
				continue
			}
			b.runes(from, next, r, r)
			if re.Flags&syntax.FoldCase != 0 {
				for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
					b.runes(from, next, f, f)
				}
			}
			from = next
		}
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			b.runes(from, to, re.Rune[i], re.Rune[i+1])
		}
	case syntax.OpAnyCharNotNL:
		b.runes(from, to, 0, '\n'-1)
		b.runes(from, to, '\n'+1, unicode.MaxRune)
	case syntax.OpAnyChar:
		b.runes(from, to, 0, unicode.MaxRune)
	case syntax.OpBeginText:
		b.nodes[from].begin = append(b.nodes[from].begin, to)
	case syntax.OpEndText:
		b.nodes[from].end = append(b.nodes[from].end, to)
	case syntax.OpBeginLine, syntax.OpEndLine:
		b.err = errors.New("^ and $ at line ends, as with (?m), are not supported")
	case syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		b.err = errors.New(`\b and \B are not supported`)
	case syntax.OpCapture:
		b.build(re.Sub[0], from, to)
	case syntax.OpStar:
		b.repeat(re.Sub[0], from, to, 0, -1)
	case syntax.OpPlus:
		b.repeat(re.Sub[0], from, to, 1, -1)
	case syntax.OpQuest:
		b.repeat(re.Sub[0], from, to, 0, 1)
	case syntax.OpRepeat:
		b.repeat(re.Sub[0], from, to, re.Min, re.Max)
	case syntax.OpConcat:
		for i, sub := range re.Sub {
			next := to
			if i < len(re.Sub)-1 {
				next = b.add()
			}
			b.build(sub, from, next)
			from = next
		}
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			// A loop within one alternative must not lead to another.
			in, out := b.add(), b.add()
			b.link(from, in)
			b.build(sub, in, out)
			b.link(out, to)
		}
	default:
		b.err = sensitive.Errorf("%s is not supported", sensitive.Of(re))
	}
}

// repeat adds least to most repetitions of sub. most < 0 means no limit.
func (b *builder) repeat(sub *syntax.Regexp, from, to int32, least, most int) {
	for range least {
		next := b.add()
		b.build(sub, from, next)
		from = next
	}
	if most < 0 {
		loop := b.add()
		b.link(from, loop)
		b.build(sub, loop, loop)
		b.link(loop, to)
		return
	}
	for range most - least {
		b.link(from, to)
		next := b.add()
		b.build(sub, from, next)
		from = next
		if b.err != nil {
			return
		}
	}
	b.link(from, to)
}

// runes adds the characters from lo to hi.
func (b *builder) runes(from, to int32, lo, hi rune) {
	if b.quoted && lo <= '\\' {
		for r := lo; r <= min(hi, '\\'); r++ {
			if r < ' ' || r == '"' || r == '\\' {
				b.bytes(from, to, quoteRune(nil, r))
			}
		}
		for _, part := range [][2]rune{{' ', '"' - 1}, {'"' + 1, '\\' - 1}, {'\\' + 1, unicode.MaxRune}} {
			if l, h := max(lo, part[0]), min(hi, part[1]); l <= h {
				b.utf8(from, to, l, h)
			}
		}
		return
	}
	b.utf8(from, to, lo, hi)
}

// bytes adds one string.
func (b *builder) bytes(from, to int32, text []byte) {
	for i, c := range text {
		next := to
		if i < len(text)-1 {
			next = b.add()
		}
		b.nodes[from].edges = append(b.nodes[from].edges, span{c, c, next})
		from = next
	}
}

// utf8 adds the UTF-8 encodings of the characters from lo to hi.
func (b *builder) utf8(from, to int32, lo, hi rune) {
	for _, part := range [][2]rune{{0, 0x7f}, {0x80, 0x7ff}, {0x800, 0xd7ff}, {0xe000, 0xffff}, {0x10000, unicode.MaxRune}} {
		if l, h := max(lo, part[0]), min(hi, part[1]); l <= h {
			var first, last [4]byte
			n := utf8.EncodeRune(first[:], l)
			utf8.EncodeRune(last[:], h)
			b.byteRange(from, to, first[:n], last[:n])
		}
	}
}

// byteRange adds the UTF-8 encodings between lo and hi, which have equal length.
func (b *builder) byteRange(from, to int32, lo, hi []byte) {
	if b.err != nil {
		return
	}
	if len(lo) == 1 {
		b.nodes[from].edges = append(b.nodes[from].edges, span{lo[0], hi[0], to})
		return
	}
	split := func(l, h byte, restLo, restHi []byte) {
		next := b.add()
		b.nodes[from].edges = append(b.nodes[from].edges, span{l, h, next})
		b.byteRange(next, to, restLo, restHi)
	}
	least, most := []byte{0x80, 0x80, 0x80}[:len(lo)-1], []byte{0xbf, 0xbf, 0xbf}[:len(lo)-1]
	if lo[0] == hi[0] {
		split(lo[0], lo[0], lo[1:], hi[1:])
		return
	}
	first, last := lo[0], hi[0]
	if string(lo[1:]) != string(least) {
		split(first, first, lo[1:], most)
		first++
	}
	if string(hi[1:]) != string(most) {
		split(last, last, least, hi[1:])
		last--
	}
	if first <= last {
		split(first, last, least, most)
	}
}

// finish removes the empty steps.
func (b *builder) finish(start, end int32) (*machine, error) {
	// The states of the machine are the start, 0, and the states that an edge
	// leads to.
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
	var states []state
	// mark holds round for a node that was reached in the round only at the end
	// of the text, and round+1 for one that was reached without this condition.
	mark := make([]int32, len(b.nodes))
	round := int32(0)
	edges := 0
	closure := func(from int32, begin bool) {
		round += 2
		var st state
		type reached struct {
			node  int32
			atEnd bool // no byte may follow
		}
		stack := []reached{{from, false}}
		for len(stack) > 0 {
			r := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			level := round + 1
			if r.atEnd {
				level = round
			}
			if mark[r.node] >= level {
				continue
			}
			mark[r.node] = level
			n := &b.nodes[r.node]
			if r.node == end {
				st.accept = true
			}
			if !r.atEnd {
				for _, e := range n.edges {
					st.edges = append(st.edges, span{e.lo, e.hi, visit(e.to)})
				}
			}
			for _, to := range n.empty {
				stack = append(stack, reached{to, r.atEnd})
			}
			for _, to := range n.end {
				stack = append(stack, reached{to, true})
			}
			if begin {
				for _, to := range n.begin {
					stack = append(stack, reached{to, r.atEnd})
				}
			}
		}
		edges += len(st.edges)
		states = append(states, st)
	}
	closure(start, !b.inside)
	for i := 0; i < len(list); i++ {
		if len(list) > maxStates || edges > 20*maxStates {
			return nil, errTooManyStates
		}
		closure(list[i], false)
	}
	return newMachine(b.vocab, states, []int32{0}), nil
}
