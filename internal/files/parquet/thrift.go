package parquet

import "encoding/binary"

// Parquet's metadata is written in Thrift's compact protocol. Here it is read
// value by value, without allocating by the counts that it claims, and written
// field by field, so that what is not understood can be copied as it is.

// Kinds of values in the compact protocol.
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

// maxDepth bounds how deep values may be nested.
const maxDepth = 64

// thriftReader reads values one after another. After an error, bad is set, and
// all further values are empty.
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

// int reads an integer of any width but one byte.
func (r *thriftReader) int() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// binary reads bytes, which are part of the input.
func (r *thriftReader) binary() []byte {
	n := r.uvarint()
	if n > uint64(len(r.b)-r.at) {
		r.fail()
		return nil
	}
	r.at += int(n)
	return r.b[r.at-int(n) : r.at]
}

// structure reads the fields of a struct. each reads the value of a field and
// returns true, or returns false to skip it.
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

// list reads the head of a list: how many elements follow, and their kind. Each
// element takes a byte at least.
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

// structures reads a list of structs.
func (r *thriftReader) structures(each func(i, n int)) {
	n, kind := r.list()
	if n > 0 && kind != kindStruct {
		r.fail()
	}
	for i := 0; i < n && !r.bad; i++ {
		each(i, n)
	}
}

// raw gives the bytes of the value that read reads.
func (r *thriftReader) raw(read func()) []byte {
	from := r.at
	read()
	if r.bad {
		return nil
	}
	return r.b[from:r.at]
}

// value gives the bytes of a value of a kind.
func (r *thriftReader) value(kind byte) []byte {
	return r.raw(func() { r.skip(0, kind) })
}

func (r *thriftReader) skip(depth int, kind byte) {
	if depth > maxDepth {
		r.fail()
		return
	}
	switch kind {
	case kindTrue, kindFalse: // the kind is the value of a field
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
		n, of := r.list()
		for ; n > 0 && !r.bad; n-- {
			if of == kindTrue || of == kindFalse {
				r.byte()
			} else {
				r.skip(depth+1, of)
			}
		}
	case kindStruct:
		r.structure(depth, nil)
	default: // maps and UUIDs, which Parquet does not have
		r.fail()
	}
}

// thriftWriter writes the fields of a struct, by ascending ids.
type thriftWriter struct {
	b    []byte
	last int16
}

// raw writes a field whose value is encoded already.
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

// structures writes a list of structs that are encoded already.
func (w *thriftWriter) structures(id int16, n int, encoded ...[]byte) {
	w.field(id, kindList)
	w.b = appendList(w.b, n, kindStruct)
	for _, e := range encoded {
		w.b = append(w.b, e...)
	}
}

// end gives the struct.
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
