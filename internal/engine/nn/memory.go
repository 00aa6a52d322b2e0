package nn

import (
	"math"

	"github.com/firesteel/firesteel/internal/engine/kernel"
)

// Memory is what an encoder has made of one text, n tokens of size numbers
// each, for a decoder to attend to in every layer. It holds one copy, as
// [size/16][rows][16], which serves as keys and as values of all layers and
// heads: see Attention.Recall.
type Memory struct {
	tokens int
	piece
	pool *Pool
}

// memoryRows is what n tokens are rounded up to: an even number, as
// kernel.Dots takes them, and not a multiple of four, so that a token's numbers
// do not push each other out of the first-level cache.
func memoryRows(n int) int { return (n+1)/4*4 + 2 }

// MemoryBytes is what the memory of n tokens takes.
func MemoryBytes(size, n int) int64 { return 4 * int64(size) * int64(memoryRows(n)) }

// NewMemory keeps n rows of size numbers, stride apart, in a pool.
func NewMemory(pool *Pool, size, n int, x []float32, stride int) *Memory {
	rows := memoryRows(n)
	m := &Memory{n, pool.room(size * rows), pool}
	for i := range n {
		row := x[i*stride : i*stride+size]
		for j := 0; j < size; j += kernel.Width {
			*(*[kernel.Width]float32)(m.data[j*rows+i*kernel.Width:]) = [kernel.Width]float32(row[j:])
		}
	}
	return m
}

// Len is the number of tokens.
func (m *Memory) Len() int { return m.tokens }

// Release gives the memory back to its pool.
func (m *Memory) Release() { m.pool.put(m.piece) }

// Recall attends to a memory with one query a head, [Heads][size], heads stride
// numbers apart, and puts the sums in their place. Keys are the memory itself:
// the weights that would make a head's keys of it are to be in its query, as
// those that make values of it are for the sum,
//
//	q · (K m) = (Kᵀ q) · m, and Σ p (V m) = V (Σ p m),
//
// which takes fewer multiplications where there are more tokens to read than to
// write, and a fraction of the memory (DeepSeek-AI 2024, "DeepSeek-V2", section
// 2.1.2, has this for a compressed cache).
func (a *Attention) Recall(m *Memory, queries []float32, stride int) {
	n, size := m.tokens, len(m.data)/memoryRows(m.tokens)
	width, panel := kernel.Pad(n), memoryRows(n)*kernel.Width
	a.reserve(a.Heads * width)
	a.Kernels.Dots(a.Heads, n, size, queries, stride, m.data, panel, a.scores, width)
	for h := 0; h < a.Heads; h += tileRows {
		heads := min(tileRows, a.Heads-h)
		for i := range heads {
			scores := a.scores[(h+i)*width : (h+i+1)*width]
			fill(scores[n:], float32(math.Inf(-1)))
			a.Kernels.Exp(scores, scores, a.Kernels.Max(scores))
			fill(scores[n:], 0)
		}
		a.sum(heads, a.scores[h*width:], width)
		for i := range heads {
			scale := 1 / a.sums[i]
			scores := a.scores[(h+i)*width:][:n]
			for j := range scores {
				scores[j] *= scale
			}
		}
	}
	a.Kernels.Panels(a.Heads, n, a.scores, width, m.data, panel, size/kernel.Width, queries, stride, false)
}

func fill(x []float32, value float32) {
	for i := range x {
		x[i] = value
	}
}
