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

// maxFooter is the largest size of the metadata, in bytes. A file with ten
// thousand columns and a thousand row groups has a few hundred MB of metadata.
const maxFooter = 512 << 20

// footer is the metadata (FileMetaData) at the end of a file.
type footer struct {
	root      *node
	leaves    []*node
	rows      []int64 // number of rows of each row group
	rowBytes  int64   // the largest average row size of any row group, in bytes
	keyValues []keyValue
	// chunkKeyValues holds, for each leaf, the encoded KeyValue structs that its
	// column chunks have in every row group.
	chunkKeyValues [][][]byte
	// plain is the checked metadata, encoded with only the fields that are needed
	// to read levels and values.
	plain []byte
	// groups is the list of row groups as encoded in the file.
	groups, columnOrders []byte
	createdBy            string
}

type keyValue struct{ key, value string }

var errNoTrailer = errors.New("it does not end with the Parquet trailer PAR1")

// readFooter reads the end of a file: the metadata, its length in 4 bytes, and
// "PAR1".
func readFooter(f io.ReaderAt, size int64) (*footer, error) {
	ends := make([]byte, 12)
	if size < 12 {
		return nil, &Damaged{errNoTrailer}
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
		return nil, &Damaged{errNoTrailer}
	}
	if n > maxFooter {
		return nil, unsupported("its metadata has %d MiB; at most %d MiB are supported", n>>20, maxFooter>>20)
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, size-8-n); err != nil {
		return nil, err
	}
	return parseFooter(b, size-8-n)
}

var errEncrypted = errors.New("it is encrypted: decrypt it first, with a program that has its keys")

// fileMetaData holds the decoded or still encoded fields of the struct.
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

// keyValue reads a KeyValue struct. A missing value is read as empty.
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

// parseFooter parses and checks the metadata b of a file. All column chunks must
// lie before the offset end.
func parseFooter(b []byte, end int64) (*footer, error) {
	m, err := parseMetaData(b)
	if err != nil {
		return nil, err
	}
	f := &footer{keyValues: m.keyValues, groups: m.groups, columnOrders: m.columnOrders, createdBy: string(m.createdBy)}
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
	f.root.each(func(n *node) { elements = append(elements, n.physicalOnly()) })
	w.structures(2, len(elements), elements...)
	w.int(3, kindI64, f.allRows())
	w.structures(4, len(f.rows), groups)
	if m.createdBy != nil {
		w.text(6, string(m.createdBy))
	}
	f.plain = w.end()
	return f, nil
}

// allRows returns the sum of the rows of the row groups. The number of rows in
// FileMetaData is ignored, because some writers set it incorrectly.
func (f *footer) allRows() (sum int64) {
	for _, n := range f.rows {
		sum += n
	}
	return sum
}

// rowGroups checks a list of row groups and returns them encoded with only the
// fields that are needed to read them.
func (f *footer) rowGroups(list []byte, end int64) (plain []byte, err error) {
	if list == nil {
		return nil, nil
	}
	r := thriftReader{b: list}
	var encrypted []string // paths of encrypted columns
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
						err = unsupported("its rows are in other files, such as %s: read those files instead", c.otherFile)
					case c.encrypted:
						if path := f.leaves[i].path; !slices.Contains(encrypted, path) && len(encrypted) < 10 {
							encrypted = append(encrypted, path)
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
			err = damaged("row group %d has %d columns, but the schema has %d", group, count, len(f.leaves))
		}
		if err == nil && (rows < 0 || rows > math.MaxInt64-f.allRows()) {
			err = damaged("row group %d has an invalid number of rows: %d", group, rows)
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
	case len(encrypted) == len(f.leaves):
		return nil, errEncrypted
	case len(encrypted) > 0:
		return nil, fmt.Errorf("%w (encrypted columns: %s)", errEncrypted, strings.Join(encrypted, ", "))
	}
	return plain, nil
}

// columnChunk holds the fields of a ColumnChunk struct and of its ColumnMetaData.
type columnChunk struct {
	otherFile string
	encrypted bool
	meta      bool
	physical  int64
	codec     int64
	values    int64
	unpacked  int64 // uncompressed size in bytes
	bytes     int64 // compressed size in bytes
	data      int64 // file offset of the first data page
	dict      int64 // file offset of the dictionary page
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

// check reports whether the chunk is valid for the leaf n and lies before the
// file offset end.
func (c *columnChunk) check(n *node, end int64) error {
	from := c.data
	if c.hasDict && c.dict > 0 && c.dict < from {
		from = c.dict
	}
	switch {
	case !c.meta:
		return damaged("%s has no metadata", n.title())
	case c.physical != int64(n.physical):
		return damaged("%s has the physical type %d, but %d in the schema", n.title(), c.physical, n.physical)
	case from < 0 || c.bytes < 0 || from > end || c.bytes > end-from || c.data > end:
		return damaged("%s has %d bytes at offset %d and its first data page at offset %d, but the columns end at byte %d", n.title(), c.bytes, from, c.data, end)
	case c.values < 0 || c.unpacked < 0:
		return damaged("%s has an invalid number of values (%d) or of bytes (%d)", n.title(), c.values, c.unpacked)
	}
	if _, err := compress.GetCodec(compress.Compression(c.codec)); err != nil {
		name := fmt.Sprintf("codec %d", c.codec)
		if c.codec == int64(compress.Codecs.Lzo) {
			name = "LZO"
		}
		return unsupported("%s is compressed with %s, which is not supported: write the file with another compression", n.title(), name)
	}
	r := thriftReader{b: c.encodings}
	for count, kind := r.list(); count > 0 && kind == kindI32 && !r.bad; count-- {
		if e := r.int(); e < 0 || e > maxEncoding {
			name := fmt.Sprint(e)
			if e == alp {
				name = "ALP"
			}
			return unsupported("%s has the encoding %s, which is not supported: write the file with another encoding", n.title(), name)
		}
	}
	return nil
}

// Values of the enumeration Encoding. Every encoding up to maxEncoding,
// BYTE_STREAM_SPLIT, can be read.
const (
	maxEncoding = 9
	alp         = 10
)

// plain returns the struct encoded with only the fields that are needed to read
// its pages.
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

// keepKeyValues keeps the key-value pairs that the leaf has in every row group
// so far. pairs are those of the row group with the given number.
func (f *footer) keepKeyValues(leaf, group int, pairs [][]byte) {
	if group == 0 {
		f.chunkKeyValues[leaf] = pairs
		return
	}
	f.chunkKeyValues[leaf] = slices.DeleteFunc(f.chunkKeyValues[leaf], func(kept []byte) bool {
		return !slices.ContainsFunc(pairs, func(kv []byte) bool { return string(kv) == string(kept) })
	})
}
