package tokenizer

// merges maps pairs of neighboring tokens to their merge. It is a hash table that is at most half
// full.
type merges struct {
	slots []merge // their number is a power of two
	shift uint
}

// merge is the result of merging a pair. Lower ranks have priority. The id of a free slot is none.
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

// add adds a merge. It does nothing if the pair has one. The number of merges must not exceed the
// count given to newMerges.
func (m *merges) add(left, right, rank, id int32) {
	if s := m.slot(left, right); s.id == none {
		*s = merge{left, right, rank, id}
	}
}

// find returns the merge of a pair. Its id is negative if the pair does not merge.
func (m *merges) find(left, right int32) *merge { return m.slot(left, right) }

// excluded is the id of a merge that exclude removed.
const excluded = -3

// exclude removes the merges that result in the given tokens.
func (m *merges) exclude(ids map[int32]bool) {
	for i := range m.slots {
		if ids[m.slots[i].id] {
			m.slots[i].id = excluded
		}
	}
}

// symbol is a token in the linked list of the symbols of a word.
type symbol struct {
	id         int32 // merged if the symbol is part of its left neighbor
	prev, next int32 // -1 at the ends
	start, end int32 // in bytes of the word
}

const merged = -2

// run merges the symbols of a word: repeatedly the pair with the lowest rank, and the leftmost of
// equal pairs. It takes O(n log n) time. The result is the linked list that begins at symbol 0.
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
			continue // the pair has changed since it was queued
		}
		s.id, s.end = found.id, r.end
		r.id = merged
		s.next = r.next
		if s.next >= 0 {
			symbols[s.next].prev = at
		}
		consider(s.prev)
		consider(at)
	}
}

// candidates is a heap of possible merges; the minimum is the next one. The upper 32 bits of a
// candidate are the rank of the merge and the lower 32 bits the index of the left symbol. Each node
// has four children: the heap has fewer levels than a binary heap, and children are adjacent in
// memory.
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
