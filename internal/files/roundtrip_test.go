package files

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// checked returns an allocator that reports memory that a test does not release.
func checked(t testing.TB) memory.Allocator {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	return mem
}

func fromJSON(t testing.TB, mem memory.Allocator, dt arrow.DataType, text string) arrow.Array {
	t.Helper()
	a, _, err := array.FromJSON(mem, dt, strings.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", dt, err)
	}
	return a
}

// readAll returns all rows as one batch, or nil for a file without rows.
func readAll(t testing.TB, r Reader) arrow.RecordBatch {
	t.Helper()
	all, err := readUntil(r)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func readUntil(r Reader) (arrow.RecordBatch, error) {
	var batches []arrow.RecordBatch
	defer func() {
		for _, b := range batches {
			b.Release()
		}
	}()
	for {
		b, err := r.Next(context.Background())
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if b.NumRows() == 0 {
			return nil, errors.New("a batch without rows")
		}
		batches = append(batches, b)
	}
	if len(batches) == 0 {
		return nil, nil
	}
	columns := make([]arrow.Array, batches[0].NumCols())
	for k := range columns {
		var parts []arrow.Array
		for _, b := range batches {
			parts = append(parts, b.Column(k))
		}
		var err error
		if columns[k], err = array.Concatenate(parts, memory.DefaultAllocator); err != nil {
			return nil, err
		}
	}
	return array.NewRecordBatch(r.Schema(), columns, -1), nil
}

func write(t testing.TB, path string, o WriteOptions, batches ...arrow.RecordBatch) {
	t.Helper()
	w, err := Create(path, batches[0].Schema(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// allTypes has a column of each type, with values and a NULL.
var allTypes = []struct {
	dt   arrow.DataType
	json string
}{
	{arrow.BinaryTypes.String, `["a", null, "", "ä\n\"x\",y"]`},
	{arrow.BinaryTypes.LargeString, `["a", null, "", "b"]`},
	{arrow.BinaryTypes.Binary, `["AAE=", null, "", "/w=="]`},
	{arrow.BinaryTypes.LargeBinary, `["AAE=", null, "", "/w=="]`},
	{&arrow.FixedSizeBinaryType{ByteWidth: 2}, `["AAE=", null, "AAA=", "//8="]`},
	{arrow.FixedWidthTypes.Boolean, `[true, null, false, true]`},
	{arrow.PrimitiveTypes.Int8, `[-128, null, 127, 0]`},
	{arrow.PrimitiveTypes.Int16, `[-32768, null, 32767, 0]`},
	{arrow.PrimitiveTypes.Int32, `[-2147483648, null, 2147483647, 0]`},
	{arrow.PrimitiveTypes.Int64, `[-9223372036854775808, null, 9223372036854775807, 9007199254740993]`},
	{arrow.PrimitiveTypes.Uint8, `[255, null, 0, 1]`},
	{arrow.PrimitiveTypes.Uint16, `[65535, null, 0, 1]`},
	{arrow.PrimitiveTypes.Uint32, `[4294967295, null, 0, 1]`},
	{arrow.PrimitiveTypes.Uint64, `[18446744073709551615, null, 0, 1]`},
	{arrow.FixedWidthTypes.Float16, `[1.5, null, -2, 0]`},
	{arrow.PrimitiveTypes.Float32, `[0.1, null, -2, 1e30]`},
	{arrow.PrimitiveTypes.Float64, `[0.1, null, 1e300, 5e-324]`},
	{&arrow.Decimal128Type{Precision: 38, Scale: 10}, `["0.0000000001", null, "-1234567890123456789012345678.5", "1.50"]`},
	{&arrow.Decimal128Type{Precision: 5, Scale: 2}, `["1.50", null, "-999.99", "0.00"]`},
	{&arrow.Decimal256Type{Precision: 60, Scale: 2}, `["1.50", null, "-1234567890123456789012345678901234567890.99", "0.00"]`},
	{arrow.FixedWidthTypes.Date32, `["2026-01-31", null, "1900-02-28", "9999-12-31"]`},
	{arrow.FixedWidthTypes.Date64, `["2026-01-31", null, "1900-02-28", "1970-01-01"]`},
	{arrow.FixedWidthTypes.Time32ms, `["12:30:45.123", null, "00:00:00", "23:59:59.999"]`},
	{arrow.FixedWidthTypes.Time64us, `["12:30:45.123456", null, "00:00:00", "23:59:59.999999"]`},
	{arrow.FixedWidthTypes.Time64ns, `["12:30:45.123456789", null, "00:00:00", "23:59:59.999999999"]`},
	{arrow.FixedWidthTypes.Timestamp_us, `["2026-01-31 12:30:45.123456Z", null, "1900-01-01 00:00:00Z", "2200-01-01 00:00:00Z"]`},
	{arrow.FixedWidthTypes.Timestamp_ms, `["2026-01-31 12:30:45.123Z", null, "1900-01-01 00:00:00Z", "2200-01-01 00:00:00Z"]`},
	{arrow.FixedWidthTypes.Timestamp_ns, `["2026-01-31 12:30:45.123456789Z", null, "1900-01-01 00:00:00Z", "2200-01-01 00:00:00Z"]`},
	{&arrow.TimestampType{Unit: arrow.Microsecond}, `["2026-01-31 12:30:45.123456", null, "1900-01-01 00:00:00", "2200-01-01 00:00:00"]`},
	{&arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "Europe/Berlin"}, `["2026-01-31 12:30:45.123456Z", null, "1900-01-01 00:00:00Z", "2200-01-01 00:00:00Z"]`},
	{&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, `["a", null, "b", "a"]`},
	{arrow.ListOf(arrow.BinaryTypes.String), `[["a", null], null, [], ["b"]]`},
	{arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Int64)), `[[[1, 2], null, []], null, [], [[3]]]`},
	{arrow.LargeListOf(arrow.PrimitiveTypes.Int32), `[[1, null], null, [], [2]]`},
	{arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Float32), `[[1, 2], null, [3, 4], [5, 6]]`},
	{arrow.StructOf(arrow.Field{Name: "n", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, arrow.Field{Name: "in", Type: arrow.StructOf(
		arrow.Field{Name: "t", Type: arrow.BinaryTypes.String, Nullable: true}), Nullable: true}), `[{"n": 1, "in": {"t": "a"}}, null, {"n": null, "in": null}, {"n": 2, "in": {"t": null}}]`},
	{arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64), `[[{"key": "a", "value": 1}, {"key": "b", "value": null}], null, [], [{"key": "c", "value": 3}]]`},
	{arrow.ListOf(arrow.StructOf(arrow.Field{Name: "d", Type: &arrow.Decimal128Type{Precision: 5, Scale: 2}, Nullable: true})), `[[{"d": "1.50"}, null], null, [], [{"d": null}]]`},
}

// readByLibrary reads a Parquet file with the Arrow library's reader.
func readByLibrary(t testing.TB, path string) arrow.Table {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table, err := pqarrow.ReadTable(t.Context(), f, nil, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// Parquet files keep every type and value. The Arrow library's reader confirms it,
// also for a file that was read and written again.
func TestParquetKeepsTypes(t *testing.T) {
	for _, c := range append(allTypes, parquetTypes...) {
		t.Run(c.dt.String(), func(t *testing.T) {
			mem := checked(t)
			if c.dt.ID() == arrow.DICTIONARY {
				mem = memory.DefaultAllocator // Arrow leaves the buffers of a dictionary to the garbage collector
			}
			a := fromJSON(t, mem, c.dt, c.json)
			defer a.Release()
			schema := arrow.NewSchema([]arrow.Field{{Name: "c", Type: c.dt, Nullable: true}}, nil)
			batch := array.NewRecordBatch(schema, []arrow.Array{a}, -1)
			defer batch.Release()
			path := filepath.Join(t.TempDir(), "x.parquet")
			write(t, path, WriteOptions{Allocator: mem}, batch, batch)

			r, err := Open(t.Context(), path, ReadOptions{Allocator: mem, Rows: 3})
			if err != nil {
				t.Fatal(err)
			}
			got := readAll(t, r)
			defer got.Release()
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			for i := range 8 {
				got, err := appendValue(nil, got.Column(0), i)
				want, err2 := appendValue(nil, a, i%4)
				if err != nil || err2 != nil || string(got) != string(want) {
					t.Errorf("row %d is %s, want %s (%v, %v)", i, got, want, err, err2)
				}
			}
			again := filepath.Join(t.TempDir(), "x.parquet")
			write(t, again, WriteOptions{Allocator: mem}, got)
			if strings.Contains(c.dt.String(), "duration") {
				return // the Arrow library cannot read durations
			}

			// Parquet names list elements "element" and has one type for days.
			want := strings.ReplaceAll(c.dt.String(), "item:", "element:")
			want = strings.ReplaceAll(want, "date64", "date32")
			first, second := readByLibrary(t, path), readByLibrary(t, again)
			if got := strings.ReplaceAll(first.Schema().Field(0).Type.String(), "item:", "element:"); got != want {
				t.Errorf("the type is %s, want %s", got, want)
			}
			if !first.Schema().Equal(second.Schema()) || first.NumRows() != 8 {
				t.Errorf("%d rows of %s, then of %s", first.NumRows(), first.Schema(), second.Schema())
			}
			if got, want := second.Column(0).Data().Chunks(), first.Column(0).Data().Chunks(); !array.ChunkedEqual(arrow.NewChunked(got[0].DataType(), got), arrow.NewChunked(want[0].DataType(), want)) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

// parquetTypes has the types that the text formats do not support yet.
var parquetTypes = []struct {
	dt   arrow.DataType
	json string
}{
	{arrow.FixedWidthTypes.Duration_us, `["1us", null, "-1s", "0s"]`},
	{arrow.ListOf(arrow.FixedWidthTypes.Duration_ms), `[["1ms", null], null, [], ["2s"]]`},
	{arrow.MapOf(arrow.BinaryTypes.String, arrow.FixedSizeListOf(1, arrow.PrimitiveTypes.Int8)), `[[{"key": "a", "value": [1]}], null, [], [{"key": "b", "value": null}]]`},
	{arrow.FixedSizeListOf(1, arrow.FixedSizeListOf(1, arrow.PrimitiveTypes.Int8)), `[[[1]], null, [null], [[null]]]`},
}

// Each type has a defined text in CSV and JSON.
func TestTextOfTypes(t *testing.T) {
	want := map[string]string{
		"utf8":                      `["a",null,"","ä\n\"x\",y"]`,
		"large_utf8":                `["a",null,"","b"]`,
		"binary":                    `["AAE=",null,"","/w=="]`,
		"bool":                      `[true,null,false,true]`,
		"int64":                     `[-9223372036854775808,null,9223372036854775807,9007199254740993]`,
		"uint64":                    `[18446744073709551615,null,0,1]`,
		"float16":                   `[1.5,null,-2,0]`,
		"float32":                   `[0.1,null,-2,1e+30]`,
		"float64":                   `[0.1,null,1e+300,5e-324]`,
		"decimal(5, 2)":             `[1.50,null,-999.99,0.00]`,
		"decimal256(60, 2)":         `[1.50,null,-1234567890123456789012345678901234567890.99,0.00]`,
		"date32":                    `["2026-01-31",null,"1900-02-28","9999-12-31"]`,
		"time64[us]":                `["12:30:45.123456",null,"00:00:00.000000","23:59:59.999999"]`,
		"timestamp[us, tz=UTC]":     `["2026-01-31T12:30:45.123456Z",null,"1900-01-01T00:00:00Z","2200-01-01T00:00:00Z"]`,
		"timestamp[us]":             `["2026-01-31T12:30:45.123456",null,"1900-01-01T00:00:00","2200-01-01T00:00:00"]`,
		"dictionary<values=utf8":    `["a",null,"b","a"]`,
		"list<item: list<item: int": `[[[1,2],null,[]],null,[],[[3]]]`,
		"fixed_size_list":           `[[1,2],null,[3,4],[5,6]]`,
		"struct":                    `[{"n":1,"in":{"t":"a"}},null,{"n":null,"in":null},{"n":2,"in":{"t":null}}]`,
		"map":                       `[{"a":1,"b":null},null,{},{"c":3}]`,
		"list<item: struct":         `[[{"d":1.50},null],null,[],[{"d":null}]]`,
	}
	for _, c := range allTypes {
		mem := checked(t)
		a := fromJSON(t, mem, c.dt, c.json)
		text := []byte("[")
		for i := range a.Len() {
			if i > 0 {
				text = append(text, ',')
			}
			var err error
			if text, err = appendValue(text, a, i); err != nil {
				t.Fatal(err)
			}
		}
		text = append(text, ']')
		for prefix, w := range want {
			if strings.HasPrefix(c.dt.String(), prefix) && len(prefix) > 0 {
				if prefix == "timestamp[us]" && c.dt.String() != prefix {
					continue
				}
				if string(text) != w {
					t.Errorf("%s: %s, want %s", c.dt, text, w)
				}
				delete(want, prefix)
			}
		}
		a.Release()
	}
	for prefix := range want {
		t.Errorf("there is no type %s", prefix)
	}
}

// Rows that are written as CSV, TSV or JSON are read back unchanged, compressed or
// not.
func TestTextRoundTrip(t *testing.T) {
	for _, name := range []string{"x.csv", "x.tsv", "x.jsonl", "x.csv.gz", "x.jsonl.zst", "x.tsv.zst", "x.ndjson.gz"} {
		t.Run(name, func(t *testing.T) {
			mem := checked(t)
			types := map[string]arrow.DataType{}
			var fields []arrow.Field
			var columns []arrow.Array
			for i, c := range []struct{ sql, json string }{
				{"STRING", `["a", null, "", "ä\r\n\"x\",\t;y", " 007 "]`},
				{"BIGINT", `[-9223372036854775808, null, 9223372036854775807, 0, 1]`},
				{"DOUBLE", `[0.1, null, 1e300, 5e-324, 3]`},
				{"BOOLEAN", `[true, null, false, true, false]`},
				{"FLOAT", `[0.1, null, 1e30, 3, -0.0]`},
				{"TINYINT", `[1, null, -128, 127, 0]`},
				{"SMALLINT", `[1, null, -128, 127, 0]`},
				{"INT", `[1, null, -128, 127, 0]`},
				{"DECIMAL(38,3)", `["1.500", null, "-0.001", "12345678901234567890123456789012345.678", "0.000"]`},
				{"DATE", `["2026-01-31", null, "1900-02-28", "9999-12-31", "1970-01-01"]`},
				{"TIMESTAMP", `["2026-01-31 12:30:45.123456Z", null, "1900-01-01 00:00:00Z", "2200-01-01 00:00:00Z", "1970-01-01 00:00:00.5Z"]`},
				{"TIMESTAMP_NTZ", `["2026-01-31 12:30:45.123456", null, "1900-01-01 00:00:00", "2200-01-01 00:00:00", "1970-01-01 00:00:00.5"]`},
				{"BINARY", `["AAE=", null, "/w==", "AAAA", "AA=="]`},
			} {
				dt, err := ParseType(c.sql)
				if err != nil {
					t.Fatal(err)
				}
				field := arrow.Field{Name: string(rune('a' + i)), Type: dt, Nullable: true}
				fields, types[field.Name] = append(fields, field), dt
				columns = append(columns, fromJSON(t, mem, dt, c.json))
			}
			batch := array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, -1)
			defer batch.Release()
			for _, c := range columns {
				c.Release()
			}
			path := filepath.Join(t.TempDir(), name)
			write(t, path, WriteOptions{}, batch, batch)
			r, err := Open(t.Context(), path, ReadOptions{Types: types, Allocator: mem, Rows: 3})
			if err != nil {
				t.Fatal(err)
			}
			got := readAll(t, r)
			defer got.Release()
			info, _ := os.Stat(path)
			if done, total := r.Progress(); done != total || total != info.Size() {
				t.Errorf("%d of %d bytes are read, of %d", done, total, info.Size())
			}
			r.Close()
			first := got.NewSlice(5, 10)
			defer first.Release()
			if !got.Schema().Equal(batch.Schema()) || !array.RecordEqual(first, batch) {
				t.Errorf("got  %v\nwant %v", first, batch)
			}
		})
	}
}
