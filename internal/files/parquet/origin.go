package parquet

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/arrowipc"
)

// Keys of the Arrow metadata in which the Reader stores the Parquet schema and the
// file's key-value pairs. A Writer with this schema writes them again.
const (
	// columnKey is the field's part of the file's schema: its concatenated encoded
	// elements.
	columnKey = "PARQUET:column"
	// chunkKey holds the key-value pairs of the column chunks: an encoded list for
	// each leaf of the field.
	chunkKey = "PARQUET:column_chunk"
	// rootKey is the encoded root element of the schema.
	rootKey = "PARQUET:root"
	// arrowKey is the key of a key-value pair of the file: the Arrow schema of the
	// data that was written, in base64.
	arrowKey = "ARROW:schema"
)

// setSchema sets the Arrow schema of the Reader.
func (r *Reader) setSchema(foot *footer) error {
	keys, values := []string{rootKey}, []string{string(foot.root.element.raw)}
	for _, kv := range foot.keyValues {
		keys, values = append(keys, kv.key), append(values, kv.value)
		if kv.key == arrowKey {
			setDurations(r.columns, kv.value)
		}
	}
	fields := make([]arrow.Field, len(r.columns))
	for i, c := range r.columns {
		fields[i] = c.field
		fields[i].Metadata = columnMetadata(c, foot)
	}
	metadata := arrow.NewMetadata(keys, values)
	r.schema = arrow.NewSchema(fields, &metadata)
	return nil
}

// columnMetadata returns the Arrow metadata of a column's field.
func columnMetadata(c *column, foot *footer) arrow.Metadata {
	keys, values := []string{columnKey}, []string{string(c.node.raw())}
	var pairs []byte
	found := false
	for _, leaf := range c.leaves {
		kvs := foot.chunkKeyValues[leaf]
		found = found || len(kvs) > 0
		pairs = append(appendList(pairs, len(kvs), kindStruct), bytes.Join(kvs, nil)...)
	}
	if found {
		keys, values = append(keys, chunkKey), append(values, string(pairs))
	}
	return arrow.NewMetadata(keys, values)
}

// setDurations sets the type of INT64 columns that are durations. Parquet has no
// such type, so only the stored Arrow schema identifies them. A schema that cannot
// be decoded is ignored.
func setDurations(columns []*column, encoded string) {
	schema := arrowSchema(encoded)
	if schema == nil || schema.NumFields() != len(columns) {
		return
	}
	for i, c := range columns {
		setDuration(c, schema.Field(i).Type)
	}
}

func setDuration(c *column, t arrow.DataType) {
	if e, ok := t.(arrow.ExtensionType); ok {
		t = e.StorageType()
	}
	switch t := t.(type) {
	case *arrow.DurationType:
		if c.kind == leafKind && c.leaf.arrow.ID() == arrow.INT64 {
			c.leaf.arrow = t
		}
	case *arrow.StructType:
		if c.kind == structKind && t.NumFields() == len(c.children) {
			for i, child := range c.children {
				setDuration(child, t.Field(i).Type)
			}
		}
	case arrow.ListLikeType: // also a MAP, whose elements are structs
		if c.kind == listKind {
			setDuration(c.children[0], t.Elem())
		}
	}
	c.setField()
}

// arrowSchema decodes the value of arrowKey. It returns nil if that fails.
func arrowSchema(encoded string) *arrow.Schema {
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil || arrowipc.CheckSchema(b) != nil {
		return nil
	}
	var schema *arrow.Schema
	err = recovered(func() error {
		r, err := ipc.NewReader(bytes.NewReader(b))
		if err == nil {
			schema = r.Schema()
			r.Release()
		}
		return err
	})
	if err != nil {
		return nil
	}
	return schema
}

// encodeArrow reverses arrowSchema.
func encodeArrow(schema *arrow.Schema) (string, error) {
	var b bytes.Buffer
	w := ipc.NewWriter(&b, ipc.WithSchema(schema))
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// originNode returns the node that a field was read from, and the key-value pairs
// of its leaves. n is nil if the field was not read from a Parquet file, or if its
// name or type has changed.
func originNode(f arrow.Field) (n *node, pairs [][][]byte) {
	at := f.Metadata.FindKey(columnKey)
	if at < 0 {
		return nil, nil
	}
	n, err := parse([]byte(f.Metadata.Values()[at]))
	if err != nil || n.name != f.Name {
		return nil, nil
	}
	c, err := columnOf(n, 0)
	if err != nil || !c.fits(f.Type) {
		return nil, nil
	}
	if at := f.Metadata.FindKey(chunkKey); at >= 0 {
		r := thriftReader{b: []byte(f.Metadata.Values()[at])}
		for range c.leaves {
			var kvs [][]byte
			r.structures(func(int, int) { kvs = append(kvs, r.raw(func() { r.keyValue() })) })
			pairs = append(pairs, kvs)
		}
		if r.bad {
			pairs = nil
		}
	}
	return n, pairs
}

// fits reports whether the Reader can give the column the Arrow type t.
func (c *column) fits(t arrow.DataType) bool {
	switch c.kind {
	case leafKind:
		switch c.leaf.arrow {
		case int96:
			return t.ID() == arrow.TIMESTAMP || arrow.TypeEqual(t, int96)
		case arrow.PrimitiveTypes.Int64:
			return t.ID() == arrow.DURATION || t.ID() == arrow.INT64
		}
		return arrow.TypeEqual(c.leaf.arrow, t)
	case listKind:
		l, ok := t.(arrow.ListLikeType)
		if _, isMap := t.(*arrow.MapType); !ok || isMap != c.isMap {
			return false
		}
		if entry, ok := l.Elem().(*arrow.StructType); ok && c.isMap { // Arrow renames the fields of an entry
			return entry.NumFields() == 2 && c.children[0].children[0].fits(entry.Field(0).Type) && c.children[0].children[1].fits(entry.Field(1).Type)
		}
		return c.children[0].fits(l.Elem())
	}
	s, ok := t.(*arrow.StructType)
	if !ok || s.NumFields() != len(c.children) {
		return false
	}
	for i, child := range c.children {
		if s.Field(i).Name != child.node.name || !child.fits(s.Field(i).Type) {
			return false
		}
	}
	return true
}

// emptyArray returns an array without values, to check that a shredder accepts its
// type.
func emptyArray(t arrow.DataType) arrow.Array {
	return array.MakeArrayOfNull(memory.DefaultAllocator, t, 0)
}
