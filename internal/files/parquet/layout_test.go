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

// part describes an element of a schema, and the parts below it.
type part struct {
	repetition int64
	name       string
	physical   pq.Type // of a leaf
	converted  int64   // -1 for none
	id         int64   // of the field
	below      []part
}

func (p part) encoded() []byte {
	var w thriftWriter
	if p.below == nil {
		w.int(1, kindI32, int64(p.physical))
	}
	w.int(3, kindI32, p.repetition)
	w.text(4, p.name)
	if p.below != nil {
		w.int(5, kindI32, int64(len(p.below)))
	}
	if p.converted >= 0 {
		w.int(6, kindI32, p.converted)
	}
	if p.id > 0 {
		w.int(9, kindI32, p.id)
	}
	b := w.end()
	for _, c := range p.below {
		b = append(b, c.encoded()...)
	}
	return b
}

func leafOf(repetition int64, name string, t pq.Type) part {
	return part{repetition: repetition, name: name, physical: t, converted: -1}
}

func groupOf(repetition int64, name string, converted int64, below ...part) part {
	return part{repetition: repetition, name: name, converted: converted, below: below}
}

var layouts = []struct {
	part
	typeText string
	rows     string
}{
	{leafOf(repeated, "c", pq.Types.Int32), "list<c: int32>", `[{"c": [1, 2]}, {"c": []}]`},
	{groupOf(optional, "c", convertedList, groupOf(repeated, "list", -1, leafOf(optional, "element", pq.Types.Int32))),
		"list<element: int32, nullable>", `[{"c": [1, null]}, {"c": null}, {"c": []}]`},
	// Two levels: a repeated leaf, a repeated group of several fields, and of one
	// by its name.
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
	// Maps, also of the old annotation, without values, and with keys that may be NULL.
	{groupOf(optional, "c", convertedMap, groupOf(repeated, "key_value", -1, leafOf(required, "key", pq.Types.Int32), leafOf(optional, "value", pq.Types.Int64))),
		"map<int32, int64, items_nullable>", `[{"c": [{"key": 1, "value": 2}, {"key": 3, "value": null}]}, {"c": null}, {"c": []}]`},
	{groupOf(required, "c", convertedMapKeyValue, groupOf(repeated, "map", convertedMapKeyValue, leafOf(optional, "a", pq.Types.Int32), leafOf(required, "b", pq.Types.Int64))),
		"map<int32, int64, items_non_nullable>", `[{"c": [{"key": 1, "value": 2}]}, {"c": []}]`},
	{groupOf(optional, "c", convertedMap, groupOf(repeated, "key_value", -1, leafOf(required, "key", pq.Types.Int32))), "list<key: int32>", `[{"c": [1, 2]}, {"c": null}]`},
	// Nested, NULL at each level.
	{groupOf(optional, "c", -1, groupOf(repeated, "r", -1, leafOf(optional, "x", pq.Types.Int32), groupOf(optional, "g", convertedList, groupOf(repeated, "list", -1, groupOf(optional, "element", -1, leafOf(optional, "y", pq.Types.Double)))))),
		"struct<r: list<r: struct<x: int32 nullable, g: list<element: struct<y: float64 nullable>, nullable> nullable>>>",
		`[{"c": {"r": [{"x": 1, "g": [{"y": 0.5}, null, {"y": null}]}, {"x": null, "g": null}, {"x": 2, "g": []}]}}, {"c": null}, {"c": {"r": []}}]`},
}

// fieldOf is the field of a column that was read.
func fieldOf(t testing.TB, p part) arrow.Field {
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

// Columns of every layout that the format has are read as their types, and
// written as they were, however rows are cut into batches and row groups.
func TestLayouts(t *testing.T) {
	for _, l := range layouts {
		f := fieldOf(t, l.part)
		if got := f.Type.String(); got != l.typeText {
			t.Errorf("%s: the type is %s, not %s", l.rows, got, l.typeText)
			continue
		}
		batch := batchOf(t, arrow.NewSchema([]arrow.Field{f}, nil), l.rows)
		b := fileOf(t, batch, batch, batch)
		for _, rows := range []int{1, 2, 100} {
			r, got := readBack(t, b, ReadOptions{Rows: rows, Bytes: 1 << 20, Allocator: readAll.Allocator})
			if have := r.Schema().Field(0); !have.Equal(f) {
				t.Errorf("%s: the field is read as %v, not %v", l.rows, have, f)
			}
			var text []string
			for _, g := range got {
				for i := range int(g.NumRows()) {
					text = append(text, g.Column(0).ValueStr(i))
				}
			}
			n := int(batch.NumRows())
			if len(text) != 3*n {
				t.Fatalf("%s: %d rows", l.rows, len(text))
			}
			for i, have := range text {
				if want := batch.Column(0).ValueStr(i % n); have != want {
					t.Errorf("%s: row %d is %s, not %s", l.rows, i, have, want)
				}
			}
		}
	}
}

// metaOf gives a file's metadata.
func metaOf(b []byte) []byte {
	n := int(binary.LittleEndian.Uint32(b[len(b)-8:]))
	return b[len(b)-8-n : len(b)-8]
}

// withMeta is a file with its metadata changed.
func withMeta(b []byte, change func(meta []byte) []byte) []byte {
	old := metaOf(b)
	meta := change(old)
	changed := append(bytes.Clone(b[:len(b)-8-len(old)]), meta...)
	changed = binary.LittleEndian.AppendUint32(changed, uint32(len(meta)))
	return append(changed, "PAR1"...)
}

func number(v int64) func([]byte) []byte {
	return func([]byte) []byte { return appendInt(nil, v) }
}

// ofChunks changes the metadata of all column chunks.
func ofChunks(change func(chunk []byte) []byte) func([]byte) []byte {
	return func(meta []byte) []byte {
		return edited(meta, 4, func(groups []byte) []byte {
			return editedAll(groups, func(_ int, group []byte) []byte {
				return edited(group, 1, func(chunks []byte) []byte {
					return editedAll(chunks, func(_ int, chunk []byte) []byte { return change(chunk) })
				})
			})
		})
	}
}

func inChunk(id int16, change func([]byte) []byte) func([]byte) []byte {
	return func(chunk []byte) []byte {
		return edited(chunk, 3, func(meta []byte) []byte { return edited(meta, id, change) })
	}
}

// withField adds a field to a struct.
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

// Rows are those that the columns have, whatever the file says that it has; a
// column that has less than others, or than its row group says, is damaged.
func TestCounts(t *testing.T) {
	batch := someTypes(t)
	b := fileOf(t, batch, batch)
	groups := func(id int16, v int64) func([]byte) []byte {
		return func(meta []byte) []byte {
			return edited(meta, 4, func(groups []byte) []byte {
				return editedAll(groups, func(_ int, group []byte) []byte { return edited(group, id, number(v)) })
			})
		}
	}
	for name, c := range map[string]struct {
		change func([]byte) []byte
		rows   int64
		wrong  string
	}{
		"no rows in all":              {func(m []byte) []byte { return edited(m, 3, number(0)) }, 6, ""},
		"many rows in all":            {func(m []byte) []byte { return edited(m, 3, number(1<<40)) }, 6, ""},
		"less than none in all":       {func(m []byte) []byte { return edited(m, 3, number(-1)) }, 6, ""},
		"no rows in the row group":    {groups(3, 0), 6, ""},
		"more rows in the row group":  {groups(3, 7), 0, "row group 0 has 7 rows, but column s has 6 there"},
		"a row group of less than 0":  {groups(3, -1), 0, "row group 0 says that it has -1 rows"},
		"no values in the chunks":     {ofChunks(inChunk(5, number(0))), 0, "row group 0 has 6 rows, but column s has 0 there"},
		"chunks after the end":        {ofChunks(inChunk(9, number(1<<40))), 0, "the columns end at byte"},
		"chunks of less than 0 bytes": {ofChunks(inChunk(7, number(-1))), 0, "column s has -1 bytes"},
		"LZO":                         {ofChunks(inChunk(4, number(3))), 0, "column s is compressed by LZO, which cannot be read here"},
		"an unknown codec":            {ofChunks(inChunk(4, number(77))), 0, "column s is compressed by codec 77"},
		"an unknown encoding":         {ofChunks(inChunk(2, func([]byte) []byte { return appendInt(appendList(nil, 1, kindI32), 10) })), 0, "column s is in the encoding ALP"},
		"another physical type":       {ofChunks(inChunk(1, number(2))), 0, "but 6 in the schema"},
		"columns in another file":     {ofChunks(withField(1, kindBinary, appendText(nil, "part-0.parquet"))), 0, "its rows are in other files, such as part-0.parquet"},
		"encrypted columns":           {ofChunks(withField(8, kindStruct, []byte{0})), 0, "it is encrypted"},
		"a signed footer":             {withField(8, kindStruct, []byte{0}), 0, "it is encrypted"},
		"a schema of other size": {func(m []byte) []byte {
			return edited(m, 2, func(l []byte) []byte { return appendList(nil, 0, kindStruct) })
		}, 0, "its schema is empty"},
		"a row group without a column": {func(m []byte) []byte {
			return edited(m, 4, func(l []byte) []byte {
				return editedAll(l, func(_ int, g []byte) []byte {
					return edited(g, 1, func([]byte) []byte { return appendList(nil, 0, kindStruct) })
				})
			})
		}, 0, "row group 0 has 0 columns, but the schema 6"},
	} {
		changed := withMeta(b, c.change)
		r, err := Open(bytes.NewReader(changed), int64(len(changed)), readAll)
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
			t.Errorf("%s: %d rows, %v, not %q", name, rows, err, c.wrong)
		}
		var d *Damaged
		if refused := strings.Contains(c.wrong, "cannot be read here") || strings.Contains(c.wrong, "codec") || strings.Contains(c.wrong, "ALP") || strings.Contains(c.wrong, "other files") || strings.Contains(c.wrong, "encrypted"); c.wrong != "" && errors.As(err, &d) == refused {
			t.Errorf("%s: it is called damaged, or is not, by mistake: %v", name, err)
		}
	}
}

// A batch has about as many bytes as it may, however large cells are: of a
// dictionary too, which repeats them.
func TestBatchBytes(t *testing.T) {
	cell := strings.Repeat("x", 1<<18)
	rows := "[" + strings.Repeat(`{"a": "`+cell+`", "b": 1},`, 63) + `{"a": "y", "b": 2}]`
	s := arrow.NewSchema([]arrow.Field{{Name: "b", Type: arrow.PrimitiveTypes.Int64}, {Name: "a", Type: arrow.BinaryTypes.String}}, nil)
	b := fileOf(t, batchOf(t, s, rows))
	_, batches := readBack(t, b, ReadOptions{Rows: 1000, Bytes: 1 << 20, Allocator: readAll.Allocator})
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
