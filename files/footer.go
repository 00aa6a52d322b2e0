package files

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The end of a Parquet file describes it: FileMetaData in Thrift's compact
// protocol, its length in 4 bytes, "PAR1". What reads it allocates by the counts
// in there, of lists and of a column's children, before it finds that they
// cannot be; so they are checked here first.

// maxFooter bounds the description. Files of ten thousand columns and a
// thousand row groups have some hundred MB.
const maxFooter = 512 << 20

var errFooter = errors.New("its end, which describes it, is damaged")

func checkFooter(f io.ReaderAt, size int64) error {
	tail := make([]byte, 8)
	if size < 12 {
		return errFooter
	}
	if _, err := f.ReadAt(tail, size-8); err != nil {
		return err
	}
	n := int64(binary.LittleEndian.Uint32(tail))
	if string(tail[4:]) == "PARE" {
		return errors.New("it is encrypted, and cannot be read")
	}
	if string(tail[4:]) != "PAR1" || n > size-12 {
		return errFooter
	}
	if n > maxFooter {
		return fmt.Errorf("its description is %d MiB long, which is more than is read", n>>20)
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, size-8-n); err != nil {
		return err
	}
	t := thrift{b: b}
	t.structure(0, func(id int, kind byte) bool {
		if id == 2 && kind == thriftList {
			t.schema()
			return true
		}
		return false
	})
	if t.bad {
		return errFooter
	}
	return nil
}

const (
	thriftList   = 9
	thriftStruct = 12
)

// thrift walks over compact Thrift. After bad, it stands still.
type thrift struct {
	b   []byte
	bad bool
}

func (t *thrift) byte() byte {
	if len(t.b) == 0 {
		t.bad = true
		return 0
	}
	c := t.b[0]
	t.b = t.b[1:]
	return c
}

func (t *thrift) varint() uint64 {
	v, n := binary.Uvarint(t.b)
	if n <= 0 {
		t.bad = true
		return 0
	}
	t.b = t.b[n:]
	return v
}

func (t *thrift) skipBytes(n uint64) {
	if n > uint64(len(t.b)) {
		t.bad = true
		return
	}
	t.b = t.b[n:]
}

// structure walks over a struct's fields. own says that it has read a value.
func (t *thrift) structure(depth int, own func(id int, kind byte) bool) {
	id := 0
	for !t.bad {
		head := t.byte()
		kind := head & 0x0f
		if kind == 0 {
			return
		}
		if delta := int(head >> 4); delta > 0 {
			id += delta
		} else {
			v := t.varint()
			id = int(int16(v>>1) ^ -int16(v&1))
		}
		if own == nil || !own(id, kind) {
			t.value(depth+1, kind)
		}
	}
}

// list gives a list's length and its elements' kind. Each takes a byte.
func (t *thrift) list() (n uint64, kind byte) {
	head := t.byte()
	if n = uint64(head >> 4); n == 15 {
		n = t.varint()
	}
	if n > uint64(len(t.b)) {
		t.bad = true
	}
	return n, head & 0x0f
}

func (t *thrift) value(depth int, kind byte) {
	if depth > 64 {
		t.bad = true
	}
	switch kind {
	case 1, 2: // a field's boolean is its kind
	case 3:
		t.byte()
	case 4, 5, 6:
		t.varint()
	case 7:
		t.skipBytes(8)
	case 8:
		t.skipBytes(t.varint())
	case thriftList, 10:
		n, of := t.list()
		for ; n > 0 && !t.bad; n-- {
			if of == 1 || of == 2 {
				t.byte()
			} else {
				t.value(depth+1, of)
			}
		}
	case thriftStruct:
		t.structure(depth, nil)
	default: // maps, which Parquet does not have
		t.bad = true
	}
}

// schema walks over the list of columns, each of which is followed by as many
// children as it says.
func (t *thrift) schema() {
	n, kind := t.list()
	if kind != thriftStruct {
		t.bad = true
	}
	for i := uint64(0); i < n && !t.bad; i++ {
		t.structure(2, func(id int, kind byte) bool {
			if id != 5 || kind != 5 {
				return false
			}
			v := t.varint()
			if children := int64(v>>1) ^ -int64(v&1); children < 0 || children > int64(n) {
				t.bad = true
			}
			return true
		})
	}
}
