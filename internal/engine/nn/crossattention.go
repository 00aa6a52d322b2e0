package nn

import (
	"math"

	"github.com/firesteel/firesteel/internal/engine/kernel"
)

// EncoderOutput is the output of an encoder for one text: n tokens of size numbers, to which a
// decoder attends in every layer. One copy, [size/16][rows][16], serves as the keys and the values
// of all layers and heads; see Attention.CrossAttend.
type EncoderOutput struct {
	tokens int
	piece
	pool *Pool
}

// encoderRows rounds n tokens up to an even number, as kernel.Dots requires, that is not a multiple
// of four, so that the numbers of a token do not evict each other from the first-level cache.
func encoderRows(n int) int { return (n+1)/4*4 + 2 }

// EncoderOutputBytes returns the memory in bytes of the output for n tokens.
func EncoderOutputBytes(size, n int) int64 { return 4 * int64(size) * int64(encoderRows(n)) }

// NewEncoderOutput copies n rows of size numbers with the given stride to memory of a pool.
func NewEncoderOutput(pool *Pool, size, n int, x []float32, stride int) *EncoderOutput {
	rows := encoderRows(n)
	m := &EncoderOutput{n, pool.takeAtEnd(size * rows), pool}
	for i := range n {
		row := x[i*stride : i*stride+size]
		for j := 0; j < size; j += kernel.Width {
			*(*[kernel.Width]float32)(m.data[j*rows+i*kernel.Width:]) = [kernel.Width]float32(row[j:])
		}
	}
	return m
}

// Len returns the number of tokens.
func (m *EncoderOutput) Len() int { return m.tokens }

// Release returns the memory to its pool.
func (m *EncoderOutput) Release() { m.pool.put(m.piece) }

// CrossAttend attends to encoder output with one query for each head, [Heads][size] with the given
// stride, and replaces the queries by the results. The encoder output itself serves as keys and
// values. The caller must apply the key weights of a head to its query, and the value weights to
// its result:
//
//	q · (K m) = (Kᵀ q) · m, and Σ p (V m) = V (Σ p m)
//
// This takes fewer multiplications if more tokens are read than written, and a fraction of the
// memory (DeepSeek-AI 2024, "DeepSeek-V2", section 2.1.2, uses it for a compressed cache).
func (a *Attention) CrossAttend(m *EncoderOutput, queries []float32, stride int) {
	n, size := m.tokens, len(m.data)/encoderRows(m.tokens)
	width, panel := kernel.Pad(n), encoderRows(n)*kernel.Width
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
