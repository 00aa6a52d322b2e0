package model

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/local/kernel"
	"github.com/firesteel/firesteel/llm/local/memory"
	"github.com/firesteel/firesteel/llm/local/nn"
)

// loader collects the weights of a network, and then reads them all: each
// tensor goes from the file into its place, a few rows at a time.
type loader struct {
	source    *Source
	precision llm.Precision
	kernels   *kernel.Set
	used      map[string]bool
	jobs      []packing
	bytes     int // memory the packed matrices take
	places    []place
	err       error // the first one; later calls do nothing
}

// packing is a tensor that becomes outputs of a matrix.
type packing struct {
	tensor tensor
	linear *nn.Linear
	first  int // output of the matrix where the tensor begins; a multiple of 16
}

// place is where a matrix lies in the memory that is yet to be had.
type place struct {
	linear *nn.Linear
	at     int
}

// rowAlignment is that of matrices in memory, in bytes: a line of the cache.
const rowAlignment = 64

func newLoader(s *Source, p llm.Precision, kernels *kernel.Set) *loader {
	return &loader{source: s, precision: p, kernels: kernels, used: map[string]bool{}}
}

func (l *loader) has(name string) bool {
	_, ok := l.source.tensor(name)
	return ok
}

// tensor finds a tensor and checks its shape: n outputs and k inputs, or, with
// n of 0, k numbers.
func (l *loader) tensor(name string, k, n int) tensor {
	if l.err != nil {
		return tensor{}
	}
	t, ok := l.source.tensor(name)
	if !ok {
		l.err = l.source.wrong("the tensor %q is missing", name)
		return tensor{}
	}
	l.used[name] = true
	want := []int{k}
	if n > 0 {
		want = []int{n, k}
	}
	if !slices.Equal(t.shape, want) {
		l.err = t.errorf("its shape, outputs by inputs, is %v, but the model's settings say %v", t.shape, want)
	}
	return t
}

// vector reads a small tensor of k numbers at once, and adds plus to each.
func (l *loader) vector(name string, k int, plus float32) []float32 {
	t := l.tensor(name, k, 0)
	if l.err != nil {
		return nil
	}
	v := make([]float32, k)
	l.err = t.read(v, 0, 1)
	for i := range v {
		v[i] += plus
	}
	return v
}

// table reads a small matrix at once: n rows of k numbers.
func (l *loader) table(name string, k, n int) []float32 {
	t := l.tensor(name, k, n)
	if l.err != nil {
		return nil
	}
	v := make([]float32, n*k)
	l.err = t.read(v, 0, n)
	return v
}

// ignore says that tensors are not needed.
func (l *loader) ignore(names ...string) {
	for _, name := range names {
		l.used[name] = true
	}
}

// rowsMapped is how many rows are read from the file before their pages are
// given back: a vocabulary's would come to be a great part of all memory, as
// the system maps a page's neighbours with it.
const rowsMapped = 512

// embeddings is a matrix of which single rows are read from the file.
func (l *loader) embeddings(name string, k, n int) func(dst []float32, row int32) {
	t := l.tensor(name, k, n)
	if l.err == nil {
		// Later reads do not fail: the tensor's type and extent are checked now.
		l.err = t.read(make([]float32, k), n-1, 1)
	}
	var reads atomic.Int64
	return func(dst []float32, row int32) {
		if reads.Add(1)%rowsMapped == 0 {
			t.forget()
		}
		if err := t.read(dst, int(row), 1); err != nil {
			panic(err)
		}
	}
}

// output is a named tensor of n outputs.
type output struct {
	name string
	n    int
}

// matrix plans one matrix of k inputs and the outputs of all the tensors, one
// after the other; all but the last have a multiple of 16.
func (l *loader) matrix(k int, outputs ...output) *nn.Linear {
	m := &nn.Linear{K: k}
	for _, o := range outputs {
		l.jobs = append(l.jobs, packing{l.tensor(o.name, k, o.n), m, m.N})
		m.N += o.n
	}
	l.places = append(l.places, place{m, l.bytes})
	size := 4 * kernel.Size(m.N, k)
	if l.precision == llm.Int8 {
		size = kernel.Size8(m.N, k)
	}
	l.bytes += (size + rowAlignment - 1) / rowAlignment * rowAlignment
	return m
}

// held is the memory of a network's matrices.
type held struct {
	bytes int
	free  func() error
}

func (h held) Bytes() int   { return h.bytes }
func (h held) Close() error { return h.free() }

// read reads all planned matrices.
func (l *loader) read(threads int) (held, error) {
	if l.err != nil {
		return held{}, l.err
	}
	for _, name := range l.source.names() {
		if !l.used[name] {
			t, _ := l.source.tensor(name)
			return held{}, t.errorf("it is no part of this architecture as it is supported")
		}
	}
	data, free, err := memory.Allocate(l.bytes)
	if err != nil {
		return held{}, fmt.Errorf("%s: %d MiB for its weights: %w", l.source.Path, l.bytes>>20, err)
	}
	for _, p := range l.places {
		n, k := p.linear.N, p.linear.K
		if l.precision == llm.Int8 {
			p.linear.Eight = kernel.NewMatrix8(n, k, unsafe.Slice((*int8)(unsafe.Pointer(&data[p.at])), kernel.Size8(n, k)))
		} else {
			p.linear.Plain = kernel.NewMatrix(n, k, memory.Floats(data[p.at:])[:kernel.Size(n, k)])
		}
	}
	queue := make(chan packing)
	errs := make([]error, threads)
	var workers sync.WaitGroup
	for w := range threads {
		workers.Go(func() {
			for job := range queue {
				if errs[w] == nil {
					errs[w] = job.run(l.kernels)
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
			return held{}, joinFree(err, free)
		}
	}
	return held{l.bytes, free}, nil
}

func joinFree(err error, free func() error) error {
	if e := free(); e != nil {
		return fmt.Errorf("%w; and releasing its memory: %w", err, e)
	}
	return err
}

func (p packing) run(kernels *kernel.Set) error {
	defer p.tensor.forget()
	n, k := p.tensor.shape[0], p.linear.K
	rows := make([]float32, kernel.Width*k)
	for r := 0; r < n; r += kernel.Width {
		count := min(kernel.Width, n-r)
		if err := p.tensor.read(rows[:count*k], r, count); err != nil {
			return err
		}
		panel := (p.first + r) / kernel.Width
		if p.linear.Eight != nil {
			p.linear.Eight.SetPanel(kernels, panel, rows[:count*k])
		} else {
			p.linear.Plain.SetPanel(panel, rows[:count*k])
		}
	}
	return nil
}
