package nn

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/firesteel/firesteel/llm/local/kernel"
)

func random(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

// Attention over a prefix, own tokens and a tree, against the definition.
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
		a.Do(1, cache, views, queries, heads*size, got, heads*size, nil, nil)
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
			// Alone, to the bit.
			one := make([]float32, heads*size)
			a.Do(1, cache, views[i:i+1], queries[i*heads*size:], heads*size, one, heads*size, nil, nil)
			if !slices.Equal(one, got[i*heads*size:(i+1)*heads*size]) {
				t.Fatalf("%s: row %d alone differs", set.Name, i)
			}
		}
	}
}

func TestPoolReuse(t *testing.T) {
	pool := &Pool{Shape: CacheShape{Layers: 1, Heads: 1, HeadSize: 16}}
	blocks := func(c *Cache) (tokens, units []int) {
		for _, s := range c.segments {
			tokens, units = append(tokens, s.block.tokens), append(units, s.block.unit)
		}
		return tokens, units
	}
	prefix := NewCache(pool, nil)
	prefix.Grow(33)
	pool = &Pool{Shape: pool.Shape, Memory: make([]float32, 15*pool.unitSize()-1)}
	c := NewCache(pool, prefix)
	c.Grow(mostTokens + 20)
	for range 28 {
		c.Grow(1)
	}
	// Of 33 tokens, which are Go's; of 148 in two, the second a quarter of the
	// 161 before it.
	tokens, units := blocks(c)
	if !slices.Equal(tokens, []int{48, mostTokens, 48}) || !slices.Equal(units, []int{-1, 0, 8}) {
		t.Errorf("blocks of %v tokens in the units %v", tokens, units)
	}
	second := NewCache(pool, nil)
	second.Grow(20) // units 11 and 12
	c.Release()
	if prefix.Len() != 33 {
		t.Error("the prefix was released too")
	}
	// The greatest gap first, then the other, then Go's memory.
	c.Grow(mostTokens)
	third := NewCache(pool, nil)
	third.Grow(mostTokens)
	tokens, units = blocks(c)
	if !slices.Equal(tokens, []int{mostTokens}) || !slices.Equal(units, []int{0}) {
		t.Errorf("after a release, blocks of %v tokens in the units %v", tokens, units)
	}
	tokens, units = blocks(third)
	if !slices.Equal(tokens, []int{48, 16, 64}) || !slices.Equal(units, []int{8, 13, -1}) {
		t.Errorf("with little left, blocks of %v tokens in the units %v", tokens, units)
	}
	for _, c := range []*Cache{c, second, third} {
		c.Release()
	}
	if slices.Contains(pool.taken, true) {
		t.Errorf("units in use after all is released: %v", pool.taken)
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
