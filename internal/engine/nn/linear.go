package nn

import "github.com/firesteel/firesteel/internal/engine/kernel"

// Linear is the weights from K inputs to N outputs, in 32 bits or, if Eight is
// there, in 8.
type Linear struct {
	K, N  int
	Plain *kernel.Matrix
	Eight *kernel.Matrix8
}

// Scratch is what products need besides their operands. It serves one
// goroutine.
type Scratch struct {
	Team   *Team   // who helps; nil for nobody
	rows   []uint8 // in 8 bits
	scales []float32
}

// parts is what a product is split into for a team: several for each core, as
// a core may be busy otherwise.
const parts = 16

// Mul computes C[m][Pad(N)] (+)= A[m][K] * W. Rows of A and C lie lda and ldc
// numbers apart; ldc is at least Pad(N).
func (l *Linear) Mul(kernels *kernel.Set, s *Scratch, m int, a []float32, lda int, c []float32, ldc int, add bool) {
	if l.Eight != nil {
		s.reserve(m, l.K)
		kernels.Quantize(m, l.K, a, lda, s.rows, s.scales)
	}
	if !s.Team.isOpen() {
		l.outputs(kernels, s, m, a, lda, c, ldc, add, 0, l.N)
		return
	}
	s.Team.split(parts, func(part int) {
		// A kernel for one row does four panels at a time.
		const unit = 4 * kernel.Width
		units := (l.N + unit - 1) / unit
		first, last := part*units/parts*unit, (part+1)*units/parts*unit
		l.outputs(kernels, s, m, a, lda, c, ldc, add, first, min(last, l.N))
	})
}

// reserve makes room for m rows of k inputs in 8 bits.
func (s *Scratch) reserve(m, k int) {
	if n := m * kernel.PadK(k); len(s.rows) < n {
		s.rows = make([]uint8, n)
	}
	if n := m * kernel.Groups(k); len(s.scales) < n {
		s.scales = make([]float32, n)
	}
}

// outputs computes those from first, a multiple of kernel.Width, to before
// last.
func (l *Linear) outputs(kernels *kernel.Set, s *Scratch, m int, a []float32, lda int, c []float32, ldc int, add bool, first, last int) {
	switch {
	case first >= last:
	case l.Eight != nil:
		w := l.Eight.Outputs(first, last)
		kernels.Mul8(m, s.rows, s.scales, &w, c[first:], ldc, add)
	default:
		w := l.Plain.Outputs(first, last)
		kernels.Mul(m, a, lda, &w, c[first:], ldc, add)
	}
}

// Heads is a product for each head: its own inputs by its own weights. All are
// of one size.
type Heads []*Linear

// Mul computes C[m][Pad(N)] = A[m][K] * W for each head, whose parts of A and C
// begin nextA and nextC numbers after those of the head before it. Rows of A
// and C lie lda and ldc numbers apart.
func (h Heads) Mul(kernels *kernel.Set, s *Scratch, m int, a []float32, lda, nextA int, c []float32, ldc, nextC int) {
	k := h[0].K
	rows, scales := m*kernel.PadK(k), m*kernel.Groups(k)
	if h[0].Eight != nil {
		s.reserve(m*len(h), k)
	}
	head := func(n int) {
		a, c := a[n*nextA:], c[n*nextC:]
		if h[n].Eight == nil {
			kernels.Mul(m, a, lda, h[n].Plain, c, ldc, false)
			return
		}
		rows, scales := s.rows[n*rows:], s.scales[n*scales:]
		kernels.Quantize(m, k, a, lda, rows, scales)
		kernels.Mul8(m, rows, scales, h[n].Eight, c, ldc, false)
	}
	if s.Team.isOpen() {
		s.Team.split(len(h), head)
		return
	}
	for n := range h {
		head(n)
	}
}
