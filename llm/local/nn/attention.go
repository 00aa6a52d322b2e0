package nn

import "github.com/firesteel/firesteel/llm/local/kernel"

// View says which tokens of its cache a row attends to: the first Leading ones
// and those in the slots Extra, which ascend and are not below Leading. The
// last of them is the row's own token.
type View struct {
	Leading int
	Extra   []int32
}

// end is the slot after the last that the row sees.
func (v View) end() int {
	if n := len(v.Extra); n > 0 {
		return int(v.Extra[n-1]) + 1
	}
	return v.Leading
}

// tileRows is how many rows are attended to at a time.
const tileRows = 24

// Attention computes softmax(q·k) v over a cache. It serves one goroutine.
type Attention struct {
	Kernels *kernel.Set
	Heads   int // of queries; a multiple of the cache's heads
	scores  []float32
	columns []int // where each segment's scores begin
	sums    [tileRows]float32
}

// Do computes, for each of the rows of one sequence, out = [Heads][HeadSize].
// Queries are [Heads][HeadSize] too, scaled already. Rows lie queryStride and
// outStride numbers apart. The last slots of views do not descend.
func (a *Attention) Do(layer int, c *Cache, views []View, queries []float32, queryStride int, out []float32, outStride int) {
	size := c.pool.Shape.HeadSize
	group := a.Heads / c.pool.Shape.Heads
	if len(views) == 1 {
		// The heads of a group share keys: they are the rows.
		for h := range c.pool.Shape.Heads {
			at := h * group * size
			for g := 0; g < group; g += tileRows {
				n := min(tileRows, group-g)
				a.tile(layer, h, c, views, n, queries[at+g*size:], size, out[at+g*size:], size)
			}
		}
		return
	}
	for i := 0; i < len(views); i += tileRows {
		n := min(tileRows, len(views)-i)
		for h := range a.Heads {
			a.tile(layer, h/group, c, views[i:i+n], n, queries[i*queryStride+h*size:], queryStride, out[i*outStride+h*size:], outStride)
		}
	}
}

// tile does n rows of one head; a single view stands for all of them.
func (a *Attention) tile(layer, head int, c *Cache, views []View, n int, q []float32, queryStride int, out []float32, outStride int) {
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
	if need := n * width; len(a.scores) < need {
		a.scores = make([]float32, need+need/2)
	}
	for i, column := range a.columns {
		s := &c.segments[i]
		keys, _ := s.block.head(shape, layer, head)
		panels := kernel.Pad(min(s.n, end-s.start)) / kernel.Width
		a.Kernels.Panels(n, shape.HeadSize, q, queryStride, keys, shape.HeadSize*kernel.Width, panels, a.scores[column:], width, false)
	}
	for i := range n {
		view := views[min(i, len(views)-1)]
		a.sums[i] = a.softmax(c, view, end, a.scores[i*width:(i+1)*width])
	}
	for i, column := range a.columns {
		s := &c.segments[i]
		_, values := s.block.head(shape, layer, head)
		a.Kernels.Panels(n, min(s.n, end-s.start), a.scores[column:], width, values, BlockTokens*kernel.Width, shape.HeadSize/kernel.Width, out, outStride, i > 0)
	}
	for i := range n {
		scale := 1 / a.sums[i]
		row := out[i*outStride:][:shape.HeadSize]
		for j := range row {
			row[j] *= scale
		}
	}
}

// softmax replaces one row's scores by e^(score - greatest), and by zero in
// the slots below end that the row does not see, and gives their sum. It adds
// in the order of slots.
func (a *Attention) softmax(c *Cache, view View, end int, scores []float32) float32 {
	greatest := scores[a.column(c, view.end()-1)]
	for i, column := range a.columns {
		s := &c.segments[i]
		for _, x := range scores[column : column+max(0, min(s.n, view.Leading-s.start))] {
			greatest = max(greatest, x)
		}
	}
	for _, slot := range view.Extra {
		greatest = max(greatest, scores[a.column(c, int(slot))])
	}
	a.Kernels.Exp(scores, scores, greatest)

	var sum float32
	extra := view.Extra
	for i, column := range a.columns {
		s := &c.segments[i]
		seen := max(0, min(s.n, view.Leading-s.start))
		for _, x := range scores[column : column+seen] {
			sum += x
		}
		for n := seen; n < min(s.n, end-s.start); n++ {
			if len(extra) > 0 && int(extra[0]) == s.start+n {
				sum += scores[column+n]
				extra = extra[1:]
			} else {
				scores[column+n] = 0
			}
		}
	}
	return sum
}

// column says where a slot's score stands.
func (a *Attention) column(c *Cache, slot int) int {
	for i := len(a.columns) - 1; ; i-- {
		if s := &c.segments[i]; slot >= s.start {
			return a.columns[i] + slot - s.start
		}
	}
}
