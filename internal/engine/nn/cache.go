// Package nn implements the parts of neural networks: the key-value cache, attention, biases,
// rotary positions and linear layers. A row is one token of one sequence. The result of a row does
// not depend on the other rows that are computed with it.
package nn

import "github.com/firesteel/firesteel/internal/engine/kernel"

// maxBlockTokens is the maximum number of tokens in a block of a cache.
const maxBlockTokens = 128

// CacheShape is the size of the keys and values of a token: one key and one value for each layer
// and head.
type CacheShape struct{ Layers, Heads, HeadSize int }

// TokenBytes returns the memory of one token in bytes.
func (s CacheShape) TokenBytes() int64 {
	return int64(s.Layers) * int64(s.Heads) * int64(s.HeadSize) * 8
}

// Bytes returns the memory in bytes of a cache that grows by n tokens at once.
func (s CacheShape) Bytes(n int) int64 { return int64(kernel.Pad(n)) * s.TokenBytes() }

// Cache is a key-value cache: the keys and values of the tokens of one sequence, in slots 0, 1, ...
type Cache struct {
	pool     *Pool
	segments []segment
	length   int
}

// segment is the first n tokens of a block.
type segment struct {
	block *block
	start int // the slot of its first token
	n     int
	owned bool // the block does not belong to a prefix
}

// NewCache returns a cache that begins with the tokens of prefix. prefix may be nil; it must not
// grow afterwards.
func NewCache(pool *Pool, prefix *Cache) *Cache {
	c := &Cache{pool: pool}
	if prefix != nil {
		for _, s := range prefix.segments {
			s.owned = false
			c.segments = append(c.segments, s)
		}
		c.length = prefix.length
	}
	return c
}

// Pool returns the pool that the memory of the cache is from.
func (c *Cache) Pool() *Pool { return c.pool }

// Len returns the number of tokens.
func (c *Cache) Len() int { return c.length }

// Grow adds n slots. The caller must set them in a layer before it reads them there.
func (c *Cache) Grow(n int) {
	for n > 0 {
		last := len(c.segments) - 1
		if last < 0 || !c.segments[last].owned || c.segments[last].n == c.segments[last].block.tokens {
			// Add at least a quarter of the length, so that a long text has few blocks.
			tokens := min(kernel.Pad(max(n, c.length/4)), maxBlockTokens)
			c.segments = append(c.segments, segment{c.pool.get(tokens), c.length, 0, true})
			last++
		}
		add := min(n, c.segments[last].block.tokens-c.segments[last].n)
		c.segments[last].n += add
		c.length += add
		n -= add
	}
}

// Truncate removes the last slots, so that n are left. These slots must not belong to a prefix.
func (c *Cache) Truncate(n int) {
	for c.length > n {
		last := len(c.segments) - 1
		s := &c.segments[last]
		removed := min(s.n, c.length-n)
		s.n -= removed
		c.length -= removed
		if s.n == 0 {
			c.pool.put(s.block.piece)
			c.segments = c.segments[:last]
		}
	}
}

// Release returns the blocks that the cache owns to its pool.
func (c *Cache) Release() {
	for _, s := range c.segments {
		if s.owned {
			c.pool.put(s.block.piece)
		}
	}
	c.segments, c.length = nil, 0
}

// Put stores the keys and values of consecutive tokens in the slots from first on. Those of token i
// begin at k[i*stride] and v[i*stride].
func (c *Cache) Put(kernels *kernel.Set, layer, first, rows int, k, v []float32, stride int) {
	at := 0
	for rows > 0 {
		for first >= c.segments[at].start+c.segments[at].n {
			at++
		}
		s := &c.segments[at]
		slot := first - s.start
		n := min(rows, s.n-slot, kernel.Width-slot%kernel.Width)
		c.put(kernels, layer, s.block, slot, n, k, v, stride)
		first, rows = first+n, rows-n
		if rows > 0 {
			k, v = k[n*stride:], v[n*stride:]
		}
	}
}

// put stores n tokens whose keys are in one panel.
func (c *Cache) put(kernels *kernel.Set, layer int, b *block, slot, n int, k, v []float32, stride int) {
	shape := c.pool.Shape
	for h := range shape.Heads {
		keys, values := b.head(shape, layer, h)
		at := h * shape.HeadSize
		panel := keys[slot/kernel.Width*shape.HeadSize*kernel.Width+slot%kernel.Width:]
		kernels.Transpose(n, shape.HeadSize, panel, k[at:], stride)
		for i := range n {
			from := v[i*stride+at:][:shape.HeadSize]
			to := values[(slot+i)*kernel.Width:]
			for j := 0; j < len(from); j += kernel.Width {
				*(*[kernel.Width]float32)(to[j*b.tokens:]) = [kernel.Width]float32(from[j:])
			}
		}
	}
}
