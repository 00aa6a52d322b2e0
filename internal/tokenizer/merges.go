package tokenizer

// merges holds what two neighbouring tokens become, in a hash table that is
// at most half in use.
type merges struct {
	slots []merge // a power of two of them
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

// find gives what a pair becomes; its id is below 0 if it does not merge.
func (m *merges) find(left, right int32) *merge { return m.slot(left, right) }

// forgotten is the id of a merge that is no more.
const forgotten = -3

// forget leaves out the merges that lead to tokens.
func (m *merges) forget(ids map[int32]bool) {
	for i := range m.slots {
		if ids[m.slots[i].id] {
			m.slots[i].id = forgotten
		}
	}
}

// symbol is a token of a word in the making, in a list of neighbours.
type symbol struct {
	id         int32 // merged if it is a part of its left neighbour
	prev, next int32 // -1 at the ends
}

const merged = -2

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
		if found := m.find(left, right); found.id >= 0 {
			queue.push(uint64(found.rank)<<32 | uint64(at))
		}
	}
	for i := range symbols {
		consider(int32(i))
	}
	for len(*queue) > 0 {
		c := queue.pop()
		at := int32(c)
		s := &symbols[at]
		if s.id < 0 || s.next < 0 || symbols[s.next].id < 0 {
			continue
		}
		r := &symbols[s.next]
		found := m.find(s.id, r.id)
		if found.id < 0 || found.rank != int32(c>>32) {
			continue // the two are not what they were
		}
		s.id = found.id
		r.id = merged
		s.next = r.next
		if s.next >= 0 {
			symbols[s.next].prev = at
		}
		consider(s.prev)
		consider(at)
	}
}

// candidates is a heap of possible merges, the next one first. Each is the rank
// of the merge, and in the lower 32 bits the place of the left symbol. Every
// node has four children: fewer levels than with two, and a node's children lie
// side by side.
type candidates []uint64

func (q *candidates) push(c uint64) {
	h := append(*q, c)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 4
		if h[up] <= c {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = c
	*q = h
}

func (q *candidates) pop() uint64 {
	h := *q
	top, c := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	*q = h
	if len(h) == 0 {
		return top
	}
	i := 0
	for {
		down := 4*i + 1
		if down >= len(h) {
			break
		}
		least := down
		for k := down + 1; k < min(down+4, len(h)); k++ {
			if h[k] < h[least] {
				least = k
			}
		}
		if h[least] >= c {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = c
	return top
}
