// Package safetensors reads weights in the safetensors format: of one file, or
// of several that an index makes one.
//
// The format, integers little-endian:
//
//	file   = header length u64 | header | data
//	header = a JSON object in UTF-8, with white space around it:
//	         {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
//	          ..., "__metadata__": {"KEY": "TEXT", ...}}
//
// The offsets are those of a tensor's first byte, and of the one behind its
// last, within data. Tensors follow each other without gaps, and the last one
// ends where the file does. The last dimension of a shape is the contiguous
// one: a weight of an output of n numbers from an input of k has the shape
// n, k. A tensor without dimensions is one number.
//
// Weights that are several files lie in one folder, with an index
// model.safetensors.index.json that says in which file each tensor is:
//
//	{"metadata": {"total_size": 24}, "weight_map": {"NAME": "FILE", ...}}
//
// Nothing in a file is believed before it is checked: no number leads to an
// allocation that the file's own size does not cover. Errors about what it
// holds are of the class flaw.ErrFormat.
package safetensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"github.com/firesteel/firesteel/internal/fsys/regularfile"
	"github.com/firesteel/firesteel/internal/weights/malformed"
	"github.com/firesteel/firesteel/internal/weights/mmap"
)

// File is an open file, or the open files of an index. Its methods may be
// called at the same time, but not together with Close.
type File struct {
	Path string // of the file or the index
	Size int64  // bytes of all files, without the index
	// Tensors in the order of their data, file by file.
	Tensors []*Tensor

	byName map[string]*Tensor
	parts  []*part
}

// part is one file of weights.
type part struct {
	path  string
	size  int64
	data  []byte // the whole file
	unmap func() error
}

// Open reads the headers of the weights at path and maps their data. The path
// is that of a file, of an index, or of a folder; see Find.
func Open(path string) (*File, error) { return open(path, true) }

// Check verifies the headers and the extents of the weights at path, as Open
// does, without reading the weights.
func Check(path string) error {
	_, err := open(path, false)
	return err
}

func open(path string, data bool) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		if path, err = Find(path); err != nil {
			return nil, err
		}
	}
	f := &File{Path: path, byName: map[string]*Tensor{}}
	if err := f.read(data); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *File) read(data bool) error {
	if !IsIndex(f.Path) {
		return f.add(f.Path, data)
	}
	x, err := readIndex(f.Path)
	if err != nil {
		return err
	}
	for _, name := range x.files() {
		if err := f.add(x.path(name), data); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s names a file that is missing: %w", f.Path, err)
		} else if err != nil {
			return err
		}
	}
	return x.check(f)
}

// Read reads a file held in memory; name stands for its path in errors.
func Read(name string, data []byte) (*File, error) {
	header, err := headerOf(name, data)
	if err != nil {
		return nil, err
	}
	f := &File{Path: name, byName: map[string]*Tensor{}}
	if err := f.parse(&part{path: name, size: int64(len(data)), data: data}, header); err != nil {
		return nil, err
	}
	return f, nil
}

// add reads the header of one file and, if data is wanted, maps it.
func (f *File) add(path string, data bool) error {
	file, err := regularfile.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	p := &part{path: path, size: info.Size()}
	var header []byte
	if data {
		if p.data, p.unmap, err = mmap.File(file, p.size); err != nil {
			return fmt.Errorf("%s: reading the weights: %w", path, err)
		}
		f.parts = append(f.parts, p)
		header, err = headerOf(path, p.data)
	} else {
		header, err = readHeader(path, file, p.size)
	}
	if err != nil {
		return err
	}
	return f.parse(p, header)
}

// lengthBytes is the size of the header's length, before it.
const lengthBytes = 8

// maxHeader is the format's own bound.
const maxHeader = 100_000_000

// headerLength checks the first bytes of a file of a size.
func headerLength(path string, head []byte, size int64) (int, error) {
	fail := func(format string, args ...any) (int, error) {
		return 0, &malformed.Error{File: path, What: fmt.Sprintf(format, args...)}
	}
	if len(head) < lengthBytes {
		return fail("the file has %d bytes, but its header's length alone takes %d; it is cut off or no safetensors file", len(head), lengthBytes)
	}
	n := binary.LittleEndian.Uint64(head)
	if n > maxHeader {
		return fail("a header of %d bytes is too large, at most %d are allowed: it is damaged or no safetensors file", n, maxHeader)
	}
	if left := size - lengthBytes; int64(n) > left {
		return fail("a header of %d bytes does not fit into the %d bytes left; the file is cut off or no safetensors file", n, left)
	}
	return int(n), nil
}

func headerOf(path string, data []byte) ([]byte, error) {
	n, err := headerLength(path, data[:min(len(data), lengthBytes)], int64(len(data)))
	if err != nil {
		return nil, err
	}
	return data[lengthBytes : lengthBytes+n], nil
}

func readHeader(path string, r io.Reader, size int64) ([]byte, error) {
	head := make([]byte, min(size, lengthBytes))
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	n, err := headerLength(path, head, size)
	if err != nil {
		return nil, err
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, fmt.Errorf("%s: at byte %d: %w", path, lengthBytes, err)
	}
	return header, nil
}

// Close releases the data: no Tensor may be read after it.
func (f *File) Close() error {
	var errs []error
	for _, p := range f.parts {
		unmap := p.unmap
		p.data, p.unmap = nil, nil
		if unmap != nil {
			errs = append(errs, unmap())
		}
	}
	f.parts = nil
	return errors.Join(errs...)
}

// Tensor finds a tensor by its name.
func (f *File) Tensor(name string) (*Tensor, bool) {
	t, ok := f.byName[name]
	return t, ok
}

// maxSize bounds dimensions, and what is counted in the data.
const maxSize = math.MaxInt / 64
