package estimate

import (
	"container/heap"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
)

// sketch counts distinct hashes. It keeps the smallest ones (a KMV sketch): the
// count is exact as long as all are kept. After that it is estimated from their
// spacing, with a relative standard error of 1/sqrt(most).
type sketch struct {
	most  int
	least hashes
	kept  map[uint64]bool
}

func newSketch(most int) *sketch { return &sketch{most: most, kept: map[uint64]bool{}} }

// add adds a hash, and reports whether it is kept and new.
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

// hashes is a heap with the greatest hash first.
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

// rowSample keeps one row of each of the inputs with the smallest hashes: a random
// sample of distinct inputs, however often each occurs.
type rowSample struct {
	most  int
	rows  map[uint64]arrow.RecordBatch
	order hashes
}

func newRowSample(most int) *rowSample {
	return &rowSample{most: most, rows: map[uint64]arrow.RecordBatch{}}
}

// wants reports whether add would keep a row with this hash.
func (c *rowSample) wants(hash uint64) bool {
	_, known := c.rows[hash]
	return !known && (len(c.order) < c.most || hash < c.order[0])
}

func (c *rowSample) add(hash uint64, row arrow.RecordBatch) {
	c.rows[hash] = row
	heap.Push(&c.order, hash)
	if len(c.order) > c.most {
		gone := heap.Pop(&c.order).(uint64)
		c.rows[gone].Release()
		delete(c.rows, gone)
	}
}
