package files

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// anyTypes returns a batch with types of all kinds, nested and with NULL.
func anyTypes(t testing.TB) arrow.RecordBatch {
	md := arrow.NewMetadata([]string{"ARROW:extension:name"}, []string{"unknown"})
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String, Ordered: true}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "d", Type: dictionary, Nullable: true},
		{Name: "l", Type: arrow.LargeListOf(dictionary), Nullable: true},
		{Name: "v", Type: arrow.BinaryTypes.StringView, Nullable: true},
		{Name: "s", Type: arrow.BinaryTypes.LargeString, Nullable: true, Metadata: md},
		{Name: "b", Type: &arrow.FixedSizeBinaryType{ByteWidth: 2}, Nullable: true},
		{Name: "f", Type: arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Float32), Nullable: true},
		{Name: "t", Type: &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "Europe/Berlin"}, Nullable: true},
		{Name: "m", Type: arrow.MapOf(arrow.BinaryTypes.String, &arrow.Decimal256Type{Precision: 50, Scale: 2}), Nullable: true},
		{Name: "n", Type: arrow.Null, Nullable: true},
		{Name: "e", Type: arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String), Nullable: true},
		{Name: "u", Type: arrow.SparseUnionOf([]arrow.Field{{Name: "i", Type: arrow.PrimitiveTypes.Int32, Nullable: true}}, []arrow.UnionTypeCode{0}), Nullable: true},
	}, &md)
	row := func(i int) string {
		if i%4 == 3 {
			return `{"u": [0, 7], "e": null}`
		}
		return fmt.Sprintf(`{"d": "c%d", "l": ["c%d", null], "v": "the text of row %d, not inline", "s": "%d", "b": "AAE=", "f": [0.5, %d],
			"t": "2024-03-31T02:30:00.00000000%dZ", "m": [{"key": "k", "value": "%d.25"}], "n": null, "e": "r%d", "u": [0, %d]}`, i%2, i%3, i, i, i, i%10, i, i/5, i)
	}
	var rows []string
	for i := range 20 {
		rows = append(rows, row(i))
	}
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader("["+strings.Join(rows, ",")+"]"))
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

// Arrow files and streams keep all types and values, in batches of any size.
func TestArrowKeepsTypes(t *testing.T) {
	batch := anyTypes(t)
	defer batch.Release()
	for _, name := range []string{"a.arrow", "a.arrows", "a.feather"} {
		path := filepath.Join(t.TempDir(), name)
		write(t, path, WriteOptions{}, batch, batch)
		for _, stdin := range []bool{false, true} {
			o := ReadOptions{Rows: 7}
			from := path
			if stdin {
				content, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				from, o.Format, o.Stdin = "-", Arrow, bytes.NewReader(content)
			}
			r, err := Open(t.Context(), from, o)
			if err != nil {
				t.Fatal(err)
			}
			if !r.Schema().Equal(batch.Schema()) {
				t.Errorf("%s: the columns are %v, not %v", name, r.Schema(), batch.Schema())
			}
			var again bytes.Buffer // written in the batches that were read
			w, err := Create("-", r.Schema(), WriteOptions{Format: Arrow, Stdout: &again})
			if err != nil {
				t.Fatal(err)
			}
			at := int64(0)
			for at < 40 {
				part, err := r.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if part.NumRows() > 7 {
					t.Errorf("%s: a batch of %d rows", name, part.NumRows())
				}
				if want := batch.NewSlice(at%20, at%20+part.NumRows()); !array.RecordEqual(part, want) {
					t.Errorf("%s: rows from %d on are %v, not %v", name, at, part, want)
				}
				if err := w.Write(part); err != nil {
					t.Fatal(err)
				}
				at += part.NumRows()
				part.Release()
			}
			if done, total := r.Progress(); done == 0 || total != 0 && done > total {
				t.Errorf("%s: progress %d of %d", name, done, total)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			r.Close()
			checkStream(t, again.Bytes(), batch)
		}
	}
}

// checkStream reads a stream by Arrow's own reader. It must have batch twice.
func checkStream(t *testing.T, stream []byte, batch arrow.RecordBatch) {
	t.Helper()
	r, err := ipc.NewReader(bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	at := int64(0)
	for r.Next() {
		part := r.RecordBatch()
		if want := batch.NewSlice(at%20, at%20+part.NumRows()); !array.RecordEqual(part, want) {
			t.Errorf("rows from %d on are written as %v, not %v", at, part, want)
		}
		at += part.NumRows()
	}
	if r.Err() != nil || at != 40 {
		t.Errorf("%d rows, %v", at, r.Err())
	}
}

func TestArrowWithoutRows(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)
	path := filepath.Join(t.TempDir(), "a.arrow")
	write(t, path, WriteOptions{}, array.NewRecordBatch(schema, []arrow.Array{fromJSON(t, memory.DefaultAllocator, arrow.PrimitiveTypes.Int64, `[]`)}, 0))
	r, err := Open(t.Context(), path, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if all := readAll(t, r); all != nil || !r.Schema().Equal(schema) {
		t.Errorf("%v with the columns %v", all, r.Schema())
	}
}

func TestArrowErrors(t *testing.T) {
	batch := anyTypes(t)
	defer batch.Release()
	path := filepath.Join(t.TempDir(), "a.arrows")
	write(t, path, WriteOptions{}, batch)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ content, want string }{
		"nothing":          {"", "standard input is empty; an Arrow stream begins with its columns"},
		"CSV":              {"a,b\n1,2\n3,4\n", "standard input is not Arrow, or damaged: message 0"},
		"Parquet":          {"PAR1\x00\x00\x00\x00", "standard input is a Parquet file"},
		"Feather":          {"FEA1\x00\x00\x00\x00", "is a Feather file of version 1"},
		"half":             {string(whole[:len(whole)/2]), "is truncated after row 0"},
		"without its end":  {string(whole[:len(whole)-8]), "is truncated after row 20"},
		"only a file head": {arrowHead, "standard input is not Arrow, or damaged"},
	} {
		_, _, err := readBytes(t, strings.NewReader(c.content), ReadOptions{Format: Arrow})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
	if _, err := Open(t.Context(), save(t, "a.arrow.gz", "x"), ReadOptions{}); err == nil || !strings.Contains(err.Error(), "remove .gz from the name") {
		t.Error(err)
	}
	dense := arrow.NewSchema([]arrow.Field{{Name: "l", Type: arrow.ListOf(arrow.DenseUnionOf(nil, nil))}}, nil)
	var unions bytes.Buffer
	if err := ipc.NewWriter(&unions, ipc.WithSchema(dense)).Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readBytes(t, &unions, ReadOptions{Format: Arrow}); err == nil || !strings.Contains(err.Error(), "column l is a dense union") {
		t.Error(err)
	}
	one, two := dictionaryBatch(t, "a"), dictionaryBatch(t, "b")
	w, err := Create(filepath.Join(t.TempDir(), "a.arrow"), one.Schema(), WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if err := w.Write(one); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(two); err == nil || !strings.Contains(err.Error(), "write a stream (.arrows)") {
		t.Error(err)
	}
}

func dictionaryBatch(t *testing.T, value string) arrow.RecordBatch {
	dt := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: dt, Nullable: true}}, nil)
	return array.NewRecordBatch(schema, []arrow.Array{fromJSON(t, memory.DefaultAllocator, dt, fmt.Sprintf("[%q]", value))}, 1)
}

// FuzzArrow reads any bytes. What can be read can be written and read again.
func FuzzArrow(f *testing.F) {
	batch := anyTypes(f)
	for _, path := range []string{"a.arrow", "a.arrows"} {
		path = filepath.Join(f.TempDir(), path)
		write(f, path, WriteOptions{}, batch)
		content, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := Open(t.Context(), "-", ReadOptions{Format: Arrow, Stdin: bytes.NewReader(content), Rows: 7})
		if err != nil {
			return
		}
		defer r.Close()
		for {
			part, err := r.Next(t.Context())
			if err != nil {
				return
			}
			for _, c := range part.Columns() {
				for i := range c.Len() {
					c.ValueStr(i)
				}
			}
			part.Release()
		}
	})
}
