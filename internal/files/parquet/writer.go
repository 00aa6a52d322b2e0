package parquet

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	pq "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/firesteel/firesteel/internal/panics"
)

// WriteOptions configures a Writer. Every field is required.
type WriteOptions struct {
	// RowGroup is the size of a row group in bytes of Arrow data. The Writer holds
	// one row group in memory.
	RowGroup  int64
	Allocator memory.Allocator
	// CreatedBy is the created_by field of the metadata: the writing program and
	// its version.
	CreatedBy string
}

// Writer writes batches to a Parquet file. Columns from a Reader keep their types
// and annotations, and the file keeps its key-value pairs.
type Writer struct {
	o       WriteOptions
	out     *footerCapture
	w       *file.Writer
	rows    file.BufferedRowGroupWriter // the current row group, or nil
	group   int64                       // size of the current row group in bytes
	batches []arrow.RecordBatch         // of the current row group that are not written
	waiting int64                       // size of batches in bytes
	leaves  [][]*shredder               // by column
	elems   []byte                      // the schema's elements, encoded
	count   int                         // number of elements
	pairs   [][][]byte                  // encoded key-value pairs of the column chunks, by leaf
	keys    []keyValue                  // key-value pairs of the file
	grouped bool                        // the file has a row group
	closed  bool
}

// NewWriter returns a Writer of batches of the schema. It returns an error if
// Parquet cannot store a column.
func NewWriter(w io.Writer, schema *arrow.Schema, o WriteOptions) (*Writer, error) {
	out := &Writer{o: o, out: &footerCapture{w: w}}
	return out, recovered(func() error { return out.begin(schema) })
}

func (w *Writer) begin(s *arrow.Schema) error {
	root, read, err := w.nodes(s)
	if err != nil {
		return err
	}
	if w.keys, err = keyValues(s, read); err != nil {
		return err
	}
	columns, err := columnsOf(root)
	if err != nil {
		return err
	}
	for i, c := range columns {
		all := shredders(c)
		for _, l := range all {
			number := l.leaf().leaves[0]
			l.connect(func() (file.ColumnChunkWriter, error) { return w.rows.Column(number) })
			empty := emptyArray(s.Field(i).Type)
			err := l.bind(empty)
			empty.Release()
			if err != nil {
				return err
			}
		}
		w.leaves = append(w.leaves, all)
	}
	props := []pq.WriterProperty{
		pq.WithCompression(compress.Codecs.Zstd), pq.WithCompressionLevel(1), pq.WithAllocator(w.o.Allocator), pq.WithCreatedBy(w.o.CreatedBy),
	}
	plain, err := plainNode(root, &props)
	if err != nil {
		return err
	}
	w.w, err = file.NewParquetWriterWithError(w.out, plain.(*schema.GroupNode), file.WithWriterProps(pq.NewWriterProperties(props...)))
	return err
}

// nodes returns the file's schema, and for each field whether it was read from a
// Parquet file and has kept its type.
func (w *Writer) nodes(s *arrow.Schema) (root *node, read []bool, err error) {
	var elements []element
	read = make([]bool, s.NumFields())
	for i, f := range s.Fields() {
		n, pairs := originNode(f)
		if read[i] = n != nil; !read[i] {
			if n, err = nodeFor(f); err != nil {
				return nil, nil, err
			}
		}
		n.each(func(n *node) { elements = append(elements, n.element) })
		if pairs == nil {
			n.eachLeaf(func(*node) { pairs = append(pairs, nil) })
		}
		w.pairs = append(w.pairs, pairs...)
	}
	all := append([]element{rootElement(s)}, elements...)
	for _, e := range all {
		w.elems = append(w.elems, e.raw...)
	}
	w.count = len(all)
	root, err = tree(all)
	return root, read, err
}

// rootElement returns the root element of the file that was read, with the number
// of children set to the number of fields of s.
func rootElement(s *arrow.Schema) element {
	var w thriftWriter
	children := func() { w.int(5, kindI32, int64(s.NumFields())) }
	fields := []rawField{{4, kindBinary, appendText(nil, "schema")}}
	if raw, ok := s.Metadata().GetValue(rootKey); ok {
		if stored, ok := fieldsOf([]byte(raw)); ok {
			fields = stored
		}
	}
	for _, f := range fields {
		if f.id > 5 && w.last < 5 {
			children()
		}
		if f.id != 5 {
			w.raw(f.id, f.kind, f.value)
		}
	}
	if w.last < 5 {
		children()
	}
	r := thriftReader{b: w.end()}
	return r.element()
}

// plainNode returns the node as the Arrow library's type. It keeps only the
// annotations that define the order of values, because the library computes
// minimum and maximum statistics with that order. It disables the statistics
// where the format defines no order or the library does not know it.
func plainNode(n *node, props *[]pq.WriterProperty) (schema.Node, error) {
	repetition := pq.Repetition(n.repetition)
	if n.group {
		fields := make(schema.FieldList, len(n.children))
		for i, c := range n.children {
			var err error
			if fields[i], err = plainNode(c, props); err != nil {
				return nil, err
			}
		}
		if n.path == "" {
			repetition = pq.Repetitions.Required
		}
		return schema.NewGroupNode(n.name, repetition, fields, -1)
	}
	var logical schema.LogicalType = schema.NoLogicalType{}
	ordered := true
	switch l := n.logical; {
	case l.id == logicalInteger && !l.signed && (l.bits == 8 || l.bits == 16 || l.bits == 32 || l.bits == 64):
		logical = schema.NewIntLogicalType(l.bits, false)
	case l.id == logicalDecimal && l.isDecimal():
		logical = schema.NewDecimalLogicalType(l.precision, l.scale)
	case l.id == logicalFloat16:
		logical = schema.Float16LogicalType{}
	case l.unknown, l.id == logicalNull, l.id > logicalFloat16, n.converted > convertedBSON, n.physical == pq.Types.Int96:
		ordered = false // INTERVAL, VARIANT, GEOMETRY, and unknown types
	}
	leaf, err := schema.NewPrimitiveNodeLogical(n.name, repetition, logical, n.physical, int(n.length), -1)
	if err != nil { // for example, a DECIMAL with more digits than fit in its bytes
		ordered = false
		leaf, err = schema.NewPrimitiveNodeLogical(n.name, repetition, schema.NoLogicalType{}, n.physical, int(n.length), -1)
	}
	if n.physical == pq.Types.Float || n.physical == pq.Types.Double {
		// The library's dictionaries replace every NaN by the same NaN.
		*props = append(*props, pq.WithDictionaryFor(n.path, false))
	}
	if !ordered {
		*props = append(*props, pq.WithStatsFor(n.path, false))
	}
	return leaf, err
}

// Write writes a batch of the Writer's schema. size is the batch's approximate
// size in bytes.
func (w *Writer) Write(batch arrow.RecordBatch, size int64) error {
	return recovered(func() error {
		if w.group >= w.o.RowGroup {
			if err := w.endGroup(); err != nil {
				return err
			}
		}
		if err := w.beginGroup(); err != nil {
			return err
		}
		w.group += size
		batch.Retain()
		w.batches, w.waiting = append(w.batches, batch), w.waiting+size
		if w.waiting < together {
			return nil
		}
		return w.writeBatches()
	})
}

// together is the size of the batches that are written at once. Each column then ends about a page, which
// is compressed.
const together = 4 << 20

// writeBatches writes the waiting batches to the row group, several columns at once: to encode and compress
// them takes most of the time of a job by rules. Each leaf has a buffer of its own in the row group.
func (w *Writer) writeBatches() error {
	defer w.dropBatches()
	errs := make([]error, len(w.leaves))
	var next atomic.Int64
	work := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(w.leaves) {
				return
			}
			errs[i] = recovered(func() error { return w.writeColumn(i) })
		}
	}
	helpers := make([]error, max(0, min(runtime.GOMAXPROCS(0), len(w.leaves))-1))
	var all sync.WaitGroup
	for n := range helpers {
		all.Go(func() {
			defer panics.Catch(&helpers[n], "writing columns")
			work()
		})
	}
	work()
	all.Wait()
	return cmp.Or(append(errs, helpers...)...) // of the first column that failed
}

func (w *Writer) writeColumn(i int) error {
	for _, batch := range w.batches {
		for _, l := range w.leaves[i] {
			if err := l.bind(batch.Column(i)); err != nil {
				return err
			}
			if err := l.rows(int(batch.NumRows())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *Writer) dropBatches() {
	for _, batch := range w.batches {
		batch.Release()
	}
	w.batches, w.waiting = nil, 0
}

func (w *Writer) beginGroup() (err error) {
	if w.rows == nil {
		w.rows, err = w.w.AppendBufferedRowGroupChecked()
		w.grouped, w.group = true, 0
	}
	return err
}

func (w *Writer) endGroup() error {
	if w.rows == nil {
		return nil
	}
	err := cmp.Or(w.writeBatches(), w.rows.Close())
	w.rows = nil
	return err
}

// Close completes the file. It does not close the underlying io.Writer.
func (w *Writer) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	return recovered(func() error {
		if !w.grouped && w.anyPairs() { // the pairs are stored in a row group
			if err := w.beginGroup(); err != nil {
				return err
			}
		}
		if err := w.endGroup(); err != nil {
			return err
		}
		w.out.capture = true
		if err := w.w.Close(); err != nil {
			return err
		}
		return w.end(w.out.footer.Bytes())
	})
}

// end writes the file's metadata. captured is the metadata that the library
// wrote; its schema and key-value pairs are replaced by the Writer's.
func (w *Writer) end(captured []byte) error {
	n := len(captured) - 8
	if n < 0 || string(captured[n+4:]) != "PAR1" || int64(binary.LittleEndian.Uint32(captured[n:])) != int64(n) {
		return errors.New("the library wrote no metadata: this is a bug in firesteel")
	}
	m, err := parseMetaData(captured[:n])
	if err != nil {
		return err
	}
	var t thriftWriter
	t.int(1, kindI32, m.version)
	t.raw(2, kindList, append(appendList(nil, w.count, kindStruct), w.elems...))
	t.int(3, kindI64, m.rows)
	groups := m.groups
	if groups == nil {
		groups = appendList(nil, 0, kindStruct)
	}
	if w.anyPairs() {
		if groups, err = withPairs(groups, w.pairs); err != nil {
			return err
		}
	}
	t.raw(4, kindList, groups)
	if len(w.keys) > 0 {
		var pairs [][]byte
		for _, kv := range w.keys {
			var p thriftWriter
			p.text(1, kv.key)
			p.text(2, kv.value)
			pairs = append(pairs, p.end())
		}
		t.structures(5, len(pairs), pairs...)
	}
	if m.createdBy != nil {
		t.text(6, string(m.createdBy))
	}
	if m.columnOrders != nil {
		t.raw(7, kindList, m.columnOrders)
	}
	footer := t.end()
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	_, err = w.out.w.Write(append(footer, "PAR1"...))
	return err
}

// anyPairs reports whether a column chunk has key-value pairs.
func (w *Writer) anyPairs() bool {
	for _, kvs := range w.pairs {
		if len(kvs) > 0 {
			return true
		}
	}
	return false
}

// footerCapture writes to w until capture is set. Then it collects the library's
// metadata in footer.
type footerCapture struct {
	w       io.Writer
	capture bool
	footer  bytes.Buffer
}

func (c *footerCapture) Write(b []byte) (int, error) {
	if c.capture {
		return c.footer.Write(b)
	}
	return c.w.Write(b)
}

// rawField is a field of a Thrift struct with its encoded value.
type rawField struct {
	id    int16
	kind  byte
	value []byte
}

// fieldsOf splits an encoded struct into its fields. ok is false if the struct
// cannot be read.
func fieldsOf(encoded []byte) (fields []rawField, ok bool) {
	r := thriftReader{b: encoded}
	r.structure(0, func(id int16, kind byte) bool {
		fields = append(fields, rawField{id, kind, r.value(kind)})
		return true
	})
	return fields, !r.bad
}

// editField returns an encoded struct in which change replaces the value of the
// field id.
func editField(encoded []byte, id int16, change func(value []byte) []byte) []byte {
	fields, _ := fieldsOf(encoded)
	var w thriftWriter
	for _, f := range fields {
		if f.id == id {
			f.value = change(f.value)
		}
		w.raw(f.id, f.kind, f.value)
	}
	return w.end()
}

// editStructs returns an encoded list of structs in which change replaces each
// struct.
func editStructs(list []byte, change func(i int, encoded []byte) []byte) []byte {
	r := thriftReader{b: list}
	n, kind := r.list()
	b := appendList(nil, n, kind)
	for i := range n {
		b = append(b, change(i, r.value(kindStruct))...)
	}
	return b
}

// withPairs returns the encoded row groups with key-value pairs added to their
// column chunks. pairs holds the encoded pairs of each leaf.
func withPairs(groups []byte, pairs [][][]byte) ([]byte, error) {
	var err error
	all := editStructs(groups, func(_ int, group []byte) []byte {
		return editField(group, 1, func(chunks []byte) []byte {
			return editStructs(chunks, func(i int, chunk []byte) []byte {
				if i >= len(pairs) || len(pairs[i]) == 0 {
					return chunk
				}
				return editField(chunk, 3, func(meta []byte) []byte {
					fields, ok := fieldsOf(meta)
					if !ok {
						err = fmt.Errorf("the metadata of column chunk %d cannot be read: this is a bug in firesteel", i)
					}
					var w thriftWriter
					for _, f := range fields {
						if f.id > 8 && w.last < 8 {
							w.structures(8, len(pairs[i]), pairs[i]...)
						}
						w.raw(f.id, f.kind, f.value)
					}
					return w.end()
				})
			})
		})
	})
	return all, err
}
