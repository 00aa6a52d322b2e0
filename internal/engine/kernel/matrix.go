package kernel

// Matrix is a packed weight matrix from K inputs to N outputs. Panel p holds the weights of outputs
// 16p to 16p+15 as [K][16]. Outputs beyond N are zero.
type Matrix struct {
	N, K int
	// Panels is [Pad(N)/16][K][16].
	Panels []float32
}

// Size returns the number of numbers in a packed matrix of n outputs and k inputs.
func Size(n, k int) int { return Pad(n) * k }

// NewMatrix returns a matrix of zeros. It keeps storage, which must hold at least Size(n, k) zeros.
// SetPanel sets the weights.
func NewMatrix(n, k int, storage []float32) *Matrix {
	return &Matrix{N: n, K: k, Panels: storage[:Size(n, k)]}
}

// SetPanel packs up to 16 rows of K weights as panel p.
func (w *Matrix) SetPanel(p int, rows []float32) {
	panel := w.Panels[p*w.K*Width : (p+1)*w.K*Width]
	for j := 0; j*w.K < len(rows); j++ {
		for i, v := range rows[j*w.K : (j+1)*w.K] {
			panel[i*Width+j] = v
		}
	}
}

// Outputs returns the matrix of the outputs first to last-1. first must be a multiple of Width.
func (w *Matrix) Outputs(first, last int) Matrix {
	return Matrix{last - first, w.K, w.Panels[first*w.K : Pad(last)*w.K]}
}

// Row writes the weights of output n, K numbers, to dst.
func (w *Matrix) Row(n int, dst []float32) {
	panel := w.Panels[n/Width*w.K*Width+n%Width:]
	for i := range dst {
		dst[i] = panel[i*Width]
	}
}

// Block sizes that keep the block of a panel in the first-level cache and the block of A in the
// second-level cache.
const (
	blockK    = 320
	blockRows = 192
	// With at most fewRows rows a panel is read once and the sums stay in registers.
	fewRows = 24
)

// Mul computes C[m][Pad(N)] (+)= A[m][K] * W. The strides of the rows of A and C are lda and ldc,
// and ldc is at least Pad(N).
func (s *Set) Mul(m int, a []float32, lda int, w *Matrix, c []float32, ldc int, add bool) {
	panels := Pad(w.N) / Width
	stride := w.K * Width
	if m <= fewRows {
		s.Panels(m, w.K, a, lda, w.Panels, stride, panels, c, ldc, add)
		return
	}
	blocks := (w.K + blockK - 1) / blockK
	depth := (w.K + blocks - 1) / blocks // blocks of nearly equal size
	for i := 0; i < m; i += blockRows {
		rows := min(m-i, blockRows)
		for k := 0; k < w.K; k += depth {
			s.Panels(rows, min(w.K-k, depth), a[i*lda+k:], lda, w.Panels[k*Width:], stride, panels, c[i*ldc:], ldc, add || k > 0)
		}
	}
}
