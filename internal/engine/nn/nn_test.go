package nn

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/kernel"
)

func random(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

// Attention over a prefix, the cache's own tokens and a tree equals the definition.
func TestAttention(t *testing.T) {
	const heads, groups, size, tokens = 6, 2, 16, 90
	r := rand.New(rand.NewPCG(1, 2))
	shape := CacheShape{Layers: 2, Heads: groups, HeadSize: size}
	keys, values := random(r, tokens*groups*size), random(r, tokens*groups*size)
	row := groups * size

	prefix := NewCache(&Pool{Shape: shape}, nil)
	prefix.Grow(41)
	prefix.Put(kernel.Sets()[0], 1, 0, 41, keys, values, row)
	cache := NewCache(&Pool{Shape: shape}, prefix)
	for at, n := 41, 0; at < tokens; at += n {
		n = min(17, tokens-at)
		cache.Grow(n)
		cache.Put(kernel.Sets()[at%len(kernel.Sets())], 1, at, n, keys[at*row:], values[at*row:], row)
	}
	if cache.Len() != tokens || prefix.Len() != 41 {
		t.Fatalf("lengths %d, %d", cache.Len(), prefix.Len())
	}

	var views []View
	for n := 42; n <= 80; n++ {
		views = append(views, View{Leading: n})
	}
	for n := int32(80); n < tokens; n++ {
		v := View{Leading: 80}
		if n > 82 {
			v.Extra = append(v.Extra, 81, n-2)
		}
		v.Extra = slices.Compact(append(v.Extra, n))
		views = append(views, v)
	}
	queries := random(r, len(views)*heads*size)
	for _, set := range kernel.Sets() {
		a := Attention{Kernels: set, Heads: heads}
		got := make([]float32, len(views)*heads*size)
		a.Do(1, cache, views, queries, heads*size, got, heads*size, nil, nil, Share{})
		for i, view := range views {
			slots := view.Extra
			for n := range view.Leading {
				slots = append(slots, int32(n))
			}
			for h := range heads {
				q := queries[(i*heads+h)*size:][:size]
				at := h / (heads / groups) * size
				want := make([]float64, size)
				sum := 0.0
				for _, slot := range slots {
					dot := 0.0
					for j, x := range q {
						dot += float64(x) * float64(keys[int(slot)*row+at+j])
					}
					p := math.Exp(dot)
					sum += p
					for j := range want {
						want[j] += p * float64(values[int(slot)*row+at+j])
					}
				}
				for j := range want {
					if x := float64(got[(i*heads+h)*size+j]); math.Abs(x-want[j]/sum) > 1e-4 {
						t.Fatalf("%s row %d head %d: %g, want %g", set.Name, i, h, x, want[j]/sum)
					}
				}
			}
			// A single row gives the same bits.
			one := make([]float32, heads*size)
			a.Do(1, cache, views[i:i+1], queries[i*heads*size:], heads*size, one, heads*size, nil, nil, Share{})
			if !slices.Equal(one, got[i*heads*size:(i+1)*heads*size]) {
				t.Fatalf("%s: the result of row %d alone differs", set.Name, i)
			}
		}
	}
}

func TestPoolReuse(t *testing.T) {
	// 16 tokens fill a page.
	pool := &Pool{Shape: CacheShape{Layers: 1, Heads: 1, HeadSize: page / 2 / kernel.Width}}
	blocks := func(c *Cache) (tokens, pages []int) {
		for _, s := range c.segments {
			tokens, pages = append(tokens, s.block.tokens), append(pages, s.block.first)
		}
		return tokens, pages
	}
	prefix := NewCache(pool, nil)
	prefix.Grow(33)
	pool = &Pool{Shape: pool.Shape, Memory: make([]float32, 15*page-1)}
	c := NewCache(pool, prefix)
	c.Grow(maxBlockTokens + 20)
	for range 28 {
		c.Grow(1)
	}
	// The block of 33 tokens is on the Go heap. The 148 tokens are in two blocks, and the second
	// holds a quarter of the 161 tokens before it, rounded up.
	tokens, pages := blocks(c)
	if !slices.Equal(tokens, []int{48, maxBlockTokens, 48}) || !slices.Equal(pages, []int{-1, 0, 8}) {
		t.Errorf("blocks of %v tokens in the pages %v", tokens, pages)
	}
	second := NewCache(pool, nil)
	second.Grow(20) // pages 11 and 12
	c.Release()
	if prefix.Len() != 33 {
		t.Error("the prefix was released too")
	}
	// The largest gap is used first, then the other gap, then the Go heap.
	c.Grow(maxBlockTokens)
	third := NewCache(pool, nil)
	third.Grow(maxBlockTokens)
	tokens, pages = blocks(c)
	if !slices.Equal(tokens, []int{maxBlockTokens}) || !slices.Equal(pages, []int{0}) {
		t.Errorf("after a release, blocks of %v tokens in the pages %v", tokens, pages)
	}
	tokens, pages = blocks(third)
	if !slices.Equal(tokens, []int{48, 16, 64}) || !slices.Equal(pages, []int{8, 13, -1}) {
		t.Errorf("in a nearly full pool, blocks of %v tokens in the pages %v", tokens, pages)
	}
	encoded := NewEncoderOutput(pool, 16, 5, make([]float32, 80), 16)
	if encoded.first != -1 {
		t.Errorf("encoder output is at page %d of a full pool", encoded.first)
	}
	encoded.Release()
	second.Release()
	encoded = NewEncoderOutput(pool, 16, 5, make([]float32, 80), 16)
	if encoded.first != 12 || len(encoded.data) != 6*16 {
		t.Errorf("encoder output is at page %d and has %d numbers", encoded.first, len(encoded.data))
	}
	encoded.Release()
	for _, c := range []*Cache{c, third} {
		c.Release()
	}
	if slices.Contains(pool.taken, true) {
		t.Errorf("pages are in use after all was released: %v", pool.taken)
	}
}

// CrossAttend equals attention with the encoder output as keys and values.
func TestCrossAttend(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, shape := range []struct{ heads, size, tokens int }{{1, 16, 1}, {3, 48, 7}, {6, 64, 34}, {13, 32, 130}} {
		x, q := random(r, shape.tokens*(shape.size+3)), random(r, shape.heads*(shape.size+5))
		encoded := NewEncoderOutput(&Pool{Memory: make([]float32, 1<<16)}, shape.size, shape.tokens, x, shape.size+3)
		for _, set := range kernel.Sets() {
			a := Attention{Kernels: set, Heads: shape.heads}
			got := slices.Clone(q)
			a.CrossAttend(encoded, got, shape.size+5)
			for h := range shape.heads {
				query := q[h*(shape.size+5):][:shape.size]
				want, sum := make([]float64, shape.size), 0.0
				for n := range shape.tokens {
					row := x[n*(shape.size+3):][:shape.size]
					dot := 0.0
					for j, v := range row {
						dot += float64(v) * float64(query[j])
					}
					p := math.Exp(dot)
					sum += p
					for j, v := range row {
						want[j] += p * float64(v)
					}
				}
				for j := range want {
					if g := float64(got[h*(shape.size+5)+j]); math.Abs(g-want[j]/sum) > 1e-4 {
						t.Fatalf("%s, %v: head %d: result[%d] is %g, want %g", set.Name, shape, h, j, g, want[j]/sum)
					}
				}
				if rest := got[h*(shape.size+5)+shape.size:][:5]; !slices.Equal(rest, q[h*(shape.size+5)+shape.size:][:5]) {
					t.Fatalf("%s, %v: CrossAttend wrote beyond head %d", set.Name, shape, h)
				}
			}
		}
	}
}

func TestRotary(t *testing.T) {
	r := NewRotary(4, 100, []float32{1, 2})
	angles := make([]float32, 4)
	r.Angles(angles, 3)
	x := []float32{1, 0, 0, 1, 2, 0, 0, 2}
	Rotate(x, angles, .5)
	// Frequencies 1 and 100^-0.5 / 2.
	c0, s0, c1, s1 := math.Cos(3), math.Sin(3), math.Cos(.15), math.Sin(.15)
	for i, want := range []float64{c0 / 2, s0 / 2, -s1 / 2, c1 / 2, c0, s0, -s1, c1} {
		if math.Abs(float64(x[i])-want) > 1e-6 {
			t.Errorf("x[%d] = %g, want %g", i, x[i], want)
		}
	}
}

// The shares of the work, computed in any order, are the whole.
func TestAttentionShares(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	shape := CacheShape{Layers: 1, Heads: 2, HeadSize: 16}
	const heads, tokens = 6, 60
	set, err := kernel.Select("")
	if err != nil {
		t.Fatal(err)
	}
	cache := NewCache(&Pool{Shape: shape}, nil)
	cache.Grow(tokens)
	keys, values := random(r, tokens*32), random(r, tokens*32)
	cache.Put(set, 0, 0, tokens, keys, values, 32)
	for _, rows := range []int{1, 2, 50} {
		queries, views := random(r, rows*heads*16), make([]View, rows)
		for i := range views {
			views[i] = View{Leading: tokens - rows + i + 1}
		}
		whole := Attention{Kernels: set, Heads: heads}
		want := make([]float32, len(queries))
		whole.Do(0, cache, views, queries, heads*16, want, heads*16, nil, nil, Share{})
		for _, parts := range []int{1, 2, 5, 16} {
			got := make([]float32, len(queries))
			for _, part := range r.Perm(parts) {
				a := Attention{Kernels: set, Heads: heads}
				a.Do(0, cache, views, queries, heads*16, got, heads*16, nil, nil, Share{Part: part, Parts: parts})
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d rows in %d parts: the results differ", rows, parts)
			}
		}
	}
}
