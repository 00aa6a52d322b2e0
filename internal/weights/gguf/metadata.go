package gguf

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/firesteel/firesteel/internal/weights/malformed"
)

// The types of metadata values.
const (
	typeU8 = iota
	typeI8
	typeU16
	typeI16
	typeU32
	typeI32
	typeF32
	typeBool
	typeString
	typeArray
	typeU64
	typeI64
	typeF64
)

// widths are the sizes of the types in bytes; for strings and arrays the minimum.
var widths = [...]int64{typeU8: 1, typeI8: 1, typeU16: 2, typeI16: 2, typeU32: 4, typeI32: 4, typeF32: 4,
	typeBool: 1, typeString: 8, typeArray: 12, typeU64: 8, typeI64: 8, typeF64: 8}

// pair is one metadata value. The value is an int64, uint64 (for u64 only), float64, bool,
// string, []int64, []uint64, []float64, []bool or []string.
type pair struct {
	value any
	at    int64 // offset of the pair in the file
}

func (h *header) pair(f *File) error {
	h.key = ""
	at := h.offset
	key, err := h.text(maxName, "a metadata key")
	if err != nil {
		return err
	}
	h.key = key
	if _, ok := f.pairs[key]; ok {
		return h.fail(at, "duplicate key")
	}
	kind, err := h.u32("the value's type")
	if err != nil {
		return err
	}
	var value any
	if kind == typeArray {
		value, err = h.array()
	} else {
		value, err = h.scalar(kind)
	}
	if err != nil {
		return err
	}
	f.pairs[key] = pair{value, at}
	return nil
}

// scalar reads a value that is not an array.
func (h *header) scalar(kind uint32) (any, error) {
	at := h.offset
	if kind >= uint32(len(widths)) || kind == typeArray {
		return nil, h.fail(at-4, "its type %d is unknown", kind)
	}
	if kind == typeString {
		return h.text(math.MaxInt32, "the value")
	}
	p := h.buf[:widths[kind]]
	if err := h.bytes(p, "the value"); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	switch kind {
	case typeU8:
		return int64(p[0]), nil
	case typeI8:
		return int64(int8(p[0])), nil
	case typeU16:
		return int64(le.Uint16(p)), nil
	case typeI16:
		return int64(int16(le.Uint16(p))), nil
	case typeU32:
		return int64(le.Uint32(p)), nil
	case typeI32:
		return int64(int32(le.Uint32(p))), nil
	case typeI64:
		return int64(le.Uint64(p)), nil
	case typeU64:
		return le.Uint64(p), nil
	case typeF32:
		return float64(math.Float32frombits(le.Uint32(p))), nil
	case typeF64:
		return math.Float64frombits(le.Uint64(p)), nil
	}
	if p[0] > 1 { // typeBool
		return nil, h.fail(at, "the Boolean is %d, expected 0 or 1", p[0])
	}
	return p[0] == 1, nil
}

// array reads an array of scalars. Arrays of arrays, which the format allows, are not
// supported, because no model uses them.
func (h *header) array() (any, error) {
	at := h.offset
	kind, err := h.u32("the array's type")
	if err != nil {
		return nil, err
	}
	if kind >= uint32(len(widths)) || kind == typeArray {
		return nil, h.fail(at, "an array of type %d is not supported", kind)
	}
	n, err := h.count(widths[kind], "array elements")
	if err != nil {
		return nil, err
	}
	switch kind {
	case typeString:
		return elements[string](h, kind, n)
	case typeBool:
		return elements[bool](h, kind, n)
	case typeF32, typeF64:
		return elements[float64](h, kind, n)
	case typeU64:
		return elements[uint64](h, kind, n)
	}
	return elements[int64](h, kind, n)
}

// elements reads n scalars. It appends them one by one: an element of 1 byte in the file may
// need 16 bytes in memory, so n does not limit the allocation.
func elements[T any](h *header, kind uint32, n int) ([]T, error) {
	var values []T
	for range n {
		v, err := h.scalar(kind)
		if err != nil {
			return nil, err
		}
		values = append(values, v.(T))
	}
	return values, nil
}

func asInt(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case uint64:
		return int64(v), v <= math.MaxInt64
	}
	return 0, false
}

// Has reports whether the metadata have a key.
func (f *File) Has(key string) bool {
	_, ok := f.pairs[key]
	return ok
}

func get[T any](f *File, key, want string) (T, error) {
	var none T
	p, ok := f.pairs[key]
	if !ok {
		return none, f.missingKey(key)
	}
	v, ok := p.value.(T)
	if !ok {
		return none, f.wrongType(key, want)
	}
	return v, nil
}

func (f *File) missingKey(key string) error {
	return fmt.Errorf("%w: %s: the metadata have no key %q", malformed.ErrFormat, f.Path, key)
}

func (f *File) wrongType(key, want string) error {
	p := f.pairs[key]
	return &malformed.Error{File: f.Path, Offset: p.at, Key: key, What: fmt.Sprintf("it has the Go type %T, expected %s", p.value, want)}
}

// String returns the string of a key.
func (f *File) String(key string) (string, error) { return get[string](f, key, "a string") }

// Strings returns the strings of a key.
func (f *File) Strings(key string) ([]string, error) {
	return get[[]string](f, key, "an array of strings")
}

// Ints returns the integers of a key.
func (f *File) Ints(key string) ([]int64, error) {
	return get[[]int64](f, key, "an array of integers")
}

// Floats returns the floating-point numbers of a key.
func (f *File) Floats(key string) ([]float64, error) {
	return get[[]float64](f, key, "an array of numbers")
}

// Bool returns the Boolean of a key.
func (f *File) Bool(key string) (bool, error) { return get[bool](f, key, "a Boolean") }

// Float returns the floating-point number of a key.
func (f *File) Float(key string) (float64, error) { return get[float64](f, key, "a number") }

// Int returns the integer of a key. It returns an error if the integer is not in lo to hi.
func (f *File) Int(key string, lo, hi int64) (int, error) {
	p, ok := f.pairs[key]
	if !ok {
		return 0, f.missingKey(key)
	}
	n, ok := asInt(p.value)
	if !ok {
		return 0, f.wrongType(key, "an integer")
	}
	if n < lo || n > hi {
		return 0, &malformed.Error{File: f.Path, Offset: p.at, Key: key, What: fmt.Sprintf("it is %d, expected %d to %d", n, lo, hi)}
	}
	return int(n), nil
}
