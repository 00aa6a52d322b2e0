package model

import (
	"fmt"
	"sync"

	"github.com/firesteel/firesteel/llm/local/kernel"
	"github.com/firesteel/firesteel/llm/weights/gguf"
)

// loader collects the weights of a network, and then reads them all.
type loader struct {
	file   *gguf.File
	used   map[string]bool
	jobs   []packing
	floats int // memory the packed matrices take
	places []place
	err    error // the first one; later calls do nothing
}

// packing is a tensor that becomes rows of a matrix.
type packing struct {
	tensor *gguf.Tensor
	matrix *kernel.Matrix
	row    int // of the matrix, where the tensor begins; a multiple of 16
}

// place is where a matrix lies in the memory that is yet to be had.
type place struct {
	matrix *kernel.Matrix
	at     int
}

func newLoader(f *gguf.File) *loader { return &loader{file: f, used: map[string]bool{}} }

func (l *loader) has(name string) bool {
	_, ok := l.file.Tensor(name)
	return ok
}

// tensor finds a tensor and checks its shape: k inputs and, for a matrix, n
// outputs; n of 0 is a vector.
func (l *loader) tensor(name string, k, n int) *gguf.Tensor {
	if l.err != nil {
		return nil
	}
	t, ok := l.file.Tensor(name)
	if !ok {
		l.err = fmt.Errorf("%w: %s: the tensor %q is missing", gguf.ErrFormat, l.file.Path, name)
		return nil
	}
	l.used[name] = true
	want := []int{k}
	if n > 0 {
		want = append(want, n)
	}
	if fmt.Sprint(t.Shape) != fmt.Sprint(want) {
		l.err = t.Errorf("its shape is %v, but the metadata say %v", t.Shape, want)
		return nil
	}
	return t
}

// vector reads a small tensor of k numbers at once.
func (l *loader) vector(name string, k int) []float32 {
	t := l.tensor(name, k, 0)
	if t == nil {
		return nil
	}
	v := make([]float32, k)
	l.err = t.Dequantize(v, 0, 1)
	return v
}

// output is a named tensor of n outputs.
type output struct {
	name string
	n    int
}

// matrix plans one matrix of k inputs and the outputs of all the tensors, one
// after the other; all but the last have a multiple of 16.
func (l *loader) matrix(k int, outputs ...output) *kernel.Matrix {
	m := &kernel.Matrix{K: k}
	for _, o := range outputs {
		l.jobs = append(l.jobs, packing{l.tensor(o.name, k, o.n), m, m.N})
		m.N += o.n
	}
	l.places = append(l.places, place{m, l.floats})
	l.floats += kernel.Size(m.N, k)
	return m
}

// read reads all planned matrices into memory that free releases.
func (l *loader) read(threads int) (free func() error, err error) {
	if l.err != nil {
		return nil, l.err
	}
	for _, t := range l.file.Tensors {
		if !l.used[t.Name] {
			return nil, t.Errorf("it is no part of this architecture as it is supported")
		}
	}
	memory, free, err := allocate(l.floats)
	if err != nil {
		return nil, fmt.Errorf("%s: %d MiB for its weights: %w", l.file.Path, l.floats>>18, err)
	}
	for _, p := range l.places {
		*p.matrix = *kernel.NewMatrix(p.matrix.N, p.matrix.K, memory[p.at:])
	}
	queue := make(chan packing)
	errs := make([]error, threads)
	var workers sync.WaitGroup
	for w := range threads {
		workers.Go(func() {
			for job := range queue {
				if errs[w] == nil {
					errs[w] = job.run()
				}
			}
		})
	}
	for _, job := range l.jobs {
		queue <- job
	}
	close(queue)
	workers.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, joinFree(err, free)
		}
	}
	return free, nil
}

func joinFree(err error, free func() error) error {
	if e := free(); e != nil {
		return fmt.Errorf("%w; and releasing its memory: %w", err, e)
	}
	return err
}

func (p packing) run() error {
	n := p.tensor.Rows()
	rows := make([]float32, kernel.Width*p.matrix.K)
	for r := 0; r < n; r += kernel.Width {
		count := min(kernel.Width, n-r)
		if err := p.tensor.Dequantize(rows[:count*p.matrix.K], r, count); err != nil {
			return err
		}
		p.matrix.SetPanel((p.row+r)/kernel.Width, rows[:count*p.matrix.K])
	}
	return nil
}
