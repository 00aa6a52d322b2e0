package worker

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Arrow's schemas are FlatBuffers, and Arrow's reader takes memory for as many
// fields as a vector claims to have. checkSchema walks a schema first:
//
//	buffer  u32 offset of the root table
//	table   i32 distance back to its vtable, then the fields
//	vtable  u16 own size, u16 table's size, u16 offset in the table of each
//	        field, 0 if absent
//	vector  u32 length, then the elements; where elements are tables, a u32
//	        offset each, from its own place
//
// Message: 1 header's type, 2 header. Schema: 1 fields, 2 metadata. Field: 2
// type's type, 3 type, 5 children, 6 metadata. The type Union: 1 type ids.
const (
	headerIsSchema = 1
	typeIsUnion    = 14
	maxFields      = 100_000 // of all levels, metadata entries included
	maxDepth       = 64      // of nested types
)

// flatBuffer reads a FlatBuffer; err keeps the first offset out of bounds.
type flatBuffer struct {
	b      []byte
	budget int // of vector elements
	err    error
}

func (f *flatBuffer) need(at, n int) bool {
	if f.err == nil && (at < 0 || at > len(f.b)-n) {
		f.err = fmt.Errorf("it points to byte %d of %d", at, len(f.b))
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

// field gives the place of a table's field, or 0 if it is absent.
func (f *flatBuffer) field(table, slot int) int {
	vtable := table - int(int32(f.u32(table)))
	if entry := 4 + 2*slot; entry+2 <= f.u16(vtable) {
		if offset := f.u16(vtable + entry); offset != 0 {
			return table + offset
		}
	}
	return 0
}

// target follows the offset that stands at a place.
func (f *flatBuffer) target(at int) int { return at + f.u32(at) }

// vector gives the place of a vector's first element and its length.
func (f *flatBuffer) vector(table, slot, elementSize int) (first, n int) {
	at := f.field(table, slot)
	if at == 0 || f.err != nil {
		return 0, 0
	}
	at = f.target(at)
	n = f.u32(at)
	first = at + 4
	if f.budget -= n; f.budget < 0 && f.err == nil {
		f.err = fmt.Errorf("it has more than %d fields", maxFields)
	}
	if !f.need(first, n*elementSize) {
		return 0, 0
	}
	return first, n
}

func (f *flatBuffer) fields(table, slot, depth int) {
	if depth > maxDepth && f.err == nil {
		f.err = errors.New("its types are nested too deeply")
	}
	first, n := f.vector(table, slot, 4)
	for i := 0; i < n && f.err == nil; i++ {
		field := f.target(first + 4*i)
		f.vector(field, 6, 4)
		if kind := f.field(field, 2); kind != 0 && f.need(kind, 1) && f.b[kind] == typeIsUnion {
			if union := f.field(field, 3); union != 0 {
				f.vector(f.target(union), 1, 4)
			}
		}
		f.fields(field, 5, depth+1)
	}
}

// checkSchema checks the metadata of an Arrow message, if it is a schema.
func checkSchema(metadata []byte) error {
	f := &flatBuffer{b: metadata, budget: maxFields}
	message := f.target(0)
	if kind := f.field(message, 1); kind != 0 && f.need(kind, 1) && metadata[kind] == headerIsSchema {
		if header := f.field(message, 2); header != 0 {
			schema := f.target(header)
			f.vector(schema, 2, 4)
			f.fields(schema, 1, 0)
		}
	}
	if f.err != nil {
		return fmt.Errorf("the Arrow stream from Spark has a malformed schema: %w", f.err)
	}
	return nil
}
