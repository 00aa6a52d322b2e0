package nn

import "github.com/firesteel/firesteel/llm/local/kernel"

// Pool is the memory of caches. Where Memory has none left, or is nil, they are
// given some of Go's. It serves one goroutine.
type Pool struct {
	Shape CacheShape
	// Memory is used in units of kernel.Width tokens, Shape.Bytes(kernel.Width)
	// each. It may hold anything.
	Memory []float32
	taken  []bool // by unit
	next   int    // unit, where the search for free ones begins
}

// block holds the keys and values of some tokens, a multiple of kernel.Width.
// For each layer and head stand, as packed matrices ready for multiplication,
// the keys as [tokens/16][HeadSize][16] and then the values as
// [HeadSize/16][tokens][16].
type block struct {
	tokens int
	data   []float32
	unit   int // of the pool's, its first; -1 for none
}

// head gives the keys and values of one head in one layer.
func (b *block) head(s CacheShape, layer, head int) (keys, values []float32) {
	size := s.HeadSize * b.tokens
	at := (layer*s.Heads + head) * 2 * size
	return b.data[at : at+size], b.data[at+size : at+2*size]
}

func (p *Pool) unitSize() int { return int(p.Shape.Bytes(kernel.Width) / 4) }

// get gives a block of n tokens or, where the free ones do not lie together,
// of fewer.
func (p *Pool) get(n int) *block {
	if p.taken == nil {
		p.taken = make([]bool, len(p.Memory)/p.unitSize())
	}
	first, units := p.find(n / kernel.Width)
	if units == 0 {
		return &block{n, make([]float32, p.Shape.Bytes(n)/4), -1}
	}
	for i := range units {
		p.taken[first+i] = true
	}
	p.next = first + units
	size := p.unitSize()
	return &block{units * kernel.Width, p.Memory[first*size : (first+units)*size], first}
}

// find looks for free units side by side: the first ones that are enough or,
// where there are none, the most.
func (p *Pool) find(enough int) (first, units int) {
	run := 0
	for i := range p.taken {
		at := (p.next + i) % len(p.taken)
		if at == 0 {
			run = 0 // the last unit is no neighbour of the first
		}
		if p.taken[at] {
			run = 0
			continue
		}
		if run++; run > units {
			first, units = at+1-run, run
		}
		if units == enough {
			break
		}
	}
	return first, units
}

func (p *Pool) put(b *block) {
	if b.unit < 0 {
		return
	}
	clear(p.taken[b.unit : b.unit+b.tokens/kernel.Width])
	p.next = min(p.next, b.unit)
}
