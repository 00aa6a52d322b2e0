package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/internal/engine/offheap"
	"github.com/firesteel/firesteel/internal/memlimit"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/llm"
)

// loader collects the weights of a network, and then reads them all: each
// tensor goes from the file into its place, a few rows at a time.
type loader struct {
	source    *Source
	precision llm.Precision
	kernels   *kernel.Set
	used      map[string]bool
	unneeded  []string // prefixes of names that are not needed
	jobs      []packing
	bytes     int // memory the packed matrices take
	places    []place
	ends      []func() // done when all is read
	err       error    // the first one; later calls do nothing
}

// packing is rows of a tensor that become outputs of a matrix or, if it is
// turned, inputs.
type packing struct {
	tensor     tensor
	first, end int // rows
	linear     *nn.Linear
	at         int // output of the matrix where they begin; a multiple of 16
	turned     bool
}

// place is where a matrix lies in the memory that is yet to be had.
type place struct {
	linear    *nn.Linear
	precision llm.Precision
	at        int
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

// same says that tensors, where the files have them, are to be another one once
// more: n rows of k numbers, of which some are compared.
func (l *loader) same(name string, k, n int, others ...string) {
	for _, other := range others {
		if !l.has(other) {
			continue
		}
		a, b := l.tensor(name, k, n), l.tensor(other, k, n)
		if l.err != nil {
			return
		}
		x, y := make([]float32, k), make([]float32, k)
		for row := 0; row < n && l.err == nil; row += max(1, n/64) {
			if l.err = errors.Join(a.read(x, row, 1), b.read(y, row, 1)); l.err == nil && !slices.Equal(x, y) {
				l.err = b.errorf("its row %d differs from that of %q; embeddings of its own are not supported here", row, name)
			}
		}
	}
}

// ignore says that tensors are not needed.
func (l *loader) ignore(names ...string) {
	for _, name := range names {
		l.used[name] = true
	}
}

// ignorePrefix says that tensors whose names begin so are not needed.
func (l *loader) ignorePrefix(prefixes ...string) { l.unneeded = append(l.unneeded, prefixes...) }

// needed tells whether a tensor is one that a network has to read. Older files
// hold the frequencies of rotary positions, which follow from the settings.
func (l *loader) needed(name string) bool {
	if name == inverseFrequencies || strings.HasSuffix(name, "."+inverseFrequencies) {
		return false
	}
	return !slices.ContainsFunc(l.unneeded, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

const inverseFrequencies = "rotary_emb.inv_freq"

// rowsMapped is how many rows are read from the file before their pages are
// given back: a vocabulary's would come to be a great part of all memory, as
// the system maps a page's neighbours with it.
const rowsMapped = 128

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
	return l.matrixIn(l.precision, k, outputs...)
}

func (l *loader) matrixIn(precision llm.Precision, k int, outputs ...output) *nn.Linear {
	m := &nn.Linear{K: k}
	for _, o := range outputs {
		l.jobs = append(l.jobs, packing{tensor: l.tensor(o.name, k, o.n), end: o.n, linear: m, at: m.N})
		m.N += o.n
	}
	l.place(m, precision)
	return m
}

// head plans the weights that a network ends with.
func (l *loader) head(h *head, k int, o output) {
	h.output = l.matrix(k, o)
	if l.precision == llm.Int8 {
		return
	}
	h.shortlist = &shortlist{output: h.output, eight: l.matrixIn(llm.Int8, k, o)}
	l.ends = append(l.ends, h.shortlist.measure)
}

// heads plans a matrix for each head of a tensor of k inputs, whose outputs are
// size numbers a head. Turned ones have those for inputs, and k outputs.
func (l *loader) heads(name string, k, heads, size int, turned bool) nn.Heads {
	t := l.tensor(name, k, heads*size)
	all := make(nn.Heads, heads)
	for h := range all {
		all[h] = &nn.Linear{K: k, N: size}
		if turned {
			all[h] = &nn.Linear{K: size, N: k}
		}
		l.jobs = append(l.jobs, packing{tensor: t, first: h * size, end: (h + 1) * size, linear: all[h], turned: turned})
		l.place(all[h], l.precision)
	}
	return all
}

// place plans the memory of a matrix.
func (l *loader) place(m *nn.Linear, precision llm.Precision) {
	l.places = append(l.places, place{m, precision, l.bytes})
	size := 4 * kernel.Size(m.N, m.K)
	if precision == llm.Int8 {
		size = kernel.Size8(m.N, m.K)
	}
	l.bytes += (size + rowAlignment - 1) / rowAlignment * rowAlignment
}

// held is the memory of a network's matrices.
type held struct {
	bytes int
	free  func() error
}

func (h held) Bytes() int   { return h.bytes }
func (h held) Close() error { return h.free() }

// besides is what an engine takes that does not grow with its weights.
const besides = 32 << 20

// read reads all planned matrices. It stops with the error of ctx.
func (l *loader) read(ctx context.Context, threads int) (_ held, err error) {
	if l.err != nil {
		return held{}, l.err
	}
	for _, name := range l.source.names() {
		if !l.used[name] && l.needed(name) {
			t, _ := l.source.tensor(name)
			return held{}, t.errorf("it is no part of this architecture as it is supported")
		}
	}
	// Caches and buffers come to as much as a part of the weights, and more.
	if err := memlimit.Check(l.source.Path+" with its caches", int64(l.bytes)+int64(l.bytes)/8+besides); err != nil {
		return held{}, err
	}
	data, free, err := offheap.Allocate(l.bytes)
	if err != nil {
		return held{}, fmt.Errorf("%s: %d MiB for its weights: %w", l.source.Path, l.bytes>>20, err)
	}
	read := false
	defer func() {
		if e := error(nil); !read {
			if e = free(); e != nil {
				err = fmt.Errorf("%w; and releasing its memory: %w", err, e)
			}
		}
	}()
	for _, p := range l.places {
		n, k := p.linear.N, p.linear.K
		if p.precision == llm.Int8 {
			p.linear.Int8 = kernel.NewMatrix8(n, k, unsafe.Slice((*int8)(unsafe.Pointer(&data[p.at])), kernel.Size8(n, k)))
		} else {
			p.linear.Float32 = kernel.NewMatrix(n, k, offheap.Floats(data[p.at:])[:kernel.Size(n, k)])
		}
	}
	queue := make(chan packing, len(l.jobs)) // of which none waits for a worker that has panicked
	errs := make([]error, threads)
	var workers sync.WaitGroup
	for w := range threads {
		workers.Go(func() {
			defer panics.Catch(&errs[w], "reading the weights of "+l.source.Path)
			defer panics.OnFault()()
			for job := range queue {
				if errs[w] == nil {
					errs[w] = ctx.Err()
				}
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
			return held{}, err
		}
	}
	for _, end := range l.ends {
		end()
	}
	read = true
	return held{l.bytes, free}, nil
}

func (p packing) run(kernels *kernel.Set) error {
	defer p.tensor.forget()
	if p.turned {
		return p.runTurned(kernels)
	}
	rows := make([]float32, kernel.Width*p.linear.K)
	for r := p.first; r < p.end; r += kernel.Width {
		count := min(kernel.Width, p.end-r)
		some := rows[:count*p.linear.K]
		if err := p.tensor.read(some, r, count); err != nil {
			return err
		}
		p.set(kernels, p.at+r-p.first, some)
	}
	return nil
}

func (p packing) runTurned(kernels *kernel.Set) error {
	k, n := p.linear.K, p.linear.N
	all := make([]float32, k*n)
	if err := p.tensor.read(all, p.first, k); err != nil {
		return err
	}
	rows := make([]float32, kernel.Width*k)
	for first := 0; first < n; first += kernel.Width {
		some := rows[:min(kernel.Width, n-first)*k]
		for i := range some {
			some[i] = all[i%k*n+first+i/k]
		}
		p.set(kernels, p.at+first, some)
	}
	return nil
}

// set packs up to 16 outputs' weights from the given output on.
func (p packing) set(kernels *kernel.Set, output int, rows []float32) {
	if p.linear.Int8 != nil {
		p.linear.Int8.SetPanel(kernels, output/kernel.Width, rows)
	} else {
		p.linear.Float32.SetPanel(output/kernel.Width, rows)
	}
}
