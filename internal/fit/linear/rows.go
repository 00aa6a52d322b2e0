// Package linear fits linear models on vectors: logistic regression for one or
// several labels of a row, and ridge regression for a number.
//
// The same rows in the same order give the same bits, with any number of threads
// and any instruction set: sums over rows are made by the kernels of the engine in
// blocks of fixed sizes, and the blocks are added in their order.
package linear

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/panics"
)

// Rows holds vectors, from which their mean is subtracted: that changes no model
// with a bias that is not regularized, and the optimizer needs fewer steps.
type Rows struct {
	N, D    int
	Mean    []float64
	x       []float32 // [N][D]
	t       []float32 // [D][stride]
	stride  int
	kernels *kernel.Set
	threads int
}

// Range is the rows First to Last-1.
type Range struct{ First, Last int }

// NewRows copies vectors of equal length. threads is the number of cores to use; 0
// stands for all.
func NewRows(vectors [][]float32, threads int) (*Rows, error) {
	kernels, err := kernel.Select(os.Getenv("FIRESTEEL_ISA"))
	if err != nil {
		return nil, err
	}
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	r := &Rows{D: len(vectors[0]), kernels: kernels, threads: threads}
	r.Mean = make([]float64, r.D)
	for _, v := range vectors {
		for d, x := range v[:min(len(v), r.D)] {
			r.Mean[d] += float64(x)
		}
	}
	for d := range r.Mean {
		r.Mean[d] /= float64(len(vectors))
	}
	return r, r.copy(vectors)
}

// NewRowsAround copies vectors that a model of other rows is applied to. The mean of
// those is subtracted.
func NewRowsAround(other *Rows, vectors [][]float32) (*Rows, error) {
	r := &Rows{D: other.D, Mean: other.Mean, kernels: other.kernels, threads: other.threads}
	return r, r.copy(vectors)
}

// copy sets the vectors.
func (r *Rows) copy(vectors [][]float32) error {
	r.N = len(vectors)
	r.stride = kernel.Stride(r.N)
	r.x, r.t = make([]float32, r.N*r.D), make([]float32, r.D*r.stride)
	for i, v := range vectors {
		if len(v) != r.D {
			return fmt.Errorf("vector %d has %d numbers, and others have %d", i+1, len(v), r.D)
		}
		for d, x := range v {
			c := float32(float64(x) - r.Mean[d])
			r.x[i*r.D+d], r.t[d*r.stride+i] = c, c
		}
	}
	return nil
}

// each calls do(i) for 0 to n-1 on the cores. Calls must not depend on each other.
func (r *Rows) each(ctx context.Context, n int, do func(i int)) error {
	if r.threads == 1 || n == 1 {
		for i := range n {
			do(i)
		}
		return ctx.Err()
	}
	var next atomic.Int64
	var workers sync.WaitGroup
	errs := make([]error, min(r.threads, n))
	for w := range errs {
		workers.Go(func() {
			defer panics.Catch(&errs[w], "fitting a model")
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	workers.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// pack packs the weights of outputs, [K][D+1] with the bias last, for products.
func (r *Rows) pack(theta []float64, outputs int) *kernel.Matrix {
	w := kernel.NewMatrix(outputs, r.D, make([]float32, kernel.Size(outputs, r.D)))
	panel := make([]float32, kernel.Width*r.D)
	for p := 0; p*kernel.Width < outputs; p++ {
		n := min(kernel.Width, outputs-p*kernel.Width)
		for j := range n {
			from := theta[(p*kernel.Width+j)*(r.D+1):]
			for d := range r.D {
				panel[j*r.D+d] = float32(from[d])
			}
		}
		w.SetPanel(p, panel[:n*r.D])
	}
	return w
}

// scores computes the scores of the rows from first, with the bias, into c. The
// stride of c is Pad(outputs).
func (r *Rows) scores(w *kernel.Matrix, theta []float64, first, rows int, c []float32) {
	width := kernel.Pad(w.N)
	r.kernels.Mul(rows, r.x[first*r.D:], r.D, w, c, width, false)
	for k := range w.N {
		bias := float32(theta[k*(r.D+1)+r.D])
		for i := range rows {
			c[i*width+k] += bias
		}
	}
}

// Scores returns the scores of rows, [rows][outputs], of a model's parameters.
func (r *Rows) Scores(ctx context.Context, theta []float64, outputs int, of Range, dst [][]float32) error {
	w := r.pack(theta, outputs)
	width := kernel.Pad(outputs)
	n := of.Last - of.First
	return r.each(ctx, (n+rowBlock-1)/rowBlock, func(b int) {
		first := of.First + b*rowBlock
		rows := min(rowBlock, of.Last-first)
		c := make([]float32, rows*width)
		r.scores(w, theta, first, rows, c)
		for i := range rows {
			dst[first-of.First+i] = append(dst[first-of.First+i][:0], c[i*width:i*width+outputs]...)
		}
	})
}

// Uncentred returns weights, [K][D], and biases for vectors from which the mean is
// not subtracted.
func (r *Rows) Uncentred(theta []float64, outputs int) (weights, bias []float32) {
	weights, bias = make([]float32, outputs*r.D), make([]float32, outputs)
	for k := range outputs {
		row := theta[k*(r.D+1) : (k+1)*(r.D+1)]
		b := row[r.D]
		for d := range r.D {
			weights[k*r.D+d] = float32(row[d])
			b -= float64(weights[k*r.D+d]) * r.Mean[d]
		}
		bias[k] = float32(b)
	}
	return weights, bias
}
