package token

// merges holds what two neighbouring tokens become, in a hash table that is
// at most half in use.
type merges struct {
	slots []merge // a power of two of them
	used  int
	shift uint
}

// merge is what a pair becomes; lower ranks go first. A free slot has no id.
type merge struct {
	left, right int32
	rank, id    int32
}

func newMerges(count int) *merges {
	m := &merges{shift: 64 - 4}
	for 1<<(64-m.shift) < 2*count {
		m.shift--
	}
	m.slots = make([]merge, 1<<(64-m.shift))
	for i := range m.slots {
		m.slots[i].id = none
	}
	return m
}

func (m *merges) slot(left, right int32) *merge {
	mask := len(m.slots) - 1
	key := uint64(uint32(left))<<32 | uint64(uint32(right))
	i := int(key * 0x9e3779b97f4a7c15 >> m.shift)
	for {
		s := &m.slots[i]
		if s.id == none || s.left == left && s.right == right {
			return s
		}
		i = (i + 1) & mask
	}
}

// add puts a merge in; of equal pairs the first one stays. The table must have
// been made for as many.
func (m *merges) add(left, right, rank, id int32) {
	if s := m.slot(left, right); s.id == none {
		*s = merge{left, right, rank, id}
	}
}

// find gives what a pair becomes; its id is none if it does not merge.
func (m *merges) find(left, right int32) *merge { return m.slot(left, right) }

// symbol is a token of a word in the making, in a list of neighbours.
type symbol struct {
	id         int32 // merged if it is a part of its left neighbour
	prev, next int32 // -1 at the ends
}

const merged = -2

// candidate is a possible merge of the symbol at and its right neighbour. It
// is void if the two are not of this pair any more.
type candidate struct {
	rank, at    int32
	left, right int32
}

func (a candidate) before(b candidate) bool {
	return a.rank < b.rank || a.rank == b.rank && a.at < b.at
}

// run merges the symbols of a word: always the pair of lowest rank, the
// leftmost of equals. It takes time n log n in their number. What is left is
// the list of neighbours from symbol 0 on.
func (m *merges) run(symbols []symbol, queue *candidates) {
	*queue = (*queue)[:0]
	consider := func(at int32) {
		if at < 0 || symbols[at].next < 0 {
			return
		}
		left, right := symbols[at].id, symbols[symbols[at].next].id
		if left < 0 || right < 0 {
			return
		}
		if found := m.find(left, right); found.id != none {
			queue.push(candidate{found.rank, at, left, right})
		}
	}
	for i := range symbols {
		consider(int32(i))
	}
	for len(*queue) > 0 {
		c := queue.pop()
		s := &symbols[c.at]
		if s.id != c.left || s.next < 0 || symbols[s.next].id != c.right {
			continue
		}
		r := &symbols[s.next]
		s.id = m.find(c.left, c.right).id
		r.id = merged
		s.next = r.next
		if s.next >= 0 {
			symbols[s.next].prev = c.at
		}
		consider(s.prev)
		consider(c.at)
	}
}

// candidates is a heap with the next merge first.
type candidates []candidate

func (q *candidates) push(c candidate) {
	h := append(*q, c)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !h[i].before(h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
	*q = h
}

func (q *candidates) pop() candidate {
	h := *q
	top := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			break
		}
		if down+1 < last && h[down+1].before(h[down]) {
			down++
		}
		if !h[down].before(h[i]) {
			break
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
	*q = h
	return top
}
