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

// loader collects the weights of a network and then reads all of them. Each tensor is read from the
// file to its final memory a few rows at a time.
type loader struct {
	source    *Source
	precision llm.Precision
	kernels   *kernel.Set
	used      map[string]bool
	unneeded  map[string]bool
	ignored   []string // prefixes of tensors that are not needed
	jobs      []packing
	bytes     int // memory of the packed matrices
	places    []place
	ends      []func() // called after all weights were read
	err       error    // the first error; later calls do nothing
}

// packing is the task of packing rows of a tensor as outputs of a matrix or, if transposed is set,
// as inputs.
type packing struct {
	tensor     tensor
	first, end int // rows
	linear     *nn.Linear
	at         int // first output of the matrix; a multiple of 16
	transposed bool
	part       *kernel.MatrixQ // for weights as in the file, whose outputs are those of the tensor
}

// place is the offset of a matrix in the memory of the weights, which is allocated later. set makes
// the matrix of this memory.
type place struct {
	at  int
	set func(memory []byte)
}

// rowAlignment is the alignment of matrices in bytes: a cache line.
const rowAlignment = 64

func newLoader(s *Source, p llm.Precision, kernels *kernel.Set) *loader {
	return &loader{source: s, precision: p, kernels: kernels, used: map[string]bool{}, unneeded: map[string]bool{}}
}

func (l *loader) has(name string) bool {
	_, ok := l.source.tensor(name)
	return ok
}

// tensor returns a tensor and checks its shape: n outputs by k inputs or, if n is 0, k numbers.
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
		l.err = t.errorf("the shape, outputs by inputs, is %v, but the settings of the model require %v", t.shape, want)
	}
	return t
}

// vector reads a small tensor of k numbers immediately, and adds plus to each.
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

// table reads a small matrix of n rows of k numbers immediately.
func (l *loader) table(name string, k, n int) []float32 {
	t := l.tensor(name, k, n)
	if l.err != nil {
		return nil
	}
	v := make([]float32, n*k)
	l.err = t.read(v, 0, n)
	return v
}

// checkSame checks that other tensors, if they exist, equal the tensor name of n rows of k numbers.
// It compares some rows.
func (l *loader) checkSame(name string, k, n int, others ...string) {
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
				l.err = b.errorf("row %d differs from that of %q; separate embeddings are not supported", row, name)
			}
		}
	}
}

// ignore marks tensors as not needed.
func (l *loader) ignore(names ...string) {
	for _, name := range names {
		l.unneeded[name] = true
	}
}

// ignorePrefix marks tensors whose names begin with a prefix as not needed.
func (l *loader) ignorePrefix(prefixes ...string) { l.ignored = append(l.ignored, prefixes...) }

// ignoreSuffix marks tensors whose names end with a suffix as not needed.
func (l *loader) ignoreSuffix(suffix string) {
	for _, name := range l.source.names() {
		if strings.HasSuffix(name, suffix) {
			l.ignore(name)
		}
	}
}

// needed reports whether a network must read a tensor. Older files have the frequencies of rotary
// positions, which the settings define.
func (l *loader) needed(name string) bool {
	if l.unneeded[name] || name == inverseFrequencies || strings.HasSuffix(name, "."+inverseFrequencies) {
		return false
	}
	return !slices.ContainsFunc(l.ignored, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

const inverseFrequencies = "rotary_emb.inv_freq"

// rowsMapped is the number of rows that are read before the pages of the tensor are released. The
// system maps neighboring pages too, so that the embeddings would occupy much memory.
const rowsMapped = 128

// embeddings returns a function that reads single rows of a matrix from the file.
func (l *loader) embeddings(name string, k, n int) func(dst []float32, row int32) {
	t := l.tensor(name, k, n)
	if l.err == nil {
		// Check the type and the extent of the tensor now, so that later reads do not fail.
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

// output is a tensor of n outputs.
type output struct {
	name string
	n    int
}

// matrix plans a matrix of k inputs and the outputs of all given tensors, in order. All tensors
// except the last must have a multiple of 16 outputs.
func (l *loader) matrix(k int, outputs ...output) *nn.Linear {
	return l.matrixIn(l.precision, k, outputs...)
}

func (l *loader) matrixIn(precision llm.Precision, k int, outputs ...output) *nn.Linear {
	if precision == llm.File {
		if m := l.matrixAsInFile(k, outputs); m != nil {
			return m
		}
	}
	m := &nn.Linear{K: k}
	for _, o := range outputs {
		l.jobs = append(l.jobs, packing{tensor: l.tensor(o.name, k, o.n), end: o.n, linear: m, at: m.N})
		m.N += o.n
	}
	l.place(m, precision)
	return m
}

// head plans the output weights of a network.
func (l *loader) head(h *head, k int, o output) {
	h.output = l.matrix(k, o)
	if l.precision != llm.Float32 {
		return
	}
	h.shortlist = &shortlist{output: h.output, int8: l.matrixIn(llm.Int8, k, o)}
	l.ends = append(l.ends, h.shortlist.measure)
}

// heads plans a matrix for each head of a tensor of k inputs. A head has size outputs. If
// transposed is set, the matrices have size inputs and k outputs.
func (l *loader) heads(name string, k, heads, size int, transposed bool) nn.Heads {
	t := l.tensor(name, k, heads*size)
	all := make(nn.Heads, heads)
	for h := range all {
		all[h] = &nn.Linear{K: k, N: size}
		if transposed {
			all[h] = &nn.Linear{K: size, N: k}
		}
		l.jobs = append(l.jobs, packing{tensor: t, first: h * size, end: (h + 1) * size, linear: all[h], transposed: transposed})
		l.place(all[h], l.precision)
	}
	return all
}

// place reserves memory for a matrix. Matrices that cannot be as in the file are in 8 bits.
func (l *loader) place(m *nn.Linear, precision llm.Precision) {
	if precision == llm.Float32 {
		l.reserve(4*kernel.Size(m.N, m.K), func(memory []byte) {
			m.Float32 = kernel.NewMatrix(m.N, m.K, offheap.Floats(memory))
		})
		return
	}
	l.reserve(kernel.Size8(m.N, m.K), func(memory []byte) {
		m.Int8 = kernel.NewMatrix8(m.N, m.K, unsafe.Slice((*int8)(unsafe.Pointer(&memory[0])), len(memory)))
	})
}

// reserve reserves memory of some bytes.
func (l *loader) reserve(size int, set func(memory []byte)) {
	l.places = append(l.places, place{l.bytes, set})
	l.bytes += (size + rowAlignment - 1) / rowAlignment * rowAlignment
}

// weights is the memory of a network's matrices.
type weights struct {
	bytes      int
	parameters int64 // numbers in the tensors of the network
	free       func() error
}

func (h weights) Bytes() int        { return h.bytes }
func (h weights) Parameters() int64 { return h.parameters }
func (h weights) Close() error      { return h.free() }

// parameters returns the number of numbers in the tensors that are used.
func (l *loader) parameters() int64 {
	sum := int64(0)
	for name := range l.used {
		t, ok := l.source.tensor(name)
		if !ok {
			continue
		}
		count := int64(1)
		for _, n := range t.shape {
			count *= int64(n)
		}
		sum += count
	}
	return sum
}

// fixedBytes is an estimate of the memory of an engine that does not depend on its weights.
const fixedBytes = 32 << 20

// read allocates and reads all planned matrices.
func (l *loader) read(ctx context.Context, threads int) (_ weights, err error) {
	if l.err != nil {
		return weights{}, l.err
	}
	for _, name := range l.source.names() {
		if !l.used[name] && l.needed(name) {
			t, _ := l.source.tensor(name)
			return weights{}, t.errorf("the tensor is not part of the supported architecture")
		}
	}
	// Caches and buffers need at least an eighth of the weights.
	if err := memlimit.Check(l.source.Path+" with its caches", int64(l.bytes)+int64(l.bytes)/8+fixedBytes); err != nil {
		return weights{}, err
	}
	data, free, err := offheap.Allocate(l.bytes)
	if err != nil {
		return weights{}, fmt.Errorf("%s: allocating %d MiB for the weights: %w", l.source.Path, l.bytes>>20, err)
	}
	read := false
	defer func() {
		if !read {
			if e := free(); e != nil {
				err = fmt.Errorf("%w; and releasing its memory: %w", err, e)
			}
		}
	}()
	for _, p := range l.places {
		p.set(data[p.at:])
	}
	queue := make(chan packing, len(l.jobs)) // holds all jobs, so that sending does not block if a worker panics
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
			return weights{}, err
		}
	}
	for _, end := range l.ends {
		end()
	}
	read = true
	return weights{l.bytes, l.parameters(), free}, nil
}

func (p packing) run(kernels *kernel.Set) error {
	defer p.tensor.forget()
	if p.part != nil {
		return p.runAsInFile()
	}
	if p.transposed {
		return p.runTransposed(kernels)
	}
	rows := make([]float32, kernel.Width*p.linear.K)
	for r := p.first; r < p.end; r += kernel.Width {
		count := min(kernel.Width, p.end-r)
		part := rows[:count*p.linear.K]
		if err := p.tensor.read(part, r, count); err != nil {
			return err
		}
		p.set(kernels, p.at+r-p.first, part)
	}
	return nil
}

func (p packing) runTransposed(kernels *kernel.Set) error {
	k, n := p.linear.K, p.linear.N
	all := make([]float32, k*n)
	if err := p.tensor.read(all, p.first, k); err != nil {
		return err
	}
	rows := make([]float32, kernel.Width*k)
	for first := 0; first < n; first += kernel.Width {
		part := rows[:min(kernel.Width, n-first)*k]
		for i := range part {
			part[i] = all[i%k*n+first+i/k]
		}
		p.set(kernels, p.at+first, part)
	}
	return nil
}

// set packs the weights of up to 16 outputs, the first of which is output.
func (p packing) set(kernels *kernel.Set, output int, rows []float32) {
	if p.linear.Int8 != nil {
		p.linear.Int8.SetPanel(kernels, output/kernel.Width, rows)
	} else {
		p.linear.Float32.SetPanel(output/kernel.Width, rows)
	}
}
