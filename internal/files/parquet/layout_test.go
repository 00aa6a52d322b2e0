package parquet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	pq "github.com/apache/arrow-go/v18/parquet"
)

// schemaPart describes an element of a schema and its children.
type schemaPart struct {
	repetition int64
	name       string
	physical   pq.Type // of a leaf
	converted  int64   // -1 for none
	id         int64   // field id
	children   []schemaPart
}

func (p schemaPart) encoded() []byte {
	var w thriftWriter
	if p.children == nil {
		w.int(1, kindI32, int64(p.physical))
	}
	w.int(3, kindI32, p.repetition)
	w.text(4, p.name)
	if p.children != nil {
		w.int(5, kindI32, int64(len(p.children)))
	}
	if p.converted >= 0 {
		w.int(6, kindI32, p.converted)
	}
	if p.id > 0 {
		w.int(9, kindI32, p.id)
	}
	b := w.end()
	for _, c := range p.children {
		b = append(b, c.encoded()...)
	}
	return b
}

func leafOf(repetition int64, name string, t pq.Type) schemaPart {
	return schemaPart{repetition: repetition, name: name, physical: t, converted: -1}
}

func groupOf(repetition int64, name string, converted int64, children ...schemaPart) schemaPart {
	return schemaPart{repetition: repetition, name: name, converted: converted, children: children}
}

var layouts = []struct {
	schemaPart
	typeText string
	rows     string
}{
	{leafOf(repeated, "c", pq.Types.Int32), "list<c: int32>", `[{"c": [1, 2]}, {"c": []}]`},
	{groupOf(optional, "c", convertedList, groupOf(repeated, "list", -1, leafOf(optional, "element", pq.Types.Int32))),
		"list<element: int32, nullable>", `[{"c": [1, null]}, {"c": null}, {"c": []}]`},
	// Two levels: a repeated leaf, a repeated group of several fields, and a
	// repeated group of one field whose name marks it as an element.
	{groupOf(optional, "c", convertedList, leafOf(repeated, "element", pq.Types.Int32)), "list<element: int32>", `[{"c": [1, 2]}, {"c": null}, {"c": []}]`},
	{groupOf(optional, "c", convertedList, groupOf(repeated, "element", -1, leafOf(required, "s", pq.Types.Int32), leafOf(optional, "n", pq.Types.Int64))),
		"list<element: struct<s: int32, n: int64 nullable>>", `[{"c": [{"s": 1, "n": null}]}, {"c": null}]`},
	{groupOf(optional, "c", convertedList, groupOf(repeated, "array", -1, leafOf(required, "s", pq.Types.Int32))), "list<array: struct<s: int32>>", `[{"c": [{"s": 1}]}]`},
	{groupOf(optional, "c", convertedList, groupOf(repeated, "c_tuple", -1, leafOf(required, "s", pq.Types.Int32))), "list<c_tuple: struct<s: int32>>", `[{"c": [{"s": 1}]}]`},
	{groupOf(optional, "c", convertedList, groupOf(repeated, "element", -1, leafOf(required, "s", pq.Types.Int32))), "list<s: int32>", `[{"c": [1]}]`},
	{groupOf(optional, "c", convertedList, groupOf(repeated, "array", convertedList, leafOf(repeated, "array", pq.Types.Int32))),
		"list<array: list<array: int32>>", `[{"c": [[1, 2], [], [3]]}, {"c": []}, {"c": null}]`},
	{groupOf(optional, "c", convertedList, groupOf(repeated, "element", -1, leafOf(repeated, "s", pq.Types.Int32))),
		"list<element: struct<s: list<s: int32>>>", `[{"c": [{"s": [1]}, {"s": []}]}, {"c": null}]`},
	// Maps: with the current and the deprecated annotation, with nullable keys, and
	// without values.
	{groupOf(optional, "c", convertedMap, groupOf(repeated, "key_value", -1, leafOf(required, "key", pq.Types.Int32), leafOf(optional, "value", pq.Types.Int64))),
		"map<int32, int64, items_nullable>", `[{"c": [{"key": 1, "value": 2}, {"key": 3, "value": null}]}, {"c": null}, {"c": []}]`},
	{groupOf(required, "c", convertedMapKeyValue, groupOf(repeated, "map", convertedMapKeyValue, leafOf(optional, "a", pq.Types.Int32), leafOf(required, "b", pq.Types.Int64))),
		"map<int32, int64, items_non_nullable>", `[{"c": [{"key": 1, "value": 2}]}, {"c": []}]`},
	{groupOf(optional, "c", convertedMap, groupOf(repeated, "key_value", -1, leafOf(required, "key", pq.Types.Int32))), "list<key: int32>", `[{"c": [1, 2]}, {"c": null}]`},
	// Nested, with a NULL at each level.
	{groupOf(optional, "c", -1, groupOf(repeated, "r", -1, leafOf(optional, "x", pq.Types.Int32), groupOf(optional, "g", convertedList, groupOf(repeated, "list", -1, groupOf(optional, "element", -1, leafOf(optional, "y", pq.Types.Double)))))),
		"struct<r: list<r: struct<x: int32 nullable, g: list<element: struct<y: float64 nullable>, nullable> nullable>>>",
		`[{"c": {"r": [{"x": 1, "g": [{"y": 0.5}, null, {"y": null}]}, {"x": null, "g": null}, {"x": 2, "g": []}]}}, {"c": null}, {"c": {"r": []}}]`},
}

// fieldOf returns the field that the Reader creates for a schema part.
func fieldOf(t testing.TB, p schemaPart) arrow.Field {
	t.Helper()
	n, err := parse(p.encoded())
	if err != nil {
		t.Fatal(err)
	}
	c, err := columnOf(n, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := c.field
	f.Metadata = arrow.NewMetadata([]string{columnKey}, []string{string(n.raw())})
	return f
}

// Columns of every layout of the format have the expected type and are written with
// the same layout. The size of the batches does not change the rows.
func TestLayoutsAreKept(t *testing.T) {
	for _, l := range layouts {
		f := fieldOf(t, l.schemaPart)
		if got := f.Type.String(); got != l.typeText {
			t.Errorf("%s: the type is %s, want %s", l.rows, got, l.typeText)
			continue
		}
		batch := batchOf(t, arrow.NewSchema([]arrow.Field{f}, nil), l.rows)
		b := fileOf(t, batch, batch, batch)
		for _, rows := range []int{1, 2, 100} {
			r, got := readBack(t, b, ReadOptions{Rows: rows, Bytes: 1 << 20, Allocator: defaultOptions.Allocator})
			if have := r.Schema().Field(0); !have.Equal(f) {
				t.Errorf("%s: the field is read as %v, want %v", l.rows, have, f)
			}
			var text []string
			for _, g := range got {
				for i := range int(g.NumRows()) {
					text = append(text, g.Column(0).ValueStr(i))
				}
			}
			n := int(batch.NumRows())
			if len(text) != 3*n {
				t.Fatalf("%s: %d rows, want %d", l.rows, len(text), 3*n)
			}
			for i, have := range text {
				if want := batch.Column(0).ValueStr(i % n); have != want {
					t.Errorf("%s: row %d is %s, want %s", l.rows, i, have, want)
				}
			}
		}
	}
}

// metaOf returns the encoded metadata of a file.
func metaOf(b []byte) []byte {
	n := int(binary.LittleEndian.Uint32(b[len(b)-8:]))
	return b[len(b)-8-n : len(b)-8]
}

// withMeta returns a file in which change replaces the metadata.
func withMeta(b []byte, change func(meta []byte) []byte) []byte {
	old := metaOf(b)
	meta := change(old)
	changed := append(bytes.Clone(b[:len(b)-8-len(old)]), meta...)
	changed = binary.LittleEndian.AppendUint32(changed, uint32(len(meta)))
	return append(changed, "PAR1"...)
}

// number returns a change to an encoded integer.
func number(v int64) func([]byte) []byte {
	return func([]byte) []byte { return appendInt(nil, v) }
}

// editChunks returns a change to every column chunk of the metadata.
func editChunks(change func(chunk []byte) []byte) func([]byte) []byte {
	return func(meta []byte) []byte {
		return editField(meta, 4, func(groups []byte) []byte {
			return editStructs(groups, func(_ int, group []byte) []byte {
				return editField(group, 1, func(chunks []byte) []byte {
					return editStructs(chunks, func(_ int, chunk []byte) []byte { return change(chunk) })
				})
			})
		})
	}
}

// editChunkMeta returns a change to a field of a chunk's ColumnMetaData.
func editChunkMeta(id int16, change func([]byte) []byte) func([]byte) []byte {
	return func(chunk []byte) []byte {
		return editField(chunk, 3, func(meta []byte) []byte { return editField(meta, id, change) })
	}
}

// withField returns a change that adds a field to an encoded struct.
func withField(id int16, kind byte, value []byte) func([]byte) []byte {
	return func(encoded []byte) []byte {
		fields, _ := fieldsOf(encoded)
		var w thriftWriter
		done := false
		for _, f := range fields {
			if f.id > id && !done {
				w.raw(id, kind, value)
				done = true
			}
			w.raw(f.id, f.kind, f.value)
		}
		if !done {
			w.raw(id, kind, value)
		}
		return w.end()
	}
}

// The Reader takes the number of rows from the columns and ignores the number in
// FileMetaData. A column with fewer rows than other columns, or than its row group
// states, is damaged. Unsupported features are errors, but not damage.
func TestEditedMetadata(t *testing.T) {
	batch := nestedBatch(t)
	b := fileOf(t, batch, batch)
	groups := func(id int16, v int64) func([]byte) []byte {
		return func(meta []byte) []byte {
			return editField(meta, 4, func(groups []byte) []byte {
				return editStructs(groups, func(_ int, group []byte) []byte { return editField(group, id, number(v)) })
			})
		}
	}
	for name, c := range map[string]struct {
		change func([]byte) []byte
		rows   int64
		wrong  string
	}{
		"no rows in the file":                        {func(m []byte) []byte { return editField(m, 3, number(0)) }, 6, ""},
		"many rows in the file":                      {func(m []byte) []byte { return editField(m, 3, number(1<<40)) }, 6, ""},
		"a negative number of rows in the file":      {func(m []byte) []byte { return editField(m, 3, number(-1)) }, 6, ""},
		"no rows in the row group":                   {groups(3, 0), 6, ""},
		"more rows in the row group":                 {groups(3, 7), 0, "row group 0 has 7 rows, but column s has 6 rows in it"},
		"a negative number of rows in the row group": {groups(3, -1), 0, "row group 0 has an invalid number of rows: -1"},
		"no values in the chunks":                    {editChunks(editChunkMeta(5, number(0))), 0, "row group 0 has 6 rows, but column s has 0 rows in it"},
		"chunks after the end":                       {editChunks(editChunkMeta(9, number(1<<40))), 0, "the columns end at byte"},
		"a negative size of the chunks":              {editChunks(editChunkMeta(7, number(-1))), 0, "column s has -1 bytes"},
		"LZO":                                        {editChunks(editChunkMeta(4, number(3))), 0, "column s is compressed with LZO, which is not supported"},
		"an unknown codec":                           {editChunks(editChunkMeta(4, number(77))), 0, "column s is compressed with codec 77"},
		"an unknown encoding":                        {editChunks(editChunkMeta(2, func([]byte) []byte { return appendInt(appendList(nil, 1, kindI32), 10) })), 0, "column s has the encoding ALP"},
		"another physical type":                      {editChunks(editChunkMeta(1, number(2))), 0, "but 6 in the schema"},
		"columns in another file":                    {editChunks(withField(1, kindBinary, appendText(nil, "part-0.parquet"))), 0, "its rows are in other files, such as part-0.parquet"},
		"encrypted columns":                          {editChunks(withField(8, kindStruct, []byte{0})), 0, "it is encrypted"},
		"a signed footer":                            {withField(8, kindStruct, []byte{0}), 0, "it is encrypted"},
		"an empty schema": {func(m []byte) []byte {
			return editField(m, 2, func(l []byte) []byte { return appendList(nil, 0, kindStruct) })
		}, 0, "its schema is empty"},
		"a row group without a column": {func(m []byte) []byte {
			return editField(m, 4, func(l []byte) []byte {
				return editStructs(l, func(_ int, g []byte) []byte {
					return editField(g, 1, func([]byte) []byte { return appendList(nil, 0, kindStruct) })
				})
			})
		}, 0, "row group 0 has 0 columns, but the schema has 6"},
	} {
		changed := withMeta(b, c.change)
		r, err := Open(bytes.NewReader(changed), int64(len(changed)), defaultOptions)
		rows := int64(0)
		for err == nil {
			var got arrow.RecordBatch
			if got, err = r.Next(context.Background()); err == nil {
				rows += got.NumRows()
			}
		}
		switch {
		case c.wrong == "" && (err != io.EOF || rows != c.rows):
			t.Errorf("%s: %d rows, %v", name, rows, err)
		case c.wrong != "" && (err == io.EOF || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%s: %d rows, %v, want %q", name, rows, err, c.wrong)
		}
		var d *Damaged
		if refused := strings.Contains(c.wrong, "not supported") || strings.Contains(c.wrong, "codec") || strings.Contains(c.wrong, "ALP") || strings.Contains(c.wrong, "other files") || strings.Contains(c.wrong, "encrypted"); c.wrong != "" && errors.As(err, &d) == refused {
			t.Errorf("%s: the error is Damaged: %t, want %t: %v", name, refused, !refused, err)
		}
	}
}

// A batch has about the requested size in bytes, even if a few large values in a
// dictionary are repeated in many rows.
func TestBatchSizeWithLargeValues(t *testing.T) {
	cell := strings.Repeat("x", 1<<18)
	rows := "[" + strings.Repeat(`{"a": "`+cell+`", "b": 1},`, 63) + `{"a": "y", "b": 2}]`
	s := arrow.NewSchema([]arrow.Field{{Name: "b", Type: arrow.PrimitiveTypes.Int64}, {Name: "a", Type: arrow.BinaryTypes.String}}, nil)
	b := fileOf(t, batchOf(t, s, rows))
	_, batches := readBack(t, b, ReadOptions{Rows: 1000, Bytes: 1 << 20, Allocator: defaultOptions.Allocator})
	n := int64(0)
	for _, batch := range batches {
		if size := batch.Column(1).Data().Buffers()[2].Len(); size > 5<<18 {
			t.Errorf("a batch of %d rows has %d bytes", batch.NumRows(), size)
		}
		n += batch.NumRows()
	}
	if n != 64 {
		t.Errorf("%d rows", n)
	}
}
