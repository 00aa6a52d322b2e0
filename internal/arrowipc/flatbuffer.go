package arrowipc

import (
	"encoding/binary"
	"fmt"
)

// flatBuffer walks a FlatBuffer without trusting it; err keeps the first thing
// that is wrong, and what is read after it is absent.
type flatBuffer struct {
	b []byte
	// budget is how many bytes of tables and vectors may still be met. Honest
	// metadata is a tree, but for a shared text here and there; one whose parts
	// refer to each other many times over runs out.
	budget int
	err    error
}

func newFlatBuffer(b []byte) *flatBuffer { return &flatBuffer{b: b, budget: 4*len(b) + 1024} }

func (f *flatBuffer) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

// need tells whether n bytes are there at a place.
func (f *flatBuffer) need(at, n int) bool {
	if at < 0 || n < 0 || at > len(f.b)-n {
		f.fail("its metadata has %d bytes and needs %d at byte %d", len(f.b), n, at)
	}
	return f.err == nil
}

// take is need of a part that is met for the first time, if all is well.
func (f *flatBuffer) take(at, n int) bool {
	if !f.need(at, n) {
		return false
	}
	if f.budget -= n; f.budget < 0 {
		f.fail("the parts of its metadata refer to each other too often")
	}
	return f.err == nil
}

func (f *flatBuffer) u16(at int) int {
	if !f.need(at, 2) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(f.b[at:]))
}

func (f *flatBuffer) u32(at int) int {
	if !f.need(at, 4) {
		return 0
	}
	return int(binary.LittleEndian.Uint32(f.b[at:]))
}

// table is a table that is in bounds; one without places has no fields.
type table struct {
	f      *flatBuffer
	at     int
	size   int
	places []byte // of the fields, u16 each
}

// table reads the table that the distance at a place leads to.
func (f *flatBuffer) table(from int) table {
	at := from + f.u32(from)
	v := at - int(int32(f.u32(at)))
	own, size := f.u16(v), f.u16(v+2)
	if own < 4 || own%2 != 0 || size < 4 {
		f.fail("its metadata has a table of %d bytes that takes %d to describe", size, own)
	}
	if !f.need(v, own) || !f.take(at, size) {
		return table{f: f}
	}
	return table{f, at, size, f.b[v+4 : v+own]}
}

// field gives the place of a field of some bytes, 0 if it is absent.
func (t table) field(slot, width int) int {
	if 2*slot+2 > len(t.places) {
		return 0
	}
	place := int(binary.LittleEndian.Uint16(t.places[2*slot:]))
	if place == 0 {
		return 0
	}
	if place < 4 || place+width > t.size {
		t.f.fail("its metadata has a table of %d bytes with a field at byte %d", t.size, place)
		return 0
	}
	return t.at + place
}

// byte gives a field of one byte; an absent one is 0.
func (t table) byte(slot int) int {
	if at := t.field(slot, 1); at != 0 {
		return int(t.f.b[at])
	}
	return 0
}

// long gives a field of eight bytes; an absent one is 0.
func (t table) long(slot int) int64 {
	if at := t.field(slot, 8); at != 0 {
		return int64(binary.LittleEndian.Uint64(t.f.b[at:]))
	}
	return 0
}

// child gives a field that is a table, and whether there is one.
func (t table) child(slot int) (table, bool) {
	at := t.field(slot, 4)
	if at == 0 {
		return table{f: t.f}, false
	}
	c := t.f.table(at)
	return c, t.f.err == nil
}

// vector gives the place of a vector's first element and their number.
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

// each calls visit with the tables of a vector.
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
