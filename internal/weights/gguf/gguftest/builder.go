// Package gguftest makes small GGUF files for tests.
package gguftest

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// Builder builds a GGUF file. It checks nothing, so that tests can build malformed files.
type Builder struct {
	Version   uint32
	Alignment int // of the data; Builder does not write it to the metadata

	pairs       []byte
	pairCount   int
	entries     []byte
	tensorCount int
	data        []byte
	tensors     []tensor
}

type tensor struct {
	name  string
	kind  uint32
	shape []int
	data  []byte
}

// New returns a Builder of an empty file of version 3.
func New() *Builder { return &Builder{Version: 3, Alignment: 32} }

func text(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
}

// Set adds a metadata pair. The value is a uint32, uint64, int32, float32, bool, string,
// []string, []int32 or []float32.
func (b *Builder) Set(key string, value any) *Builder {
	le := binary.LittleEndian
	p := text(b.pairs, key)
	switch v := value.(type) {
	case uint32:
		p = le.AppendUint32(le.AppendUint32(p, 4), v)
	case int32:
		p = le.AppendUint32(le.AppendUint32(p, 5), uint32(v))
	case float32:
		p = le.AppendUint32(le.AppendUint32(p, 6), math.Float32bits(v))
	case bool:
		p = append(le.AppendUint32(p, 7), map[bool]byte{true: 1}[v])
	case string:
		p = text(le.AppendUint32(p, 8), v)
	case uint64:
		p = le.AppendUint64(le.AppendUint32(p, 10), v)
	case []string:
		p = le.AppendUint64(le.AppendUint32(le.AppendUint32(p, 9), 8), uint64(len(v)))
		for _, s := range v {
			p = text(p, s)
		}
	case []int32:
		p = le.AppendUint64(le.AppendUint32(le.AppendUint32(p, 9), 5), uint64(len(v)))
		for _, n := range v {
			p = le.AppendUint32(p, uint32(n))
		}
	case []float32:
		p = le.AppendUint64(le.AppendUint32(le.AppendUint32(p, 9), 6), uint64(len(v)))
		for _, n := range v {
			p = le.AppendUint32(p, math.Float32bits(n))
		}
	default:
		panic(fmt.Sprintf("gguftest: a pair of %T", value))
	}
	b.pairs = p
	b.pairCount++
	return b
}

// Tensor adds a tensor. kind is the number of its GGUF type, and data holds its blocks.
func (b *Builder) Tensor(name string, kind uint32, shape []int, data []byte) *Builder {
	b.pad()
	b.Entry(name, kind, shape, uint64(len(b.data)))
	b.data = append(b.data, data...)
	b.tensors = append(b.tensors, tensor{name, kind, shape, data})
	return b
}

// WriteParts splits the file into count files, as gguf-split of llama.cpp does, and writes
// them to folder as NAME-00001-of-COUNT.gguf and so on. It returns their paths.
func (b *Builder) WriteParts(t testing.TB, folder, name string, count int) (paths []string) {
	t.Helper()
	for i := range count {
		part := New()
		if i == 0 {
			part.pairs, part.pairCount = append(part.pairs, b.pairs...), b.pairCount
		}
		part.Set("split.no", uint32(i)).Set("split.count", uint32(count)).Set("split.tensors.count", int32(len(b.tensors)))
		for _, x := range b.tensors[i*len(b.tensors)/count : (i+1)*len(b.tensors)/count] {
			part.Tensor(x.name, x.kind, x.shape, x.data)
		}
		path := filepath.Join(folder, fmt.Sprintf("%s-%05d-of-%05d.gguf", name, i+1, count))
		if err := os.WriteFile(path, part.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// F32 adds a tensor of float32 numbers.
func (b *Builder) F32(name string, shape []int, values []float32) *Builder {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return b.Tensor(name, 0, shape, data)
}

// Entry adds the entry of a tensor without data.
func (b *Builder) Entry(name string, kind uint32, shape []int, offset uint64) {
	e := text(b.entries, name)
	e = binary.LittleEndian.AppendUint32(e, uint32(len(shape)))
	for _, d := range shape {
		e = binary.LittleEndian.AppendUint64(e, uint64(d))
	}
	e = binary.LittleEndian.AppendUint32(e, kind)
	b.entries = binary.LittleEndian.AppendUint64(e, offset)
	b.tensorCount++
}

func (b *Builder) pad() {
	for len(b.data)%b.Alignment != 0 {
		b.data = append(b.data, 0)
	}
}

// Bytes returns the file.
func (b *Builder) Bytes() []byte {
	le := binary.LittleEndian
	out := le.AppendUint32([]byte("GGUF"), b.Version)
	out = le.AppendUint64(out, uint64(b.tensorCount))
	out = le.AppendUint64(out, uint64(b.pairCount))
	out = append(append(out, b.pairs...), b.entries...)
	for len(out)%b.Alignment != 0 {
		out = append(out, 0)
	}
	return append(out, b.data...)
}

// Write writes the file to a temporary folder of the test and returns its path.
func (b *Builder) Write(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
