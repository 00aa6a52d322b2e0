// Package safetensors reads weights in the safetensors format, from one file or from several
// files with an index.
//
// The format is as follows. Integers are little-endian:
//
//	file   = header length u64 | header | data
//	header = a JSON object in UTF-8, with white space around it:
//	         {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
//	          ..., "__metadata__": {"KEY": "TEXT", ...}}
//
// The offsets are those of the first byte of a tensor and of the byte after its last, within
// data. Tensors follow each other without gaps, and the last one ends at the end of the file.
// The last dimension is contiguous: a weight with k inputs and n outputs has the shape n, k. A
// tensor without dimensions is one number.
//
// Weights in several files are in one folder. The index model.safetensors.index.json maps each
// tensor to its file:
//
//	{"metadata": {"total_size": 24}, "weight_map": {"NAME": "FILE", ...}}
//
// The reader trusts nothing in a file: it allocates no more than a small multiple of the
// file's size. Errors about the content of a file wrap malformed.ErrFormat.
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

// File is an open file, or the open files of an index. Its methods are safe for concurrent
// use, except Close.
type File struct {
	Path string // of the file or of the index
	Size int64  // of all files without the index, in bytes
	// Tensors are in the order of their data, file by file.
	Tensors []*Tensor
	// Metadata are the texts under __metadata__, of all files.
	Metadata map[string]string

	byName map[string]*Tensor
	parts  []*part
}

// part is one safetensors file.
type part struct {
	path  string
	size  int64
	data  []byte // the whole file
	unmap func() error
}

// Open reads the headers of the weights at path and maps their data. path is the path of a
// file, of an index or of a folder; see Find.
func Open(path string) (*File, error) { return open(path, true) }

// Check verifies the headers of the weights at path as Open does. It does not read the weights.
func Check(path string) error {
	_, err := open(path, false)
	return err
}

// Metadata returns the texts under __metadata__ of the file at path. It verifies the header as Open
// does, and does not read the weights.
func Metadata(path string) (map[string]string, error) {
	f, err := open(path, false)
	if err != nil {
		return nil, err
	}
	return f.Metadata, nil
}

// open opens the weights at path. It maps the data only if mapData is true.
func open(path string, mapData bool) (*File, error) {
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
	if err := f.read(mapData); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *File) read(mapData bool) error {
	if !IsIndex(f.Path) {
		return f.add(f.Path, mapData)
	}
	x, err := readIndex(f.Path)
	if err != nil {
		return err
	}
	for _, name := range x.files() {
		if err := f.add(x.filePath(name), mapData); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s refers to a file that is missing: %w", f.Path, err)
		} else if err != nil {
			return err
		}
	}
	return x.check(f)
}

// Read reads a file that is in memory. name replaces the path in errors.
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

// add reads the header of one file and maps its data if mapData is true.
func (f *File) add(path string, mapData bool) error {
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
	if mapData {
		if p.data, p.unmap, err = mmap.File(file, p.size); err != nil {
			return fmt.Errorf("%s: mapping the weights: %w", path, err)
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

// lengthBytes is the size of the length field before the header.
const lengthBytes = 8

// maxHeader is the limit of the format.
const maxHeader = 100_000_000

// headerLength returns the length of the header. head is the beginning of a file of size bytes.
func headerLength(path string, head []byte, size int64) (int, error) {
	fail := func(format string, args ...any) (int, error) {
		return 0, &malformed.Error{File: path, What: fmt.Sprintf(format, args...)}
	}
	if len(head) < lengthBytes {
		return fail("the file has %d bytes, but the length field takes %d; it is truncated or not a safetensors file", len(head), lengthBytes)
	}
	n := binary.LittleEndian.Uint64(head)
	if n > maxHeader {
		return fail("the header of %d bytes is too large, the limit is %d; the file is damaged or not a safetensors file", n, maxHeader)
	}
	if left := size - lengthBytes; int64(n) > left {
		return fail("the header of %d bytes does not fit into the remaining %d bytes; the file is truncated or not a safetensors file", n, left)
	}
	return int(n), nil
}

// headerOf returns the header of a file in memory.
func headerOf(path string, data []byte) ([]byte, error) {
	n, err := headerLength(path, data[:min(len(data), lengthBytes)], int64(len(data)))
	if err != nil {
		return nil, err
	}
	return data[lengthBytes : lengthBytes+n], nil
}

// readHeader reads the header of a file of size bytes.
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

// Close releases the data. No Tensor may be read after Close.
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

// Tensor returns the tensor of a name, and whether it exists.
func (f *File) Tensor(name string) (*Tensor, bool) {
	t, ok := f.byName[name]
	return t, ok
}

// maxSize limits dimensions and sizes, so that their product with 64 does not overflow.
const maxSize = math.MaxInt / 64
