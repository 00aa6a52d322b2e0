// Package gguf reads GGUF files, versions 2 and 3: the metadata and the
// tensors of one model, which may be split into several files (see split.go).
//
// The format, all integers little-endian:
//
//	file    = magic "GGUF" | version u32 | tensor count u64 | pair count u64
//	          | pairs | tensor entries | padding to alignment | data
//	pair    = key string | type u32 | value
//	string  = length u64 | bytes
//	value   = by type: 0 u8, 1 i8, 2 u16, 3 i16, 4 u32, 5 i32, 6 f32,
//	          7 bool (one byte, 0 or 1), 8 string,
//	          9 array (type u32 | count u64 | values), 10 u64, 11 i64, 12 f64
//	entry   = name string | dimension count u32 | dimensions u64...
//	          | type u32 | offset u64, from the start of data
//
// The first dimension is the contiguous one: a weight of an output of n
// numbers from an input of k has the dimensions k, n. Offsets are multiples of
// the alignment: the pair general.alignment, or 32. A version with its bytes
// swapped marks a big-endian file, which is not read.
//
// Nothing in a file is believed before it is checked: no count leads to an
// allocation that the file's own size does not cover. Errors about what it
// holds are of the class flaw.ErrFormat.
package gguf

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/firesteel/firesteel/internal/fsys/regularfile"
	"github.com/firesteel/firesteel/internal/weights/mmap"
)

// File is an open GGUF file, or the open files of a split model. Its methods may
// be called at the same time, but not together with Close.
type File struct {
	Path    string // of several the first one's
	Version uint32
	Size    int64 // bytes, of all files
	// Tensors in the order of the file.
	Tensors []*Tensor

	byName map[string]*Tensor
	pairs  map[string]pair
	data   []byte // the whole file
	unmap  func() error
	parts  []*File // of a split model; it has no data of its own then
}

// Open reads the header of the file at path and maps its data. Of a split model
// any file may be named; all are opened.
func Open(path string) (*File, error) {
	f, err := openOne(path)
	if err != nil {
		return nil, err
	}
	return openParts(f, openOne)
}

func openOne(path string) (*File, error) {
	file, err := regularfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	f, err := readHeader(path, file)
	if err != nil {
		return nil, err
	}
	if f.data, f.unmap, err = mmap.File(file, f.Size); err != nil {
		return nil, fmt.Errorf("%s: reading the weights: %w", path, err)
	}
	return f, nil
}

// Check verifies the header and the extents of the file at path, and that each
// tensor is of a type this package reads. It does not read the weights. Of a
// split model it verifies all files.
func Check(path string) error {
	header := func(path string) (*File, error) {
		file, err := regularfile.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		return readHeader(path, file)
	}
	f, err := header(path)
	if err != nil {
		return err
	}
	if f, err = openParts(f, header); err != nil {
		return err
	}
	for _, t := range f.Tensors {
		if err := t.readable(); err != nil {
			return err
		}
	}
	return nil
}

func readHeader(path string, file *os.File) (*File, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return parse(path, file, info.Size())
}

// Read reads a file held in memory; name stands for its path in errors.
func Read(name string, data []byte) (*File, error) {
	f, err := parse(name, bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	f.data = data
	return f, nil
}

// Close releases the file's data: no Tensor may be read after it.
func (f *File) Close() error {
	var errs []error
	for _, part := range f.parts {
		errs = append(errs, part.Close())
	}
	unmap := f.unmap
	f.data, f.unmap, f.parts = nil, nil, nil
	if unmap != nil {
		errs = append(errs, unmap())
	}
	return errors.Join(errs...)
}

// Tensor finds a tensor by its name.
func (f *File) Tensor(name string) (*Tensor, bool) {
	t, ok := f.byName[name]
	return t, ok
}
