package arrowipc

import (
	"encoding/binary"
	"fmt"
)

// flatBuffer reads a FlatBuffer that is not trusted. err holds the first
// error; after it every field reads as absent.
type flatBuffer struct {
	b []byte
	// budget is the number of bytes of tables and vectors that may still be
	// read. Valid metadata is a tree with few shared texts. Metadata whose parts
	// refer to each other many times exhausts the budget.
	budget int
	err    error
}

func newFlatBuffer(b []byte) *flatBuffer { return &flatBuffer{b: b, budget: 4*len(b) + 1024} }

func (f *flatBuffer) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

// inBounds reports whether the n bytes at offset at exist. If not, it sets err.
func (f *flatBuffer) inBounds(at, n int) bool {
	if at < 0 || n < 0 || at > len(f.b)-n {
		f.fail("its metadata has %d bytes and needs %d at byte %d", len(f.b), n, at)
	}
	return f.err == nil
}

// take is inBounds for a table or vector; it subtracts n from the budget.
func (f *flatBuffer) take(at, n int) bool {
	if !f.inBounds(at, n) {
		return false
	}
	if f.budget -= n; f.budget < 0 {
		f.fail("the parts of its metadata refer to each other too often")
	}
	return f.err == nil
}

func (f *flatBuffer) u16(at int) int {
	if !f.inBounds(at, 2) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(f.b[at:]))
}

func (f *flatBuffer) u32(at int) int {
	if !f.inBounds(at, 4) {
		return 0
	}
	return int(binary.LittleEndian.Uint32(f.b[at:]))
}

// table is a table that lies inside the buffer. The zero table has no fields.
type table struct {
	f       *flatBuffer
	at      int
	size    int
	offsets []byte // of the fields, u16 each
}

// table reads the table to which the distance at offset from points.
func (f *flatBuffer) table(from int) table {
	at := from + f.u32(from)
	v := at - int(int32(f.u32(at)))
	vtableSize, size := f.u16(v), f.u16(v+2)
	if vtableSize < 4 || vtableSize%2 != 0 || size < 4 {
		f.fail("its metadata has a table of %d bytes with a vtable of %d", size, vtableSize)
	}
	if !f.inBounds(v, vtableSize) || !f.take(at, size) {
		return table{f: f}
	}
	return table{f, at, size, f.b[v+4 : v+vtableSize]}
}

// field returns the offset in the buffer of a field of width bytes, or 0 if the
// field is absent.
func (t table) field(slot, width int) int {
	if 2*slot+2 > len(t.offsets) {
		return 0
	}
	offset := int(binary.LittleEndian.Uint16(t.offsets[2*slot:]))
	if offset == 0 {
		return 0
	}
	if offset < 4 || offset+width > t.size {
		t.f.fail("its metadata has a table of %d bytes with a field at byte %d", t.size, offset)
		return 0
	}
	return t.at + offset
}

// byte returns a field of one byte; an absent one is 0.
func (t table) byte(slot int) int {
	if at := t.field(slot, 1); at != 0 {
		return int(t.f.b[at])
	}
	return 0
}

// long returns a field of eight bytes; an absent one is 0.
func (t table) long(slot int) int64 {
	if at := t.field(slot, 8); at != 0 {
		return int64(binary.LittleEndian.Uint64(t.f.b[at:]))
	}
	return 0
}

// child returns a field that is a table, and reports whether it is present.
func (t table) child(slot int) (table, bool) {
	at := t.field(slot, 4)
	if at == 0 {
		return table{f: t.f}, false
	}
	c := t.f.table(at)
	return c, t.f.err == nil
}

// vector returns the offset of a vector's first element and the number of
// elements. Both are 0 if the field is absent.
func (t table) vector(slot, elementSize int) (first, n int) {
	from := t.field(slot, 4)
	if from == 0 {
		return 0, 0
	}
	at := from + t.f.u32(from)
	n, first = t.f.u32(at), at+4
	if n > len(t.f.b)/elementSize {
		t.f.fail("its metadata has %d bytes and a list of %d elements of %d", len(t.f.b), n, elementSize)
	}
	if !t.f.take(first, n*elementSize) {
		return 0, 0
	}
	return first, n
}

// each calls visit with each table of a vector.
func (t table) each(slot int, visit func(table)) {
	first, n := t.vector(slot, 4)
	for i := 0; i < n; i++ {
		c := t.f.table(first + 4*i)
		if t.f.err != nil {
			return
		}
		visit(c)
	}
}
