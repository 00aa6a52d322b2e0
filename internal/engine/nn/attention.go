package nn

import (
	"math"

	"github.com/firesteel/firesteel/internal/engine/kernel"
)

// View is the set of tokens that a row attends to: the slots of its cache from First to Leading-1,
// and the slots in Extra, which are in ascending order and not below Leading. The set is not empty.
type View struct {
	First, Leading int
	Extra          []int32
}

// end returns the slot after the last one of the view.
func (v View) end() int {
	if n := len(v.Extra); n > 0 {
		return int(v.Extra[n-1]) + 1
	}
	return v.Leading
}

// tileRows is the number of rows that are processed together.
const tileRows = 24

// Attention computes softmax(q·k) v over a cache. It must be used by one goroutine at a time.
type Attention struct {
	Kernels *kernel.Set
	Heads   int // query heads; a multiple of the heads of the cache
	scores  []float32
	columns []int // the offset of each segment in the scores of a row
	sums    [tileRows]float32
}

// Share is one of several parts of the work of Attention.Do, which deals heads and rows to them in
// turn. The zero Share is all of it.
type Share struct{ Part, Parts int }

func (s Share) has(unit int) bool { return s.Parts == 0 || unit%s.Parts == s.Part }

// Do computes out = [Heads][HeadSize] for each of the rows of one sequence. The queries are
// [Heads][HeadSize] and already scaled. queryStride and outStride are the strides of the rows. The
// last slots of the views are in ascending order. If bias is not nil it is added to the scores, and
// positions are the positions of the rows. Only the given share is computed; the other shares can be
// computed at the same time, each by an Attention of its own.
func (a *Attention) Do(layer int, c *Cache, views []View, queries []float32, queryStride int, out []float32, outStride int, bias *Bias, positions []int, share Share) {
	size := c.pool.Shape.HeadSize
	group := a.Heads / c.pool.Shape.Heads
	unit := 0
	if len(views) == 1 && bias == nil {
		// The heads of a group share keys, so they are processed as rows.
		for h := range c.pool.Shape.Heads {
			if unit++; !share.has(unit) {
				continue
			}
			at := h * group * size
			for g := 0; g < group; g += tileRows {
				n := min(tileRows, group-g)
				a.tile(layer, h, c, views, n, queries[at+g*size:], size, out[at+g*size:], size, nil)
			}
		}
		return
	}
	for i := 0; i < len(views); i += tileRows {
		n := min(tileRows, len(views)-i)
		for h := range a.Heads {
			if unit++; !share.has(unit) {
				continue
			}
			var add func(row int, scores []float32)
			if bias != nil {
				add = func(row int, scores []float32) {
					a.addBias(c, views[i+row], bias.heads[h][bias.reach-positions[i+row]:], scores)
				}
			}
			a.tile(layer, h/group, c, views[i:i+n], n, queries[i*queryStride+h*size:], queryStride, out[i*outStride+h*size:], outStride, add)
		}
	}
}

// tile processes n rows of one head. A single view is the view of all rows.
func (a *Attention) tile(layer, head int, c *Cache, views []View, n int, q []float32, queryStride int, out []float32, outStride int, bias func(row int, scores []float32)) {
	shape := c.pool.Shape
	end := views[len(views)-1].end()
	a.columns = a.columns[:0]
	width := 0
	for _, s := range c.segments {
		if s.start >= end {
			break
		}
		a.columns = append(a.columns, width)
		width += kernel.Pad(min(s.n, end-s.start))
	}
	a.reserve(n * width)
	for i, column := range a.columns {
		s := &c.segments[i]
		keys, _ := s.block.head(shape, layer, head)
		panels := kernel.Pad(min(s.n, end-s.start)) / kernel.Width
		a.Kernels.Panels(n, shape.HeadSize, q, queryStride, keys, shape.HeadSize*kernel.Width, panels, a.scores[column:], width, false)
	}
	for i := range n {
		scores := a.scores[i*width : (i+1)*width]
		if bias != nil {
			bias(i, scores)
		}
		view := views[min(i, len(views)-1)]
		a.hide(c, view, scores, float32(math.Inf(-1)))
		a.Kernels.Exp(scores, scores, a.Kernels.Max(scores))
		a.hide(c, view, scores, 0)
	}
	a.sum(n, a.scores, width)
	for i, column := range a.columns {
		s := &c.segments[i]
		_, values := s.block.head(shape, layer, head)
		a.Kernels.Panels(n, min(s.n, end-s.start), a.scores[column:], width, values, s.block.tokens*kernel.Width, shape.HeadSize/kernel.Width, out, outStride, i > 0)
	}
	for i := range n {
		scale := 1 / a.sums[i]
		row := out[i*outStride:][:shape.HeadSize]
		for j := range row {
			row[j] *= scale
		}
	}
}

// hide sets the scores of slots outside of the view, and of the padding, to value.
func (a *Attention) hide(c *Cache, view View, scores []float32, value float32) {
	extra := view.Extra
	for i, column := range a.columns {
		s := &c.segments[i]
		next := len(scores)
		if i+1 < len(a.columns) {
			next = a.columns[i+1]
		}
		segment := scores[column:next]
		first := min(max(0, view.First-s.start), len(segment))
		fill(segment[:first], value)
		last := max(first, min(s.n, view.Leading-s.start))
		for j := last; j < len(segment); j++ {
			if len(extra) > 0 && j < s.n && int(extra[0]) == s.start+j {
				extra = extra[1:]
			} else {
				segment[j] = value
			}
		}
	}
}

// reserve makes a.scores hold at least n numbers.
func (a *Attention) reserve(n int) {
	if len(a.scores) < n {
		a.scores = make([]float32, n+n/2)
	}
}

// sum adds the scores of each row in the order of slots, so that the result does not depend on the
// segments. It processes four rows at once, because each addition depends on the one before it.
func (a *Attention) sum(n int, scores []float32, width int) {
	row := func(i int) []float32 { return scores[i*width : (i+1)*width] }
	i := 0
	for ; i+4 <= n; i += 4 {
		x0, x1, x2, x3 := row(i), row(i+1), row(i+2), row(i+3)
		var s0, s1, s2, s3 float32
		for j := range x0 {
			s0 += x0[j]
			s1 += x1[j]
			s2 += x2[j]
			s3 += x3[j]
		}
		a.sums[i], a.sums[i+1], a.sums[i+2], a.sums[i+3] = s0, s1, s2, s3
	}
	for ; i < n; i++ {
		s := float32(0)
		for _, x := range row(i) {
			s += x
		}
		a.sums[i] = s
	}
}
