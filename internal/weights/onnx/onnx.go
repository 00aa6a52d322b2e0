// Package onnx reads the weights of a transformer from an ONNX file. It does not run the graph: it
// uses the graph to find the name, the orientation and the quantization of each weight, and offers
// them as tensors under the names that Python's transformers uses.
//
// A file is one protobuf message of the following fields (https://onnx.ai/onnx/repo-docs/IR.html,
// onnx.proto). Numbers in parentheses are field numbers; other fields are skipped:
//
//	ModelProto     = graph (7)
//	GraphProto     = node (1)... | initializer (5)... | output (12)...
//	NodeProto      = input (1)... | output (2)... | name (3) | op_type (4) | attribute (5)...
//	                 | metadata_props (9)...
//	AttributeProto = name (1) | f (2) | i (3) | s (4) | t (5) | ints (8)...
//	TensorProto    = dims (1)... | data_type (2) | float_data (4)... | int32_data (5)...
//	                 | int64_data (7)... | name (8) | raw_data (9) | double_data (10)...
//	                 | uint64_data (11)... | external_data (13)... | data_location (14)
//
// A tensor has its numbers in raw_data, little-endian; in a list of its type; or in a range of
// another file in the folder of the model, which external_data names. The last dimension is
// contiguous. The weights of MatMul have inputs by outputs; tensors of this package have outputs by
// inputs.
//
// The reader trusts nothing in a file: it allocates no more than a small multiple of the file's
// size. Errors about the content of a file wrap malformed.ErrFormat.
package onnx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/regularfile"
	"github.com/firesteel/firesteel/internal/weights/malformed"
	"github.com/firesteel/firesteel/internal/weights/mmap"
)

// IsFile reports whether name is the name of an ONNX file.
func IsFile(name string) bool { return strings.EqualFold(filepath.Ext(name), ".onnx") }

// File is an open ONNX file with its files of external data. Its methods are safe for concurrent
// use, except Close.
type File struct {
	Path string
	Size int64 // of all files, in bytes
	// Tensors are the weights, sorted by name.
	Tensors []*Tensor
	// Graph is the facts about the network that the names and shapes of weights do not have.
	Graph Facts

	byName map[string]*Tensor
	main   *part
	parts  map[string]*part // files of external data, by their names
	open   func(name string) (*part, error)
}

// part is one file.
type part struct {
	path  string
	data  []byte
	unmap func() error // nil if the data are not mapped
	used  int64        // bytes of tensors of external data
}

func (p *part) close() error {
	unmap := p.unmap
	p.data, p.unmap = nil, nil
	if unmap == nil {
		return nil
	}
	return unmap()
}

// Open reads the graph of the file at path and maps its data and those of the files that it refers
// to.
func Open(path string) (*File, error) {
	main, err := mapPart(path)
	if err != nil {
		return nil, err
	}
	folder := filepath.Dir(path)
	return read(main, func(name string) (*part, error) { return mapPart(filepath.Join(folder, filepath.FromSlash(name))) })
}

func mapPart(path string) (*part, error) {
	file, err := regularfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	p := &part{path: path}
	if p.data, p.unmap, err = mmap.File(file, info.Size()); err != nil {
		return nil, fmt.Errorf("%s: mapping the weights: %w", path, err)
	}
	return p, nil
}

// Check verifies the graph of the file at path, and that all weights are within their files and
// have supported types. It does not read the weights.
func Check(path string) error {
	f, err := Open(path)
	if err != nil {
		return err
	}
	return f.Close()
}

// Read reads a file that is in memory. name replaces the path in errors. Files of external data
// are missing.
func Read(name string, data []byte) (*File, error) {
	return read(&part{path: name, data: data}, func(file string) (*part, error) {
		return nil, fmt.Errorf("%s: %w", file, os.ErrNotExist)
	})
}

func read(main *part, open func(string) (*part, error)) (_ *File, err error) {
	f := &File{Path: main.path, main: main, byName: map[string]*Tensor{}, parts: map[string]*part{}, open: open}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	g, err := f.decode()
	if err != nil {
		return nil, err
	}
	if err := f.collect(g); err != nil {
		return nil, err
	}
	f.Graph = g.facts(f)
	f.Size = int64(len(main.data))
	for _, p := range f.parts {
		f.Size += int64(len(p.data))
	}
	return f, nil
}

// ExternalFiles returns the sorted names of the files that the tensors of the file at path refer
// to, relative to its folder and with slashes. It does not open them.
func ExternalFiles(path string) ([]string, error) {
	main, err := mapPart(path)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	f := &File{Path: path, main: main, open: func(name string) (*part, error) {
		names[name] = true
		return nil, errNotOpened
	}}
	_, err = f.decode()
	var list []string
	for name := range names {
		list = append(list, name)
	}
	slices.Sort(list)
	return list, errors.Join(err, main.close())
}

// errNotOpened says that only the names of the external files are wanted.
var errNotOpened = errors.New("not opened")

// Close releases the data of the files. No Tensor may be read after Close.
func (f *File) Close() error {
	errs := []error{f.main.close()}
	for _, p := range f.parts {
		errs = append(errs, p.close())
	}
	f.parts = nil
	return errors.Join(errs...)
}

// Tensor returns the tensor of a name, and whether it exists.
func (f *File) Tensor(name string) (*Tensor, bool) {
	t, ok := f.byName[name]
	return t, ok
}

// fail returns an error about the main file.
func (f *File) fail(at int64, format string, args ...any) error {
	return &malformed.Error{File: f.Path, Offset: at, What: fmt.Sprintf(format, args...)}
}
