package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/parquet/compress"
)

// maxFooter bounds the metadata. Files of ten thousand columns and a thousand
// row groups have some hundred MB.
const maxFooter = 512 << 20

// footer is a file's metadata (FileMetaData), which stands at its end.
type footer struct {
	root      *node
	leaves    []*node
	rows      []int64 // of the row groups
	rowBytes  int64   // most bytes a row of a row group has on average
	keyValues []keyValue
	// chunkKeyValues are those of the leaves' column chunks (KeyValue structs,
	// encoded) that are the same in all row groups.
	chunkKeyValues [][][]byte
	// plain is the metadata with what is needed to read levels and values only,
	// checked.
	plain []byte
}

type keyValue struct{ key, value string }

var errCut = errors.New("it does not end as a Parquet file does")

// readFooter reads the metadata: its bytes, their length in 4 bytes, "PAR1".
func readFooter(f io.ReaderAt, size int64) (*footer, error) {
	ends := make([]byte, 12)
	if size < 12 {
		return nil, &Damaged{errCut}
	}
	for i, at := range []int64{0, size - 8, size - 4} {
		if _, err := f.ReadAt(ends[4*i:4*i+4], at); err != nil {
			return nil, err
		}
	}
	if string(ends[:4]) == "PARE" || string(ends[8:]) == "PARE" {
		return nil, errEncrypted
	}
	n := int64(binary.LittleEndian.Uint32(ends[4:]))
	if string(ends[8:]) != "PAR1" || n > size-12 {
		return nil, &Damaged{errCut}
	}
	if n > maxFooter {
		return nil, unsupported("its metadata has %d MiB, which is more than is read", n>>20)
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, size-8-n); err != nil {
		return nil, err
	}
	return parseFooter(b, size-8-n)
}

var errEncrypted = errors.New("it is encrypted: write it without encryption first, by a program that has its keys")

// fileMetaData are the fields of the struct, as bytes.
type fileMetaData struct {
	version, rows int64
	schema        []byte
	elements      []element
	groups        []byte // list
	keyValues     []keyValue
	createdBy     []byte
	columnOrders  []byte // list
	encrypted     bool
}

func parseMetaData(b []byte) (m fileMetaData, err error) {
	r := thriftReader{b: b}
	r.structure(0, func(id int16, kind byte) bool {
		switch {
		case id == 1 && kind == kindI32:
			m.version = r.int()
		case id == 2 && kind == kindList:
			m.schema = r.raw(func() {
				r.structures(func(int, int) { m.elements = append(m.elements, r.element()) })
			})
		case id == 3 && kind == kindI64:
			m.rows = r.int()
		case id == 4 && kind == kindList:
			m.groups = r.value(kind)
		case id == 5 && kind == kindList:
			r.structures(func(int, int) { m.keyValues = append(m.keyValues, r.keyValue()) })
		case id == 6 && kind == kindBinary:
			m.createdBy = r.binary()
		case id == 7 && kind == kindList:
			m.columnOrders = r.value(kind)
		case id == 8:
			m.encrypted = true
			return false
		default:
			return false
		}
		return true
	})
	if r.bad || m.schema == nil {
		return m, damaged("its metadata, at its end, cannot be read")
	}
	return m, nil
}

// keyValue reads the struct; a value that is absent is empty.
func (r *thriftReader) keyValue() (kv keyValue) {
	r.structure(0, func(id int16, kind byte) bool {
		switch {
		case id == 1 && kind == kindBinary:
			kv.key = string(r.binary())
		case id == 2 && kind == kindBinary:
			kv.value = string(r.binary())
		default:
			return false
		}
		return true
	})
	return kv
}

// parseFooter checks metadata of a file whose columns end before a place.
func parseFooter(b []byte, end int64) (*footer, error) {
	m, err := parseMetaData(b)
	if err != nil {
		return nil, err
	}
	f := &footer{keyValues: m.keyValues}
	if f.root, err = tree(m.elements); err != nil {
		return nil, err
	}
	f.root.eachLeaf(func(n *node) { f.leaves = append(f.leaves, n) })
	if len(f.leaves) == 0 {
		return nil, unsupported("it has no columns")
	}
	f.chunkKeyValues = make([][][]byte, len(f.leaves))
	groups, err := f.rowGroups(m.groups, end)
	if err != nil {
		return nil, err
	}
	if m.encrypted {
		return nil, errEncrypted
	}
	var w thriftWriter
	w.int(1, kindI32, m.version)
	var elements [][]byte
	var add func(*node)
	add = func(n *node) {
		elements = append(elements, n.physicalOnly())
		for _, c := range n.children {
			add(c)
		}
	}
	add(f.root)
	w.structures(2, len(elements), elements...)
	w.int(3, kindI64, f.allRows())
	w.structures(4, len(f.rows), groups)
	if m.createdBy != nil {
		w.text(6, string(m.createdBy))
	}
	f.plain = w.end()
	return f, nil
}

// allRows is the sum of the row groups, whatever the file says that it has.
func (f *footer) allRows() (sum int64) {
	for _, n := range f.rows {
		sum += n
	}
	return sum
}

// rowGroups checks the row groups, and gives them with what is needed to read
// them.
func (f *footer) rowGroups(list []byte, end int64) (plain []byte, err error) {
	if list == nil {
		return nil, nil
	}
	r := thriftReader{b: list}
	var hidden []string // columns that are encrypted
	r.structures(func(group, _ int) {
		var rows, bytes int64
		var columns [][]byte
		count := 0
		r.structure(0, func(id int16, kind byte) bool {
			switch {
			case id == 1 && kind == kindList:
				r.structures(func(i, n int) {
					count = n
					c := r.columnChunk()
					switch {
					case err != nil || r.bad || i >= len(f.leaves):
						return
					case c.otherFile != "":
						err = unsupported("its rows are in other files, such as %s: read these", c.otherFile)
					case c.encrypted:
						if path := f.leaves[i].path; !slices.Contains(hidden, path) && len(hidden) < 10 {
							hidden = append(hidden, path)
						}
					default:
						if err = c.check(f.leaves[i], end); err != nil {
							err = fmt.Errorf("row group %d: %w", group, err)
						}
						f.keepKeyValues(i, group, c.keyValues)
						columns = append(columns, c.plain())
					}
				})
			case id == 2 && kind == kindI64:
				bytes = r.int()
			case id == 3 && kind == kindI64:
				rows = r.int()
			default:
				return false
			}
			return true
		})
		if err == nil && count != len(f.leaves) {
			err = damaged("row group %d has %d columns, but the schema %d", group, count, len(f.leaves))
		}
		if err == nil && (rows < 0 || rows > math.MaxInt64-f.allRows()) {
			err = damaged("row group %d says that it has %d rows", group, rows)
		}
		if rows > 0 {
			f.rowBytes = max(f.rowBytes, bytes/rows)
		}
		f.rows = append(f.rows, rows)
		var w thriftWriter
		w.structures(1, len(columns), columns...)
		w.int(2, kindI64, bytes)
		w.int(3, kindI64, rows)
		plain = append(plain, w.end()...)
	})
	switch {
	case r.bad:
		return nil, damaged("its metadata, at its end, cannot be read")
	case err != nil:
		return nil, err
	case len(hidden) == len(f.leaves):
		return nil, errEncrypted
	case len(hidden) > 0:
		return nil, fmt.Errorf("%w (its columns %s)", errEncrypted, strings.Join(hidden, ", "))
	}
	return plain, nil
}

// columnChunk is the struct, with its ColumnMetaData.
type columnChunk struct {
	otherFile string
	encrypted bool
	meta      bool
	physical  int64
	codec     int64
	values    int64
	unpacked  int64
	bytes     int64
	data      int64 // where the first data page is
	dict      int64 // where the dictionary is
	hasDict   bool
	encodings []byte // list
	keyValues [][]byte
}

func (r *thriftReader) columnChunk() (c columnChunk) {
	r.structure(0, func(id int16, kind byte) bool {
		switch {
		case id == 1 && kind == kindBinary:
			c.otherFile = string(r.binary())
		case id == 3 && kind == kindStruct:
			c.meta = true
			r.columnMetaData(&c)
		case id == 8, id == 9:
			c.encrypted = true
			return false
		default:
			return false
		}
		return true
	})
	return c
}

func (r *thriftReader) columnMetaData(c *columnChunk) {
	r.structure(0, func(id int16, kind byte) bool {
		switch {
		case id == 1 && kind == kindI32:
			c.physical = r.int()
		case id == 2 && kind == kindList:
			c.encodings = r.value(kind)
		case id == 4 && kind == kindI32:
			c.codec = r.int()
		case id == 5 && kind == kindI64:
			c.values = r.int()
		case id == 6 && kind == kindI64:
			c.unpacked = r.int()
		case id == 7 && kind == kindI64:
			c.bytes = r.int()
		case id == 8 && kind == kindList:
			r.structures(func(int, int) { c.keyValues = append(c.keyValues, r.raw(func() { r.keyValue() })) })
		case id == 9 && kind == kindI64:
			c.data = r.int()
		case id == 11 && kind == kindI64:
			c.dict, c.hasDict = r.int(), true
		default:
			return false
		}
		return true
	})
}

func (c *columnChunk) check(n *node, end int64) error {
	from := c.data
	if c.hasDict && c.dict > 0 && c.dict < from {
		from = c.dict
	}
	switch {
	case !c.meta:
		return damaged("%s has no metadata", n.title())
	case c.physical != int64(n.physical):
		return damaged("%s is of the physical type %d, but %d in the schema", n.title(), c.physical, n.physical)
	case from < 0 || c.bytes < 0 || from > end || c.bytes > end-from || c.data > end:
		return damaged("%s has %d bytes from byte %d on, and data from byte %d on, but the columns end at byte %d", n.title(), c.bytes, from, c.data, end)
	case c.values < 0 || c.unpacked < 0:
		return damaged("%s says that it has %d values in %d bytes", n.title(), c.values, c.unpacked)
	}
	if _, err := compress.GetCodec(compress.Compression(c.codec)); err != nil {
		name := fmt.Sprintf("codec %d", c.codec)
		if c.codec == int64(compress.Codecs.Lzo) {
			name = "LZO"
		}
		return unsupported("%s is compressed by %s, which cannot be read here: write the file with another compression", n.title(), name)
	}
	r := thriftReader{b: c.encodings}
	for count, kind := r.list(); count > 0 && kind == kindI32 && !r.bad; count-- {
		if e := r.int(); e < 0 || e > maxEncoding {
			name := fmt.Sprint(e)
			if e == alp {
				name = "ALP"
			}
			return unsupported("%s is in the encoding %s, which cannot be read here: write the file with another one", n.title(), name)
		}
	}
	return nil
}

// Encodings, of which those up to maxEncoding, BYTE_STREAM_SPLIT, are known.
const (
	maxEncoding = 9
	alp         = 10
)

// plain is the struct with what is needed to read pages.
func (c *columnChunk) plain() []byte {
	var m thriftWriter
	m.int(1, kindI32, c.physical)
	m.raw(2, kindList, appendList(nil, 0, kindI32))
	m.raw(3, kindList, appendList(nil, 0, kindBinary))
	m.int(4, kindI32, c.codec)
	m.int(5, kindI64, c.values)
	m.int(6, kindI64, c.unpacked)
	m.int(7, kindI64, c.bytes)
	m.int(9, kindI64, c.data)
	if c.hasDict {
		m.int(11, kindI64, c.dict)
	}
	var w thriftWriter
	w.int(2, kindI64, 0)
	w.raw(3, kindStruct, m.end())
	return w.end()
}

// keepKeyValues keeps those that each row group has.
func (f *footer) keepKeyValues(leaf, group int, here [][]byte) {
	if group == 0 {
		f.chunkKeyValues[leaf] = here
		return
	}
	f.chunkKeyValues[leaf] = slices.DeleteFunc(f.chunkKeyValues[leaf], func(kept []byte) bool {
		return !slices.ContainsFunc(here, func(kv []byte) bool { return string(kv) == string(kept) })
	})
}
