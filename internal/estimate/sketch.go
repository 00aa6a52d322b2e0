package estimate

import (
	"container/heap"
	"math"
)

// sketch counts distinct hashes by keeping the least of them: exactly as long as
// it keeps all, and then by how close together they lie, with a standard error
// of one by the root of their number.
type sketch struct {
	most  int
	least hashes
	kept  map[uint64]bool
}

func newSketch(most int) *sketch { return &sketch{most: most, kept: map[uint64]bool{}} }

// add reports whether the hash is new among those that are kept.
func (s *sketch) add(hash uint64) bool {
	if s.kept[hash] || len(s.least) == s.most && hash >= s.least[0] {
		return false
	}
	s.kept[hash] = true
	heap.Push(&s.least, hash)
	if len(s.least) > s.most {
		delete(s.kept, heap.Pop(&s.least).(uint64))
	}
	return true
}

func (s *sketch) exact() bool { return len(s.least) < s.most }

func (s *sketch) count() float64 {
	if s.exact() {
		return float64(len(s.least))
	}
	return float64(s.most-1) / (float64(s.least[0]) / math.MaxUint64)
}

// hashes is a heap whose first is the greatest.
type hashes []uint64

func (h hashes) Len() int           { return len(h) }
func (h hashes) Less(i, j int) bool { return h[i] > h[j] }
func (h hashes) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *hashes) Push(x any)        { *h = append(*h, x.(uint64)) }
func (h *hashes) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// chosen are rows of different inputs: those whose hashes are least, which is a
// sample without regard to how often an input comes.
type chosen struct {
	most  int
	rows  map[uint64]sampleRow
	order hashes
}

func newChosen(most int) *chosen { return &chosen{most: most, rows: map[uint64]sampleRow{}} }

// wants tells whether a row of a hash would be kept.
func (c *chosen) wants(hash uint64) bool {
	_, there := c.rows[hash]
	return !there && (len(c.order) < c.most || hash < c.order[0])
}

func (c *chosen) add(hash uint64, row sampleRow) {
	c.rows[hash] = row
	heap.Push(&c.order, hash)
	if len(c.order) > c.most {
		gone := heap.Pop(&c.order).(uint64)
		c.rows[gone].Release()
		delete(c.rows, gone)
	}
}
