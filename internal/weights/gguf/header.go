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
	// maxDimensions is the format's own bound.
	maxDimensions = 4
	// maxName bounds keys and names of tensors: the format's own bounds are
	// 65535 and 64 bytes.
	maxName          = 65535
	defaultAlignment = 32
	maxAlignment     = 1 << 24
	// The least a pair and a tensor entry take, which bounds their counts.
	minPair  = 8 + 4 + 1
	minEntry = 8 + 4 + 8 + 4 + 8
)

// header reads a header front to back and knows where it stands.
type header struct {
	file   string
	r      *bufio.Reader
	offset int64
	size   int64 // of the file
	tensor string
	key    string
	buf    [8]byte
}

func (h *header) fail(at int64, format string, args ...any) error {
	return &malformed.Error{File: h.file, Offset: at, Tensor: h.tensor, Key: h.key, What: fmt.Sprintf(format, args...)}
}

// bytes fills p; what names the thing for the error of a file that ends.
func (h *header) bytes(p []byte, what string) error {
	n, err := io.ReadFull(h.r, p)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return h.fail(h.offset+int64(n), "the file ends inside %s; it is cut off", what)
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

// count reads a count of things that take at least each bytes of the file.
func (h *header) count(each int64, what string) (int, error) {
	at := h.offset
	n, err := h.u64("the count of " + what)
	if err != nil {
		return 0, err
	}
	if left := h.size - h.offset; n > uint64(left/each) {
		return 0, h.fail(at, "%d %s do not fit into the %d bytes left; the file is cut off or damaged", n, what, left)
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
		return "", h.fail(at, "%s of %d bytes is too long; at most %d are allowed", what, n, limit)
	}
	p := make([]byte, n)
	if err := h.bytes(p, what); err != nil {
		return "", err
	}
	return string(p), nil
}

// parse reads the header from r, the start of a file of size bytes.
func parse(name string, r io.Reader, size int64) (*File, error) {
	h := &header{file: name, r: bufio.NewReaderSize(r, 1<<16), size: size}
	f := &File{Path: name, Size: size, byName: map[string]*Tensor{}, pairs: map[string]pair{}}
	var m [4]byte
	if err := h.bytes(m[:], "the magic number"); err != nil {
		return nil, err
	}
	if string(m[:]) != magic {
		return nil, h.fail(0, "it starts with %q instead of %q: not a GGUF file", m[:], magic)
	}
	var err error
	if f.Version, err = h.u32("the version"); err != nil {
		return nil, err
	}
	switch f.Version {
	case 2, 3:
	case 2 << 24, 3 << 24:
		return nil, h.fail(4, "it is a big-endian file; convert it to little-endian")
	default:
		return nil, h.fail(4, "version %d is not supported; 2 and 3 are", f.Version)
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

// entry reads one tensor's entry; place checks its extent.
func (h *header) entry(f *File) error {
	h.tensor = ""
	t := &Tensor{file: f, at: h.offset}
	var err error
	if t.Name, err = h.text(maxName, "a tensor's name"); err != nil {
		return err
	}
	h.tensor = t.Name
	if f.byName[t.Name] != nil {
		return h.fail(t.at, "the name stands there twice")
	}
	at := h.offset
	n, err := h.u32("the number of dimensions")
	if err != nil {
		return err
	}
	if n == 0 || n > maxDimensions {
		return h.fail(at, "it has %d dimensions; 1 to %d are allowed", n, maxDimensions)
	}
	elements := int64(1)
	for i := range n {
		at := h.offset
		d, err := h.u64("the dimensions")
		if err != nil {
			return err
		}
		if d == 0 || d > math.MaxInt32 || elements > math.MaxInt64/16/int64(d) {
			return h.fail(at, "dimension %d is %d, which no tensor in a file has", i, d)
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
		return h.fail(at, "rows of %d numbers do not divide into the blocks of %d that %s has", t.Shape[0], layout.elements, t.Type)
	}
	t.size = elements / int64(layout.elements) * int64(layout.bytes)
	t.offsetAt = h.offset
	offset, err := h.u64("the tensor's offset")
	if err != nil {
		return err
	}
	if offset > uint64(h.size) {
		return h.fail(t.offsetAt, "its data begins at %d of the data, beyond the end of the file (%d bytes); the file is cut off or damaged", offset, h.size)
	}
	t.offset = int64(offset)
	f.byName[t.Name] = t
	f.Tensors = append(f.Tensors, t)
	return nil
}

// place turns offsets within the data into offsets within the file, and checks
// that each tensor lies inside the file and none in another.
func (h *header) place(f *File) error {
	alignment := int64(defaultAlignment)
	if p, ok := f.pairs["general.alignment"]; ok {
		n, ok := asInt(p.value)
		if !ok || n <= 0 || n%8 != 0 || n > maxAlignment {
			h.key = "general.alignment"
			return h.fail(p.at, "it is %v; a positive multiple of 8 is needed", p.value)
		}
		alignment = n
	}
	start := (h.offset + alignment - 1) / alignment * alignment
	for _, t := range f.Tensors {
		h.tensor = t.Name
		if t.offset%alignment != 0 {
			return h.fail(t.offsetAt, "its offset %d is not a multiple of the alignment, %d", t.offset, alignment)
		}
		t.offset += start
		if t.size > h.size-t.offset {
			return h.fail(t.offset, "its %d bytes (%v of %s) reach beyond the end of the file, %d bytes; the file is cut off", t.size, t.Shape, t.Type, h.size)
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
