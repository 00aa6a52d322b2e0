// Package gguf reads GGUF files, versions 2 and 3: the metadata and the tensors of one model.
// A model may be split into several files; see split.go.
//
// The format is as follows. All integers are little-endian:
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
// The first dimension is contiguous: a weight with k inputs and n outputs has the dimensions
// k, n. Offsets are multiples of the alignment, which is the value of general.alignment or 32.
// A byte-swapped version marks a big-endian file, which is not supported.
//
// The reader trusts nothing in a file: it allocates no more than a small multiple of the
// file's size. Errors about the content of a file wrap malformed.ErrFormat.
package gguf

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/firesteel/firesteel/internal/fsys/regularfile"
	"github.com/firesteel/firesteel/internal/weights/mmap"
)

// File is an open GGUF file, or the open files of a split model. Its methods are safe for
// concurrent use, except Close.
type File struct {
	Path    string // of the first file of a split model
	Version uint32
	Size    int64 // of all files, in bytes
	// Tensors are in the order of their entries in the file.
	Tensors []*Tensor

	byName map[string]*Tensor
	pairs  map[string]pair
	data   []byte // the whole file
	unmap  func() error
	parts  []*File // the files of a split model, whose File has no data itself
}

// Open reads the header of the file at path and maps its data. If the file is part of a split
// model, Open opens all parts.
func Open(path string) (*File, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	return openParts(f, openFile)
}

func openFile(path string) (*File, error) {
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
		return nil, fmt.Errorf("%s: mapping the weights: %w", path, err)
	}
	return f, nil
}

// Check verifies the header of the file at path, that all tensors are within the file, and
// that their types are supported. It does not read the weights. If the file is part of a
// split model, Check verifies all parts.
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
		if err := t.checkType(); err != nil {
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

// Read reads a file that is in memory. name replaces the path in errors.
func Read(name string, data []byte) (*File, error) {
	f, err := parse(name, bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	f.data = data
	return f, nil
}

// Close releases the data of the file. No Tensor may be read after Close.
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

// Tensor returns the tensor of a name, and whether it exists.
func (f *File) Tensor(name string) (*Tensor, bool) {
	t, ok := f.byName[name]
	return t, ok
}
