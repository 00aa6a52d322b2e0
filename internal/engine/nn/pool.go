package nn

import "github.com/firesteel/firesteel/internal/engine/kernel"

// Pool is the memory of caches and of encoder outputs. Caches use it from the beginning and encoder
// outputs from the end: their sizes differ, and many small pieces between large ones would fragment
// it. If Memory is full or nil, they use the Go heap. A Pool must be used by one
// goroutine at a time.
type Pool struct {
	Shape  CacheShape // of the caches
	Memory []float32  // its content does not matter
	taken  []bool     // by page
	next   int        // the page at which the search for free pages begins
}

// page is the unit of allocation in Memory, in numbers.
const page = 1024

func pages(numbers int) int { return (numbers + page - 1) / page }

// piece is a part of a pool's memory.
type piece struct {
	data  []float32
	first int // first page; -1 for memory of the Go heap
}

// block holds the keys and values of a number of tokens that is a multiple of kernel.Width. For
// each layer and head it has the keys as [tokens/16][HeadSize][16], followed by the values as
// [HeadSize/16][tokens][16]. Both are packed matrices.
type block struct {
	tokens int
	piece
}

// head returns the keys and values of one head in one layer.
func (b *block) head(s CacheShape, layer, head int) (keys, values []float32) {
	size := s.HeadSize * b.tokens
	at := (layer*s.Heads + head) * 2 * size
	return b.data[at : at+size], b.data[at+size : at+2*size]
}

// get returns a block of n tokens, or of fewer tokens if the pool has no n consecutive free pages.
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

// find returns the first run of at least enough free pages, or the longest run if there is none.
func (p *Pool) find(enough int) (first, free int) {
	p.begin()
	run := 0
	for i := range p.taken {
		at := (p.next + i) % len(p.taken)
		if at == 0 {
			run = 0 // the last and the first page are not adjacent
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

// takeAtEnd takes the last free piece of that many numbers.
func (p *Pool) takeAtEnd(numbers int) piece {
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
