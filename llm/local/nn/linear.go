package nn

import "github.com/firesteel/firesteel/llm/local/kernel"

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
		if n := m * kernel.PadK(l.K); len(s.rows) < n {
			s.rows = make([]uint8, n)
		}
		if n := m * kernel.Groups(l.K); len(s.scales) < n {
			s.scales = make([]float32, n)
		}
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
