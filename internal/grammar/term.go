package grammar

// A term is a part of the language of a schema, before nodes exist. Its cost is
// at least that of its node.
type term interface {
	node(s *space) *node
	cost() int32
}

func (l *literal) node(s *space) *node { return s.literal(l, 0) }
func (l *literal) cost() int32         { return l.costs[0] }

func newLiteral(v *Vocabulary, text string) *literal {
	return &literal{newID(), text, v.tokenCosts(text)}
}

func (m *machine) node(s *space) *node { return s.machine(m, m.start) }

// concat is a sequence of terms.
type concat []term

func (c concat) node(s *space) *node {
	n := empty
	for i := len(c) - 1; i >= 0; i-- {
		n = s.sequence(c[i].node(s), n)
	}
	return n
}

func (c concat) cost() int32 {
	cost := int32(0)
	for _, t := range c {
		cost = plus(cost, t.cost())
	}
	return cost
}

// partTerm is an expander with an initial progress.
type partTerm struct {
	p    expander
	i, n int
}

func (t partTerm) node(s *space) *node { return s.part(t.p, t.i, t.n) }
func (t partTerm) cost() int32         { return t.p.cost(t.i, t.n) }

// repeat is a machine repeated i to n times; n < 0 means no limit.
type repeat struct {
	id   uint64
	what *machine
}

func (r *repeat) expand(s *space, i, n int) *node {
	if n == 0 {
		return empty
	}
	once := s.sequence(r.what.node(s), s.part(r, max(i-1, 0), max(n-1, -1)))
	if i > 0 {
		return once
	}
	return s.either(empty, once)
}

func (r *repeat) cost(i, n int) int32 {
	if n >= 0 && i > n {
		return impossible
	}
	return times(i, r.what.cost())
}
func (r *repeat) nullable(i, _ int) bool { return i == 0 }
func (r *repeat) height() int32          { return 0 }
func (r *repeat) partID() uint64         { return r.id }

// def is the language of a set of schemas. Defs refer to each other, so solve
// computes their costs in rounds until none changes.
type def struct {
	id          uint64
	alts        []term
	currentCost int32
}

func (d *def) expand(s *space, _, _ int) *node {
	alts := make([]*node, len(d.alts))
	for i, t := range d.alts {
		alts[i] = t.node(s)
	}
	return s.either(alts...)
}
func (d *def) cost(_, _ int) int32    { return d.currentCost }
func (d *def) nullable(_, _ int) bool { return false }
func (d *def) height() int32          { return 0 }
func (d *def) partID() uint64         { return d.id }

func (d *def) recompute() (changed bool) {
	now := int32(impossible)
	for _, t := range d.alts {
		now = min(now, t.cost())
	}
	changed = now != d.currentCost
	d.currentCost = now
	return changed
}

func (d *def) term() term { return partTerm{d, 0, 0} }

// list is the rest of an array after i items. i stops growing where further
// items make no difference.
type list struct {
	id          uint64
	prefix      []*def
	items       *def
	least, most int // most < 0: no limit
	comma, end  *literal
}

func (l *list) item(i int) *def {
	if i < len(l.prefix) {
		return l.prefix[i]
	}
	return l.items
}

func (l *list) after(i int) int {
	if l.most < 0 {
		return min(i+1, max(l.least, len(l.prefix), 1))
	}
	return i + 1
}

func (l *list) expand(s *space, i, _ int) *node {
	end, more := dead, dead
	if i >= l.least {
		end = l.end.node(s)
	}
	if l.most < 0 || i < l.most {
		more = s.sequence(l.item(i).term().node(s), s.part(l, l.after(i), 0))
		if i > 0 {
			more = s.sequence(l.comma.node(s), more)
		}
	}
	return s.either(end, more)
}

func (l *list) cost(i, _ int) int32 {
	cost := l.end.cost()
	if l.most >= 0 && l.least > l.most {
		return impossible
	}
	for ; i < l.least && i < len(l.prefix); i++ {
		cost = plus(cost, l.prefix[i].currentCost)
		if i > 0 {
			cost = plus(cost, l.comma.cost())
		}
	}
	if left := l.least - i; left > 0 {
		commas := left
		if i == 0 {
			commas--
		}
		cost = plus(cost, plus(times(left, l.items.currentCost), times(commas, l.comma.cost())))
	}
	return cost
}
func (l *list) nullable(_, _ int) bool { return false }
func (l *list) height() int32          { return 1 }
func (l *list) partID() uint64         { return l.id }

// record is the rest of an object. Its named properties have a fixed order. i is
// the index of the next property. n is twice the number of written properties,
// plus 1 before the first.
type record struct {
	id         uint64
	properties []property
	// others are the keys without a name in the schema, and their values.
	others          []otherKey
	open, openFirst term // the text before such a key
	colon           *literal
	least, most     int // most < 0: no limit
	counts          bool
	end             *literal
	costs           map[[2]int]int32 // cache for one round of solve
}

type otherKey struct {
	key   term
	value *def
}

type property struct {
	first, next *literal // the key as the first one, and after another one
	value       *def
	required    bool
}

// branch is a possible next property.
type branch struct {
	key   term
	value *def
	i, n  int
}

// branches returns the possible next properties. end reports whether the object
// may end.
func (r *record) branches(i, n int) (list []branch, end bool) {
	count, first := n>>1, n&1 == 1
	after := 0
	if r.counts {
		after = count + 1
		if r.most < 0 {
			after = min(after, r.least)
		}
	}
	full := r.most >= 0 && count >= r.most
	for ; i < len(r.properties); i++ {
		p := r.properties[i]
		if !full && p.value.currentCost < impossible {
			key := p.next
			if first {
				key = p.first
			}
			list = append(list, branch{key, p.value, i + 1, after << 1})
		}
		if p.required {
			return list, false
		}
	}
	for _, o := range r.others {
		if full || o.value.currentCost >= impossible {
			continue
		}
		open := r.open
		if first {
			open = r.openFirst
		}
		list = append(list, branch{concat{open, o.key, r.colon}, o.value, i, after << 1})
	}
	return list, count >= r.least
}

func (r *record) expand(s *space, i, n int) *node {
	next, end := r.branches(i, n)
	alts := make([]*node, 0, len(next)+1)
	if end {
		alts = append(alts, r.end.node(s))
	}
	for _, w := range next {
		rest := s.part(r, w.i, w.n)
		alts = append(alts, s.sequence(w.key.node(s), s.sequence(w.value.term().node(s), rest)))
	}
	return s.either(alts...)
}

func (r *record) cost(i, n int) int32 {
	if cost, ok := r.costs[[2]int{i, n}]; ok {
		return cost
	}
	var cost int32
	if i == len(r.properties) {
		cost = r.costOfOthers(n>>1, n&1 == 1)
	} else {
		next, end := r.branches(i, n)
		cost = impossible
		if end {
			cost = r.end.cost()
		}
		for _, w := range next {
			cost = min(cost, plus(plus(w.key.cost(), w.value.currentCost), r.cost(w.i, w.n)))
		}
	}
	r.costs[[2]int{i, n}] = cost
	return cost
}

// costOfOthers returns the cost of the rest after all named properties.
func (r *record) costOfOthers(count int, first bool) int32 {
	left := r.least - count
	switch {
	case left <= 0:
		return r.end.cost()
	case len(r.others) == 0 || r.most >= 0 && r.least > r.most:
		return impossible
	}
	each := int32(impossible)
	for _, o := range r.others {
		each = min(each, plus(plus(o.key.cost(), r.colon.cost()), o.value.currentCost))
	}
	opens := times(left, r.open.cost())
	if first {
		opens = plus(times(left-1, r.open.cost()), r.openFirst.cost())
	}
	return plus(plus(times(left, each), opens), r.end.cost())
}

func (r *record) nullable(_, _ int) bool { return false }
func (r *record) height() int32          { return 1 }
func (r *record) partID() uint64         { return r.id }
