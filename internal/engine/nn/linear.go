package nn

import "github.com/firesteel/firesteel/internal/engine/kernel"

// Linear is a linear layer from K inputs to N outputs. Its weights are in Parts if there are any,
// otherwise in Int8, or in Float32 if Int8 is nil.
type Linear struct {
	K, N    int
	Float32 *kernel.Matrix
	Int8    *kernel.Matrix8
	Parts   []Part
}

// Part is the weights of consecutive outputs of a Linear, whose layouts may differ. First is a
// multiple of kernel.Width.
type Part struct {
	First  int
	Matrix *kernel.MatrixQ
}

// Scratch is reusable memory for products. It must be used by one goroutine at a time.
type Scratch struct {
	Team   *Team   // helpers; may be nil
	rows   []uint8 // quantized inputs
	scales []float32
	q      kernel.InputsQ
}

// Mul computes C[m][Pad(N)] (+)= A[m][K] * W. The strides of the rows of A and C are lda and ldc,
// and ldc is at least Pad(N).
func (l *Linear) Mul(kernels *kernel.Set, s *Scratch, m int, a []float32, lda int, c []float32, ldc int, add bool) {
	switch {
	case l.Parts != nil:
		s.q.Reserve(m, l.K)
		s.Team.SplitRows(m, 4*l.K, func(first, last int) { s.q.Quantize(kernels, first, last, a[first*lda:], lda) })
	case l.Int8 != nil:
		s.reserve(m, l.K)
		depth, groups := kernel.PadK(l.K), kernel.Groups(l.K)
		s.Team.SplitRows(m, l.K, func(first, last int) {
			kernels.Quantize(last-first, l.K, a[first*lda:], lda, s.rows[first*depth:], s.scales[first*groups:])
		})
	}
	if !s.Team.isOpen() {
		l.outputs(kernels, s, m, a, lda, c, ldc, add, 0, l.N)
		return
	}
	s.Team.split(Parts, func(part int) {
		// The kernel for one row processes four panels at a time.
		const unit = 4 * kernel.Width
		units := (l.N + unit - 1) / unit
		first, last := part*units/Parts*unit, (part+1)*units/Parts*unit
		l.outputs(kernels, s, m, a, lda, c, ldc, add, first, min(last, l.N))
	})
}

// reserve makes s hold m quantized rows of k inputs.
func (s *Scratch) reserve(m, k int) {
	if n := m * kernel.PadK(k); len(s.rows) < n {
		s.rows = make([]uint8, n)
	}
	if n := m * kernel.Groups(k); len(s.scales) < n {
		s.scales = make([]float32, n)
	}
}

// outputs computes the outputs first to last-1. first is a multiple of kernel.Width.
func (l *Linear) outputs(kernels *kernel.Set, s *Scratch, m int, a []float32, lda int, c []float32, ldc int, add bool, first, last int) {
	switch {
	case first >= last:
	case l.Parts != nil:
		for _, p := range l.Parts {
			begin, end := max(first, p.First), min(last, p.First+p.Matrix.N)
			if begin < end {
				w := p.Matrix.Outputs(begin-p.First, end-p.First)
				kernels.MulQ(m, &s.q, &w, c[begin:], ldc, add)
			}
		}
	case l.Int8 != nil:
		w := l.Int8.Outputs(first, last)
		kernels.Mul8(m, s.rows, s.scales, &w, c[first:], ldc, add)
	default:
		w := l.Float32.Outputs(first, last)
		kernels.Mul(m, a, lda, &w, c[first:], ldc, add)
	}
}

// Heads are the linear layers of the heads of an attention layer. All have the same size.
type Heads []*Linear

// Mul computes C[m][Pad(N)] = A[m][K] * W for each head. The parts of A and C of a head begin nextA
// and nextC numbers after those of the previous head. The strides of the rows are lda and ldc.
func (h Heads) Mul(kernels *kernel.Set, s *Scratch, m int, a []float32, lda, nextA int, c []float32, ldc, nextC int) {
	k := h[0].K
	rows, scales := m*kernel.PadK(k), m*kernel.Groups(k)
	if h[0].Int8 != nil {
		s.reserve(m*len(h), k)
	}
	head := func(n int) {
		a, c := a[n*nextA:], c[n*nextC:]
		if h[n].Int8 == nil {
			kernels.Mul(m, a, lda, h[n].Float32, c, ldc, false)
			return
		}
		rows, scales := s.rows[n*rows:], s.scales[n*scales:]
		kernels.Quantize(m, k, a, lda, rows, scales)
		kernels.Mul8(m, rows, scales, h[n].Int8, c, ldc, false)
	}
	if s.Team.isOpen() {
		s.Team.split(len(h), head)
		return
	}
	for n := range h {
		head(n)
	}
}
