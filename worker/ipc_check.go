package worker

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The metadata of Arrow messages are FlatBuffers, and Arrow's reader takes
// memory for as many elements as a vector claims to have. checkMetadata walks
// the vectors first:
//
//	buffer  u32 offset of the root table
//	table   i32 distance back to its vtable, then the fields
//	vtable  u16 own size, u16 table's size, u16 offset in the table of each
//	        field, 0 if absent
//	vector  u32 length, then the elements; where elements are tables, a u32
//	        offset each, from its own place
//
// Message: 1 header's type, 2 header, 4 metadata. Schema: 1 fields, 2 metadata.
// Field: 0 name, 2 type's type, 3 type, 4 dictionary, 5 children, 6 metadata.
// Metadata: 0 key, 1 value. The type Timestamp: 1 time zone.
//
// Spark sends no dictionaries, unions or views, so those are refused.
const (
	headerIsSchema      = 1
	headerIsRecordBatch = 3
	typeIsTimestamp     = 10
	maxDepth            = 64 // of nested types
)

// sentTypes has a bit for each type that Spark sends: Null to Struct, Map,
// Duration, and large binary, text and list.
const sentTypes = 0x3FFE | 1<<17 | 1<<18 | 1<<19 | 1<<20 | 1<<21

// flatBuffer reads a FlatBuffer; err keeps the first thing that is wrong.
type flatBuffer struct {
	b []byte
	// budget is how many bytes of elements may still be met. Honest metadata is
	// a tree, but for a shared text here and there; one whose parts refer to
	// each other many times over runs out.
	budget int
	err    error
}

func (f *flatBuffer) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

func (f *flatBuffer) need(at, n int) bool {
	if at < 0 || at > len(f.b)-n {
		f.fail("it points to byte %d of %d", at, len(f.b))
	}
	return f.err == nil
}

func (f *flatBuffer) u32(at int) int {
	if !f.need(at, 4) {
		return 0
	}
	return int(binary.LittleEndian.Uint32(f.b[at:]))
}

func (f *flatBuffer) u16(at int) int {
	if !f.need(at, 2) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(f.b[at:]))
}

func (f *flatBuffer) u8(at int) int {
	if at == 0 || !f.need(at, 1) { // an absent number is 0
		return 0
	}
	return int(f.b[at])
}

// field gives the place of a table's field, or 0 if it is absent. It must call
// absent what Arrow's reader does: a vtable's size may end within an entry.
func (f *flatBuffer) field(table, slot int) int {
	vtable := table - int(int32(f.u32(table)))
	if entry := 4 + 2*slot; entry < f.u16(vtable) {
		if offset := f.u16(vtable + entry); offset != 0 {
			return table + offset
		}
	}
	return 0
}

// target follows the offset that stands at a place.
func (f *flatBuffer) target(at int) int { return at + f.u32(at) }

// child gives the place of a table's field that is a table, or 0.
func (f *flatBuffer) child(table, slot int) int {
	at := f.field(table, slot)
	if at == 0 {
		return 0
	}
	return f.target(at)
}

// vector gives the place of a vector's first element and its length.
func (f *flatBuffer) vector(table, slot, elementSize int) (first, n int) {
	at := f.child(table, slot)
	if at == 0 || f.err != nil {
		return 0, 0
	}
	n, first = f.u32(at), at+4
	if !f.need(first, n*elementSize) {
		return 0, 0
	}
	if f.budget -= n * elementSize; f.budget < 0 {
		f.fail("its parts refer to each other too often")
	}
	return first, n
}

func (f *flatBuffer) metadata(table, slot int) {
	first, n := f.vector(table, slot, 4)
	for i := 0; i < n && f.err == nil; i++ {
		pair := f.target(first + 4*i)
		f.vector(pair, 0, 1)
		f.vector(pair, 1, 1)
	}
}

func (f *flatBuffer) fields(table, slot, depth int) {
	if depth > maxDepth {
		f.fail("its types are nested deeper than %d", maxDepth)
	}
	first, n := f.vector(table, slot, 4)
	for i := 0; i < n && f.err == nil; i++ {
		field := f.target(first + 4*i)
		f.vector(field, 0, 1)
		kind := f.u8(f.field(field, 2))
		switch {
		case kind > 31 || sentTypes&(1<<kind) == 0:
			f.fail("a column is of Arrow's type %d, which Spark does not send", kind)
		case f.field(field, 4) != 0:
			f.fail("a column is encoded by a dictionary, which Spark does not do")
		case kind == typeIsTimestamp:
			f.vector(f.child(field, 3), 1, 1)
		}
		f.metadata(field, 6)
		f.fields(field, 5, depth+1)
	}
}

// checkMetadata checks the metadata of an Arrow message.
func checkMetadata(b []byte) error {
	f := &flatBuffer{b: b, budget: 4 * len(b)}
	message := f.target(0)
	f.metadata(message, 4)
	header := f.child(message, 2)
	switch kind := f.u8(f.field(message, 1)); {
	case f.err != nil:
	case header == 0:
		f.err = errors.New("it has no header")
	case kind == headerIsSchema:
		f.metadata(header, 2)
		f.fields(header, 1, 0)
	case kind != headerIsRecordBatch:
		f.fail("it is of the kind %d, neither a schema nor a batch", kind)
	}
	if f.err != nil {
		return fmt.Errorf("the Arrow stream from Spark has a malformed message: %w", f.err)
	}
	return nil
}
