package arrowipc

import (
	"encoding/binary"
	"errors"
)

// CheckSchema checks a stream's first message, a schema of any types, before
// Arrow's reader reads it: no count in it may exceed the bytes that follow.
// Parquet files hold such a schema.
func CheckSchema(stream []byte) error {
	b := stream
	if len(b) >= 4 && binary.LittleEndian.Uint32(b) == 0xFFFFFFFF {
		b = b[4:]
	}
	if len(b) < 4 {
		return errors.New("the message is missing")
	}
	n, b := uint64(binary.LittleEndian.Uint32(b)), b[4:]
	if n > uint64(len(b)) {
		return errors.New("the metadata is truncated")
	}
	f := newFlatBuffer(b[:n])
	message := f.table(0)
	content, ok := message.child(2)
	if f.err == nil && (!ok || message.byte(1) != headerSchema || message.long(3) != 0) {
		f.fail("the message is not a schema")
	}
	if f.err == nil {
		keyValues(message, 4)
		keyValues(content, 2)
		content.vector(3, 8)
		content.each(1, func(field table) { checkAnyField(field, 0) })
	}
	return f.err
}

func checkAnyField(t table, depth int) {
	if depth > maxDepth {
		t.f.fail("its types are nested deeper than %d levels", maxDepth)
		return
	}
	t.vector(0, 1)
	keyValues(t, 6)
	if kind, ok := t.child(3); ok {
		switch t.byte(2) {
		case 10:
			kind.vector(1, 1) // a time zone
		case 14:
			kind.vector(1, 4) // a union's types
		}
	}
	t.child(4) // a dictionary
	t.each(5, func(child table) { checkAnyField(child, depth+1) })
}
