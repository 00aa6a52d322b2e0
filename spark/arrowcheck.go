package spark

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The library that reads Arrow streams believes the counts inside a message's
// metadata and allocates by them. So the metadata is walked first.
//
// A stream is a sequence of messages: 0xFFFFFFFF, the metadata's length
// (int32), the metadata, and a body whose length the metadata states. A length
// of 0 ends the stream. Older writers leave out the 0xFFFFFFFF.
//
// Metadata is a FlatBuffer. It starts with the place of its root table
// (uint32). A table starts with the distance back to its vtable (int32); the
// vtable is its own size and the table's (uint16 each), then for each field
// its place in the table (uint16, 0 if absent). A field that is a table, a
// string or a vector holds the distance forward to it (uint32); the latter two
// start with a count (uint32). Tables, by the numbers of their fields:
//
//	Message      0 version, 1 header type, 2 header, 3 body length, 4 metadata
//	Schema       0 endianness, 1 fields, 2 metadata
//	Field        0 name, 1 nullable, 2 type's number, 3 type, 4 dictionary,
//	             5 children, 6 metadata
//	KeyValue     0 key, 1 value
//	RecordBatch  0 rows, 1 nodes, 2 buffers, 3 compression
//	Timestamp    0 unit, 1 time zone
//
// (Apache Arrow, "Columnar format" and format/Message.fbs, Schema.fbs.)
//
// Spark sends no dictionaries, unions or views, so those are refused.

const (
	headerSchema      = 1
	headerRecordBatch = 3

	typeTimestamp = 10
)

// arrowTypeNumbers are the types that Spark sends, of Arrow's union Type:
// Null to Struct, Map, Duration, and the large forms of binary, text and list.
const arrowTypeNumbers = 0x3FFE | 1<<17 | 1<<18 | 1<<19 | 1<<20 | 1<<21

var errOutOfBounds = errors.New("a place in the metadata is out of bounds")

// checkStream verifies the framing and the metadata of a stream.
func checkStream(data []byte) error {
	for i := 0; ; i++ {
		if len(data) < 4 {
			if i == 0 {
				return errors.New("it is cut off before the schema")
			}
			return nil // without an end mark, which is allowed
		}
		length := binary.LittleEndian.Uint32(data)
		data = data[4:]
		if length == 0xFFFFFFFF {
			if len(data) < 4 {
				return fmt.Errorf("message %d is cut off", i)
			}
			length = binary.LittleEndian.Uint32(data)
			data = data[4:]
		}
		if length == 0 {
			return nil
		}
		if uint64(length) > uint64(len(data)) {
			return fmt.Errorf("message %d is cut off: its metadata has %d bytes and %d are there", i, length, len(data))
		}
		body, err := checkMessage(data[:length], i == 0)
		if err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
		data = data[length:]
		if body < 0 || body > int64(len(data)) {
			return fmt.Errorf("message %d is cut off: its body has %d bytes and %d are there", i, body, len(data))
		}
		data = data[body:]
	}
}

// flatBuffer is metadata with a budget: what is read of one that is a tree,
// as all honest ones are, is not larger than itself. One whose tables are
// reached many times over runs out.
type flatBuffer struct {
	b      []byte
	budget int
}

func checkMessage(b []byte, first bool) (body int64, err error) {
	m := &flatBuffer{b, 4*len(b) + 1024}
	root, err := m.offset(0)
	if err != nil {
		return 0, err
	}
	message, err := m.table(root)
	if err != nil {
		return 0, err
	}
	kind := message.number(1, 1)
	header, err := message.child(2)
	if err != nil {
		return 0, err
	}
	if err := message.keyValues(4); err != nil {
		return 0, err
	}
	switch {
	case header == nil:
		return 0, errors.New("it has no header")
	case first && kind == headerSchema:
		err = header.schema()
	case !first && kind == headerRecordBatch:
		for _, vector := range []int{1, 2} {
			if _, _, err = header.vector(vector, 16); err != nil {
				break
			}
		}
	default:
		err = fmt.Errorf("header type %d is not expected here", kind)
	}
	return int64(message.number(3, 8)), err
}

type table struct {
	m      *flatBuffer
	at     int
	size   int
	vtable []byte // of the fields' places only
}

func (m *flatBuffer) spend(n int) error {
	if m.budget -= n; m.budget < 0 {
		return errors.New("the metadata refers to its parts too often")
	}
	return nil
}

// offset follows the distance at a place.
func (m *flatBuffer) offset(at int) (int, error) {
	if at < 0 || at > len(m.b)-4 {
		return 0, errOutOfBounds
	}
	to := uint64(at) + uint64(binary.LittleEndian.Uint32(m.b[at:]))
	if to > uint64(len(m.b)-4) {
		return 0, errOutOfBounds
	}
	return int(to), nil
}

func (m *flatBuffer) table(at int) (*table, error) {
	if err := m.spend(8); err != nil {
		return nil, err
	}
	if at < 0 || at > len(m.b)-4 {
		return nil, errOutOfBounds
	}
	v := int64(at) - int64(int32(binary.LittleEndian.Uint32(m.b[at:])))
	if v < 0 || v > int64(len(m.b)-4) {
		return nil, errOutOfBounds
	}
	vsize, size := int(binary.LittleEndian.Uint16(m.b[v:])), int(binary.LittleEndian.Uint16(m.b[v+2:]))
	if vsize < 4 || vsize%2 != 0 || int(v)+vsize > len(m.b) || size < 4 || at+size > len(m.b) {
		return nil, errOutOfBounds
	}
	return &table{m, at, size, m.b[int(v)+4 : int(v)+vsize]}, nil
}

// field gives the place of a field, or false if it is absent.
func (t *table) field(i, size int) (int, bool, error) {
	if 2*i+2 > len(t.vtable) {
		return 0, false, nil
	}
	place := int(binary.LittleEndian.Uint16(t.vtable[2*i:]))
	if place == 0 {
		return 0, false, nil
	}
	if place < 4 || place+size > t.size {
		return 0, false, errOutOfBounds
	}
	return t.at + place, true, nil
}

// number reads a field of 1, 2, 4 or 8 bytes; an absent one is 0, and one out
// of bounds a number that nothing expects.
func (t *table) number(i, size int) uint64 {
	at, ok, err := t.field(i, size)
	if err != nil {
		return 1<<64 - 1
	}
	var n uint64
	if ok {
		for k := size - 1; k >= 0; k-- {
			n = n<<8 | uint64(t.m.b[at+k])
		}
	}
	return n
}

// child gives a field that is a table, nil if it is absent.
func (t *table) child(i int) (*table, error) {
	at, ok, err := t.field(i, 4)
	if err != nil || !ok {
		return nil, err
	}
	if at, err = t.m.offset(at); err != nil {
		return nil, err
	}
	return t.m.table(at)
}

// vector gives the place of a vector's first element and their number.
func (t *table) vector(i, elementSize int) (at, count int, err error) {
	at, ok, err := t.field(i, 4)
	if err != nil || !ok {
		return 0, 0, err
	}
	if at, err = t.m.offset(at); err != nil {
		return 0, 0, err
	}
	n := uint64(binary.LittleEndian.Uint32(t.m.b[at:]))
	if n*uint64(elementSize) > uint64(len(t.m.b)-at-4) {
		return 0, 0, fmt.Errorf("a list in the metadata has %d elements, more than fit", n)
	}
	return at + 4, int(n), t.m.spend(int(n) * elementSize)
}

func (t *table) text(i int) error {
	_, _, err := t.vector(i, 1)
	return err
}

// each calls f for the tables of a vector.
func (t *table) each(i int, f func(*table) error) error {
	at, n, err := t.vector(i, 4)
	for k := 0; k < n && err == nil; k++ {
		var to int
		var child *table
		if to, err = t.m.offset(at + 4*k); err != nil {
			break
		}
		if child, err = t.m.table(to); err != nil {
			break
		}
		err = f(child)
	}
	return err
}

func (t *table) keyValues(i int) error {
	return t.each(i, func(kv *table) error { return errors.Join(kv.text(0), kv.text(1)) })
}

func (t *table) schema() error {
	if err := t.keyValues(2); err != nil {
		return err
	}
	return t.each(1, func(f *table) error { return f.column(0) })
}

func (t *table) column(depth int) error {
	if depth > maxTypeDepth {
		return fmt.Errorf("types are nested deeper than %d", maxTypeDepth)
	}
	number := t.number(2, 1)
	if number > 31 || arrowTypeNumbers&(1<<number) == 0 {
		return fmt.Errorf("Arrow's type number %d is none that Spark sends", number)
	}
	kind, err := t.child(3)
	if err != nil {
		return err
	}
	if kind == nil {
		return errors.New("a column has no type")
	}
	if number == typeTimestamp {
		if err := kind.text(1); err != nil {
			return err
		}
	}
	if dictionary, err := t.child(4); err != nil || dictionary != nil {
		return errors.Join(err, errors.New("a column is dictionary-encoded, which Spark does not do"))
	}
	if err := errors.Join(t.text(0), t.keyValues(6)); err != nil {
		return err
	}
	return t.each(5, func(f *table) error { return f.column(depth + 1) })
}
