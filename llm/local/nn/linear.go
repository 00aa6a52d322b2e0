package nn

import "github.com/firesteel/firesteel/llm/local/kernel"

// Linear is the weights from K inputs to N outputs, in 32 bits or, if Eight is
// there, in 8.
type Linear struct {
	K, N  int
	Plain *kernel.Matrix
	Eight *kernel.Matrix8
}

// Scratch is memory for rows in 8 bits. It serves one goroutine.
type Scratch struct {
	rows   []uint8
	scales []float32
}

// Mul computes C[m][Pad(N)] (+)= A[m][K] * W. Rows of A and C lie lda and ldc
// numbers apart; ldc is at least Pad(N).
func (l *Linear) Mul(kernels *kernel.Set, s *Scratch, m int, a []float32, lda int, c []float32, ldc int, add bool) {
	if l.Eight == nil {
		kernels.Mul(m, a, lda, l.Plain, c, ldc, add)
		return
	}
	if n := m * kernel.PadK(l.K); len(s.rows) < n {
		s.rows = make([]uint8, n)
	}
	if n := m * kernel.Groups(l.K); len(s.scales) < n {
		s.scales = make([]float32, n)
	}
	kernels.Quantize(m, l.K, a, lda, s.rows, s.scales)
	kernels.Mul8(m, s.rows, s.scales, l.Eight, c, ldc, add)
}
