package nn

import (
	"github.com/firesteel/firesteel/internal/engine/kernel"
)

// SelfAttention computes softmax(q·k) v among the tokens of one text, in both directions. It has no
// cache. It must be used by one goroutine at a time.
type SelfAttention struct {
	Kernels         *kernel.Set
	Heads, HeadSize int // HeadSize is a multiple of 16

	keys, values, scores []float32
}

// Do computes out = [Heads][HeadSize] for each of n tokens. Each row of qkv is the queries, keys and
// values of a token, [3][Heads][HeadSize]; the queries are already scaled. qkvStride and outStride
// are the strides of the rows. If bias is not nil it is added to the scores. If window is not 0, a
// token attends only to tokens at most window before or after it.
func (a *SelfAttention) Do(n int, qkv []float32, qkvStride int, out []float32, outStride int, bias *Bias, window int) {
	size := a.HeadSize
	width := kernel.Pad(n)
	a.keys = grown(a.keys, width*size)
	a.values = grown(a.values, n*size)
	a.scores = grown(a.scores, tileRows*width)
	for h := range a.Heads {
		at := h * size
		a.pack(n, qkv[(a.Heads*size)+at:], qkv[2*a.Heads*size+at:], qkvStride)
		for i := 0; i < n; i += tileRows {
			rows := min(tileRows, n-i)
			// The keys that the rows can attend to, from a whole panel on.
			first, end := 0, n
			if window > 0 {
				first, end = max(0, i-window)/kernel.Width*kernel.Width, min(n, i+rows+window)
			}
			a.tile(i, rows, first, end, n, qkv[i*qkvStride+at:], qkvStride, out[i*outStride+at:], outStride, bias.head(h), window)
		}
	}
}

// pack copies the keys of a head to panels of 16 tokens, [Pad(n)/16][size][16], and the values to
// panels of 16 numbers, [size/16][n][16].
func (a *SelfAttention) pack(n int, keys, values []float32, stride int) {
	size := a.HeadSize
	for i := 0; i < n; i += kernel.Width {
		rows := min(kernel.Width, n-i)
		panel := a.keys[i*size : (i+kernel.Width)*size]
		if rows < kernel.Width {
			clear(panel)
		}
		a.Kernels.Transpose(rows, size, panel, keys[i*stride:], stride)
	}
	for i := range n {
		row := values[i*stride : i*stride+size]
		for j := 0; j < size; j += kernel.Width {
			*(*[kernel.Width]float32)(a.values[j*n+i*kernel.Width:]) = [kernel.Width]float32(row[j:])
		}
	}
}

// tile computes the rows from row i on, with the keys from first to end-1 of n.
func (a *SelfAttention) tile(i, rows, first, end, n int, q []float32, qStride int, out []float32, outStride int, bias biasHead, window int) {
	size := a.HeadSize
	width := kernel.Pad(end - first)
	a.Kernels.Panels(rows, size, q, qStride, a.keys[first*size:], size*kernel.Width, width/kernel.Width, a.scores, width, false)
	if bias.values != nil {
		for r := range rows {
			scores := a.scores[r*width : (r+1)*width]
			for j, v := range bias.values[bias.reach-(i+r)+first:][:end-first] {
				scores[j] += v
			}
		}
	}
	if window == 0 {
		a.Kernels.Softmax(rows, a.scores, width, 0, end-first)
	} else {
		for r := range rows {
			a.Kernels.Softmax(1, a.scores[r*width:], width, max(0, i+r-window-first), min(end, i+r+window+1)-first)
		}
	}
	a.Kernels.Panels(rows, end-first, a.scores, width, a.values[first*kernel.Width:], n*kernel.Width, size/kernel.Width, out, outStride, false)
}

// biasHead is the bias of one head: values by reach plus the distance from query to key.
type biasHead struct {
	values []float32
	reach  int
}

// head returns the bias of a head. A nil Bias has none.
func (b *Bias) head(h int) biasHead {
	if b == nil {
		return biasHead{}
	}
	return biasHead{b.heads[h], b.reach}
}

// grown returns x with at least n numbers. It does not keep the numbers.
func grown(x []float32, n int) []float32 {
	if len(x) < n {
		return make([]float32, n+n/4)
	}
	return x
}
