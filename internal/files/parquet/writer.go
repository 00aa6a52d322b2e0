package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	pq "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// WriteOptions adjust a Writer; no field may be empty.
type WriteOptions struct {
	// RowGroup bounds a row group, which is held in memory, in bytes of Arrow.
	RowGroup  int64
	Allocator memory.Allocator
	// CreatedBy names the program, as the format wants it.
	CreatedBy string
}

// Writer writes batches of a schema. Columns that a Reader read are written as
// they were in their file, and so is what that file said of itself.
type Writer struct {
	o       WriteOptions
	out     *tail
	w       *file.Writer
	rows    file.BufferedRowGroupWriter // the current row group, or nil
	group   int64                       // bytes of it
	leaves  [][]*shredder               // of each column
	elems   []byte                      // the schema's elements, encoded
	count   int                         // of them
	pairs   [][][]byte                  // key-value pairs of the leaves' chunks
	keys    []keyValue                  // of the file
	wrote   bool
	written bool
}

// NewWriter begins a file. Its error is a column that Parquet cannot hold.
func NewWriter(w io.Writer, schema *arrow.Schema, o WriteOptions) (*Writer, error) {
	out := &Writer{o: o, out: &tail{w: w}}
	return out, guarded(func() error { return out.begin(schema) })
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
		pq.WithCompression(compress.Codecs.Zstd), pq.WithAllocator(w.o.Allocator), pq.WithCreatedBy(w.o.CreatedBy),
	}
	plain, err := plainNode(root, &props)
	if err != nil {
		return err
	}
	w.w, err = file.NewParquetWriterWithError(w.out, plain.(*schema.GroupNode), file.WithWriterProps(pq.NewWriterProperties(props...)))
	return err
}

// nodes gives the file's schema, and which fields were read from a file.
func (w *Writer) nodes(s *arrow.Schema) (root *node, read []bool, err error) {
	var elements []element
	read = make([]bool, s.NumFields())
	for i, f := range s.Fields() {
		n, pairs := origin(f)
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

// rootElement is that of the file that was read, but with as many columns as
// there are now.
func rootElement(s *arrow.Schema) element {
	var w thriftWriter
	children := func() { w.int(5, kindI32, int64(s.NumFields())) }
	fields := []rawField{{4, kindBinary, appendText(nil, "schema")}}
	if raw, ok := s.Metadata().GetValue(rootKey); ok {
		if of, ok := fieldsOf([]byte(raw)); ok {
			fields = of
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

// each visits a node and all below it in their order.
func (n *node) each(visit func(*node)) {
	visit(n)
	for _, c := range n.children {
		c.each(visit)
	}
}

// plainNode is a node for the library: with annotations only where the order of
// values depends on them, by which it finds the least and the greatest. Where
// the format has no order, or the library does not know it, there are none.
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
		ordered = false // INTERVAL, VARIANT, GEOMETRY, and what is not known
	}
	made, err := schema.NewPrimitiveNodeLogical(n.name, repetition, logical, n.physical, int(n.length), -1)
	if err != nil { // such as a DECIMAL of more digits than its bytes hold
		ordered = false
		made, err = schema.NewPrimitiveNodeLogical(n.name, repetition, schema.NoLogicalType{}, n.physical, int(n.length), -1)
	}
	if n.physical == pq.Types.Float || n.physical == pq.Types.Double {
		// The library's dictionaries take all NaNs for one.
		*props = append(*props, pq.WithDictionaryFor(n.path, false))
	}
	if !ordered {
		*props = append(*props, pq.WithStatsFor(n.path, false))
	}
	return made, err
}

// Write writes a batch of the Writer's schema, of which size says about how many
// bytes it has.
func (w *Writer) Write(batch arrow.RecordBatch, size int64) error {
	return guarded(func() error {
		if w.group >= w.o.RowGroup {
			if err := w.endGroup(); err != nil {
				return err
			}
		}
		if err := w.beginGroup(); err != nil {
			return err
		}
		w.group += size
		for i, a := range batch.Columns() {
			for _, l := range w.leaves[i] {
				if err := l.bind(a); err != nil {
					return err
				}
				if err := l.rows(int(batch.NumRows())); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (w *Writer) beginGroup() (err error) {
	if w.rows == nil {
		w.rows, err = w.w.AppendBufferedRowGroupChecked()
		w.wrote, w.group = true, 0
	}
	return err
}

func (w *Writer) endGroup() error {
	if w.rows == nil {
		return nil
	}
	err := w.rows.Close()
	w.rows = nil
	return err
}

// Close ends the file, but does not close what it is written to.
func (w *Writer) Close() error {
	if w.written {
		return nil
	}
	w.written = true
	return guarded(func() error {
		if !w.wrote && w.anyPairs() { // which have their place in a row group
			if err := w.beginGroup(); err != nil {
				return err
			}
		}
		if err := w.endGroup(); err != nil {
			return err
		}
		w.out.keep = true
		if err := w.w.Close(); err != nil {
			return err
		}
		return w.end(w.out.kept.Bytes())
	})
}

// end writes the file's metadata: that of the library, with the schema, the
// key-value pairs and the order of columns as they were.
func (w *Writer) end(made []byte) error {
	n := len(made) - 8
	if n < 0 || string(made[n+4:]) != "PAR1" || int64(binary.LittleEndian.Uint32(made[n:])) != int64(n) {
		return errors.New("the library wrote no metadata: this is a bug in firesteel")
	}
	m, err := parseMetaData(made[:n])
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

func (w *Writer) anyPairs() bool {
	for _, kvs := range w.pairs {
		if len(kvs) > 0 {
			return true
		}
	}
	return false
}

// tail is the output, whose last bytes can be kept instead.
type tail struct {
	w    io.Writer
	keep bool
	kept bytes.Buffer
}

func (t *tail) Write(b []byte) (int, error) {
	if t.keep {
		return t.kept.Write(b)
	}
	return t.w.Write(b)
}

// rawField is a field of a struct with its value as it is encoded.
type rawField struct {
	id    int16
	kind  byte
	value []byte
}

func fieldsOf(encoded []byte) (fields []rawField, ok bool) {
	r := thriftReader{b: encoded}
	r.structure(0, func(id int16, kind byte) bool {
		fields = append(fields, rawField{id, kind, r.value(kind)})
		return true
	})
	return fields, !r.bad
}

// edited writes a struct again with a field's value changed.
func edited(encoded []byte, id int16, change func(value []byte) []byte) []byte {
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

// editedAll writes a list of structs again, each as change gives it.
func editedAll(list []byte, change func(i int, encoded []byte) []byte) []byte {
	r := thriftReader{b: list}
	n, kind := r.list()
	b := appendList(nil, n, kind)
	for i := range n {
		b = append(b, change(i, r.value(kindStruct))...)
	}
	return b
}

// withPairs adds key-value pairs to the column chunks of all row groups.
func withPairs(groups []byte, pairs [][][]byte) ([]byte, error) {
	var err error
	all := editedAll(groups, func(_ int, group []byte) []byte {
		return edited(group, 1, func(chunks []byte) []byte {
			return editedAll(chunks, func(i int, chunk []byte) []byte {
				if i >= len(pairs) || len(pairs[i]) == 0 {
					return chunk
				}
				return edited(chunk, 3, func(meta []byte) []byte {
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
