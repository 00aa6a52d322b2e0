package nn

import "github.com/firesteel/firesteel/internal/engine/kernel"

// Pool is the memory of caches, and of what encoders have read: the ones take it
// from its beginning, the others from its end, as their sizes differ and many
// small ones between would leave no room for great ones. Where Memory has none
// left, or is nil, they are given some of Go's. It serves one goroutine.
type Pool struct {
	Shape  CacheShape // of the caches
	Memory []float32  // in pages; it may hold anything
	taken  []bool     // by page
	next   int        // page, where the search for free ones begins
}

// page is what Memory is used in units of, in numbers.
const page = 1024

func pages(numbers int) int { return (numbers + page - 1) / page }

// piece is some of a pool's memory.
type piece struct {
	data  []float32
	first int // page; -1 if it is Go's memory
}

// block holds the keys and values of some tokens, a multiple of kernel.Width.
// For each layer and head stand, as packed matrices ready for multiplication,
// the keys as [tokens/16][HeadSize][16] and then the values as
// [HeadSize/16][tokens][16].
type block struct {
	tokens int
	piece
}

// head gives the keys and values of one head in one layer.
func (b *block) head(s CacheShape, layer, head int) (keys, values []float32) {
	size := s.HeadSize * b.tokens
	at := (layer*s.Heads + head) * 2 * size
	return b.data[at : at+size], b.data[at+size : at+2*size]
}

// get gives a block of n tokens or, where the free pages do not lie together,
// of fewer.
func (p *Pool) get(n int) *block {
	size := func(tokens int) int { return int(p.Shape.Bytes(tokens) / 4) }
	first, free := p.find(pages(size(n)))
	if free < pages(size(kernel.Width)) {
		return &block{n, piece{make([]float32, size(n)), -1}}
	}
	for pages(size(n)) > free {
		n -= kernel.Width
	}
	b := &block{n, p.take(first, size(n))}
	p.next = first + pages(size(n))
	return b
}

// find looks for free pages side by side: the first ones that are enough or,
// where there are none, the most.
func (p *Pool) find(enough int) (first, free int) {
	p.begin()
	run := 0
	for i := range p.taken {
		at := (p.next + i) % len(p.taken)
		if at == 0 {
			run = 0 // the last page is no neighbour of the first
		}
		if p.taken[at] {
			run = 0
			continue
		}
		if run++; run > free {
			first, free = at+1-run, run
		}
		if free == enough {
			break
		}
	}
	return first, free
}

// room gives a piece of so many numbers.
func (p *Pool) room(numbers int) piece {
	p.begin()
	run := 0
	for at := len(p.taken) - 1; at >= 0; at-- {
		if run++; p.taken[at] {
			run = 0
		}
		if run == pages(numbers) {
			return p.take(at, numbers)
		}
	}
	return piece{make([]float32, numbers), -1}
}

func (p *Pool) begin() {
	if p.taken == nil {
		p.taken = make([]bool, len(p.Memory)/page)
	}
}

func (p *Pool) take(first, numbers int) piece {
	for i := range pages(numbers) {
		p.taken[first+i] = true
	}
	return piece{p.Memory[first*page:][:numbers], first}
}

func (p *Pool) put(m piece) {
	if m.first < 0 {
		return
	}
	clear(p.taken[m.first : m.first+pages(len(m.data))])
	p.next = min(p.next, m.first)
}
