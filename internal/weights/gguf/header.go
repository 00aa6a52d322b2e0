package gguf

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/firesteel/firesteel/internal/weights/malformed"
)

const (
	magic = "GGUF"
	// maxDimensions is the limit of the format.
	maxDimensions = 4
	// maxName limits the length of keys and tensor names in bytes. The limits of the format
	// are 65535 and 64.
	maxName          = 65535
	defaultAlignment = 32
	maxAlignment     = 1 << 24
	// The minimum sizes of a pair and of a tensor entry. They limit the counts.
	minPair  = 8 + 4 + 1
	minEntry = 8 + 4 + 8 + 4 + 8
)

// header reads the header of a file from start to end.
type header struct {
	file   string
	r      *bufio.Reader
	offset int64
	size   int64  // of the file
	tensor string // the current tensor, for errors
	key    string // the current key, for errors
	buf    [8]byte
}

func (h *header) fail(at int64, format string, args ...any) error {
	return &malformed.Error{File: h.file, Offset: at, Tensor: h.tensor, Key: h.key, What: fmt.Sprintf(format, args...)}
}

// bytes fills p. what describes p in errors.
func (h *header) bytes(p []byte, what string) error {
	n, err := io.ReadFull(h.r, p)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return h.fail(h.offset+int64(n), "the file ends inside %s; it is truncated", what)
	}
	if err != nil {
		return fmt.Errorf("%s: at byte %d: %w", h.file, h.offset, err)
	}
	h.offset += int64(n)
	return nil
}

func (h *header) u32(what string) (uint32, error) {
	err := h.bytes(h.buf[:4], what)
	return binary.LittleEndian.Uint32(h.buf[:4]), err
}

func (h *header) u64(what string) (uint64, error) {
	err := h.bytes(h.buf[:8], what)
	return binary.LittleEndian.Uint64(h.buf[:8]), err
}

// count reads the number of items that follow, each of at least each bytes.
func (h *header) count(each int64, what string) (int, error) {
	at := h.offset
	n, err := h.u64("the count of " + what)
	if err != nil {
		return 0, err
	}
	if left := h.size - h.offset; n > uint64(left/each) {
		return 0, h.fail(at, "%d %s do not fit into the remaining %d bytes; the file is truncated or damaged", n, what, left)
	}
	return int(n), nil
}

func (h *header) text(limit int, what string) (string, error) {
	at := h.offset
	n, err := h.count(1, "bytes of "+what)
	if err != nil {
		return "", err
	}
	if n > limit {
		return "", h.fail(at, "%s of %d bytes is too long; the limit is %d", what, n, limit)
	}
	p := make([]byte, n)
	if err := h.bytes(p, what); err != nil {
		return "", err
	}
	return string(p), nil
}

// parse reads the header of a file of size bytes from r.
func parse(name string, r io.Reader, size int64) (*File, error) {
	h := &header{file: name, r: bufio.NewReaderSize(r, 1<<16), size: size}
	f := &File{Path: name, Size: size, byName: map[string]*Tensor{}, pairs: map[string]pair{}}
	var m [4]byte
	if err := h.bytes(m[:], "the magic number"); err != nil {
		return nil, err
	}
	if string(m[:]) != magic {
		return nil, h.fail(0, "not a GGUF file: it starts with %q, expected %q", m[:], magic)
	}
	var err error
	if f.Version, err = h.u32("the version"); err != nil {
		return nil, err
	}
	switch f.Version {
	case 2, 3:
	case 2 << 24, 3 << 24:
		return nil, h.fail(4, "the file is big-endian, which is not supported; convert it to little-endian")
	default:
		return nil, h.fail(4, "version %d is not supported; the supported versions are 2 and 3", f.Version)
	}
	tensors, err := h.count(minEntry, "tensors")
	if err != nil {
		return nil, err
	}
	pairs, err := h.count(minPair, "metadata pairs")
	if err != nil {
		return nil, err
	}
	for range pairs {
		if err := h.pair(f); err != nil {
			return nil, err
		}
	}
	h.key = ""
	for range tensors {
		if err := h.entry(f); err != nil {
			return nil, err
		}
	}
	h.tensor = ""
	return f, h.place(f)
}

// entry reads the entry of one tensor. place checks its extent later.
func (h *header) entry(f *File) error {
	h.tensor = ""
	t := &Tensor{file: f, at: h.offset}
	var err error
	if t.Name, err = h.text(maxName, "a tensor's name"); err != nil {
		return err
	}
	h.tensor = t.Name
	if f.byName[t.Name] != nil {
		return h.fail(t.at, "duplicate name")
	}
	at := h.offset
	n, err := h.u32("the number of dimensions")
	if err != nil {
		return err
	}
	if n == 0 || n > maxDimensions {
		return h.fail(at, "it has %d dimensions, expected 1 to %d", n, maxDimensions)
	}
	elements := int64(1)
	for i := range n {
		at := h.offset
		d, err := h.u64("the dimensions")
		if err != nil {
			return err
		}
		if d == 0 || d > math.MaxInt32 || elements > math.MaxInt64/16/int64(d) {
			return h.fail(at, "dimension %d is %d, which is out of range", i, d)
		}
		t.Shape = append(t.Shape, int(d))
		elements *= int64(d)
	}
	at = h.offset
	kind, err := h.u32("the tensor's type")
	if err != nil {
		return err
	}
	t.Type = Type(kind)
	layout, ok := layouts[t.Type]
	if !ok {
		return h.fail(at, "its type %d is unknown", kind)
	}
	if t.Shape[0]%layout.elements != 0 {
		return h.fail(at, "the row length %d is not a multiple of %d, the block size of %s", t.Shape[0], layout.elements, t.Type)
	}
	t.size = elements / int64(layout.elements) * int64(layout.bytes)
	t.offsetAt = h.offset
	offset, err := h.u64("the tensor's offset")
	if err != nil {
		return err
	}
	if offset > uint64(h.size) {
		return h.fail(t.offsetAt, "the offset %d is beyond the end of the file (%d bytes); the file is truncated or damaged", offset, h.size)
	}
	t.offset = int64(offset)
	f.byName[t.Name] = t
	f.Tensors = append(f.Tensors, t)
	return nil
}

// place converts offsets in the data to offsets in the file. It checks that every tensor is
// within the file and that tensors do not overlap.
func (h *header) place(f *File) error {
	alignment := int64(defaultAlignment)
	if p, ok := f.pairs["general.alignment"]; ok {
		n, ok := asInt(p.value)
		if !ok || n <= 0 || n%8 != 0 || n > maxAlignment {
			h.key = "general.alignment"
			return h.fail(p.at, "it is %v, expected a positive multiple of 8 of at most %d", p.value, maxAlignment)
		}
		alignment = n
	}
	start := (h.offset + alignment - 1) / alignment * alignment
	for _, t := range f.Tensors {
		h.tensor = t.Name
		if t.offset%alignment != 0 {
			return h.fail(t.offsetAt, "the offset %d is not a multiple of the alignment %d", t.offset, alignment)
		}
		t.offset += start
		if t.size > h.size-t.offset {
			return h.fail(t.offset, "its %d bytes (%v of %s) extend beyond the end of the file, %d bytes; the file is truncated", t.size, t.Shape, t.Type, h.size)
		}
	}
	byOffset := slices.Clone(f.Tensors)
	slices.SortFunc(byOffset, func(a, b *Tensor) int { return int(min(max(a.offset-b.offset, -1), 1)) })
	for i := 1; i < len(byOffset); i++ {
		a, b := byOffset[i-1], byOffset[i]
		if a.offset+a.size > b.offset {
			h.tensor = b.Name
			return h.fail(b.offsetAt, "its data overlaps that of %q", a.Name)
		}
	}
	return nil
}
