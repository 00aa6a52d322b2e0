package parquet

import "encoding/binary"

// Parquet encodes its metadata in Thrift's compact protocol. thriftReader reads it
// value by value and never allocates memory for a count that it has not checked.
// Unknown fields can be copied unchanged.

// Types of values in the compact protocol.
const (
	kindTrue   = 1
	kindFalse  = 2
	kindByte   = 3
	kindI16    = 4
	kindI32    = 5
	kindI64    = 6
	kindDouble = 7
	kindBinary = 8
	kindList   = 9
	kindSet    = 10
	kindStruct = 12
)

// maxDepth is the largest depth of nested values.
const maxDepth = 64

// thriftReader reads encoded values in order. An error sets bad, and all further
// values are zero.
type thriftReader struct {
	b   []byte
	at  int
	bad bool
}

func (r *thriftReader) fail() { r.bad, r.at = true, len(r.b) }

func (r *thriftReader) byte() byte {
	if r.at >= len(r.b) {
		r.fail()
		return 0
	}
	r.at++
	return r.b[r.at-1]
}

func (r *thriftReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b[r.at:])
	if n <= 0 {
		r.fail()
		return 0
	}
	r.at += n
	return v
}

// int reads an I16, I32 or I64.
func (r *thriftReader) int() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// binary reads bytes. The result is a slice of the input.
func (r *thriftReader) binary() []byte {
	n := r.uvarint()
	if n > uint64(len(r.b)-r.at) {
		r.fail()
		return nil
	}
	r.at += int(n)
	return r.b[r.at-int(n) : r.at]
}

// structure reads a struct. It calls each for every field. each reads the field's
// value and returns true, or returns false to skip the field.
func (r *thriftReader) structure(depth int, each func(id int16, kind byte) bool) {
	if depth > maxDepth {
		r.fail()
	}
	id := int16(0)
	for !r.bad {
		head := r.byte()
		kind := head & 0x0f
		if kind == 0 {
			return
		}
		if delta := head >> 4; delta > 0 {
			id += int16(delta)
		} else {
			id = int16(r.int())
		}
		if each == nil || !each(id, kind) {
			r.skip(depth+1, kind)
		}
	}
}

// list reads the header of a list: the number of elements and their kind. An
// element takes at least one byte, so a larger number than bytes is an error.
func (r *thriftReader) list() (n int, kind byte) {
	head := r.byte()
	count := uint64(head >> 4)
	if count == 15 {
		count = r.uvarint()
	}
	if count > uint64(len(r.b)-r.at) {
		r.fail()
		return 0, 0
	}
	return int(count), head & 0x0f
}

// structures reads a list of n structs. each reads the i-th struct.
func (r *thriftReader) structures(each func(i, n int)) {
	n, kind := r.list()
	if n > 0 && kind != kindStruct {
		r.fail()
	}
	for i := 0; i < n && !r.bad; i++ {
		each(i, n)
	}
}

// raw calls read and returns the bytes that it has read.
func (r *thriftReader) raw(read func()) []byte {
	from := r.at
	read()
	if r.bad {
		return nil
	}
	return r.b[from:r.at]
}

// value returns the encoded bytes of the next value, of the given kind.
func (r *thriftReader) value(kind byte) []byte {
	return r.raw(func() { r.skip(0, kind) })
}

func (r *thriftReader) skip(depth int, kind byte) {
	if depth > maxDepth {
		r.fail()
		return
	}
	switch kind {
	case kindTrue, kindFalse: // the kind of the field is its value
	case kindByte:
		r.byte()
	case kindI16, kindI32, kindI64:
		r.uvarint()
	case kindDouble:
		if len(r.b)-r.at < 8 {
			r.fail()
			return
		}
		r.at += 8
	case kindBinary:
		r.binary()
	case kindList, kindSet:
		n, element := r.list()
		for ; n > 0 && !r.bad; n-- {
			if element == kindTrue || element == kindFalse {
				r.byte()
			} else {
				r.skip(depth+1, element)
			}
		}
	case kindStruct:
		r.structure(depth, nil)
	default: // Parquet's metadata has no maps and no UUIDs
		r.fail()
	}
}

// thriftWriter writes the fields of a struct, in ascending order of their ids.
type thriftWriter struct {
	b    []byte
	last int16
}

// raw writes a field with an encoded value.
func (w *thriftWriter) raw(id int16, kind byte, value []byte) {
	w.field(id, kind)
	w.b = append(w.b, value...)
}

func (w *thriftWriter) field(id int16, kind byte) {
	if delta := id - w.last; delta > 0 && delta < 16 {
		w.b = append(w.b, byte(delta)<<4|kind)
	} else {
		w.b = append(w.b, kind)
		w.b = appendInt(w.b, int64(id))
	}
	w.last = id
}

func (w *thriftWriter) int(id int16, kind byte, v int64) {
	w.field(id, kind)
	w.b = appendInt(w.b, v)
}

func (w *thriftWriter) text(id int16, s string) {
	w.field(id, kindBinary)
	w.b = appendText(w.b, s)
}

// structures writes a list of n structs. encoded holds the structs in any split.
func (w *thriftWriter) structures(id int16, n int, encoded ...[]byte) {
	w.field(id, kindList)
	w.b = appendList(w.b, n, kindStruct)
	for _, e := range encoded {
		w.b = append(w.b, e...)
	}
}

// end returns the encoded struct.
func (w *thriftWriter) end() []byte { return append(w.b, 0) }

func appendInt(b []byte, v int64) []byte {
	return binary.AppendUvarint(b, uint64(v<<1)^uint64(v>>63))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendList(b []byte, n int, kind byte) []byte {
	if n < 15 {
		return append(b, byte(n)<<4|kind)
	}
	return binary.AppendUvarint(append(b, 0xf0|kind), uint64(n))
}
