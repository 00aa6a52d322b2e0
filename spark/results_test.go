package spark

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// encodeNested is a stream with every kind of type that Spark sends.
func encodeNested(t testing.TB) []byte {
	t.Helper()
	md := arrow.NewMetadata([]string{"k"}, []string{"v"})
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "s", Type: arrow.StructOf(
			arrow.Field{Name: "l", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true, Metadata: md},
			arrow.Field{Name: "m", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.Null)},
		)},
		{Name: "t", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
		{Name: "d", Type: &arrow.Decimal128Type{Precision: 10, Scale: 2}, Nullable: true},
		{Name: "b", Type: arrow.BinaryTypes.LargeBinary},
		{Name: "n", Type: arrow.Null, Nullable: true},
	}, &md)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for _, row := range []string{
		`{"s": {"l": ["a", null], "m": [{"key": "k", "value": null}]}, "t": "2024-01-01T00:00:00Z", "d": "1.50", "b": "AA=="}`,
		`{"s": {"l": null, "m": []}, "t": "2024-01-01T00:00:00Z", "d": null, "b": ""}`,
	} {
		if err := b.UnmarshalJSON([]byte(row)); err != nil {
			t.Fatal(err)
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	data, err := encode(schema, []arrow.RecordBatch{batch})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestDecode(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	batches, err := decode(encodeNested(t), mem)
	if err != nil || len(batches) != 1 {
		t.Fatal(batches, err)
	}
	defer batches[0].Release()
	rows, err := rowsOf(batches[0])
	if err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	expect(t, rows[0].At(0), Row{[]string{"l", "m"}, []any{[]any{"a", nil}, map[any]any{"k": nil}}})
}

// Cut anywhere, a stream is an error or its beginning; never anything else,
// and nothing is left behind.
func TestDecodeCutOff(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	whole := encodeNested(t)
	for n := range whole {
		batches, err := decode(whole[:n], mem)
		for _, b := range batches {
			b.Release()
		}
		if err != nil && len(batches) > 0 {
			t.Errorf("%d bytes give batches and %v", n, err)
		}
	}
}

// Equal rows shrink a thousandfold.
func TestDecodeCompressed(t *testing.T) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil))
	defer b.Release()
	b.Field(0).(*array.Int64Builder).AppendValues(make([]int64, 1<<20), nil)
	batch := b.NewRecordBatch()
	defer batch.Release()
	var data bytes.Buffer
	w := ipc.NewWriter(&data, ipc.WithSchema(batch.Schema()), ipc.WithZstd())
	if err := errors.Join(w.Write(batch), w.Close()); err != nil {
		t.Fatal(err)
	}
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	batches, err := decode(data.Bytes(), mem)
	if err != nil || len(batches) != 1 || batches[0].NumRows() != 1<<20 {
		t.Fatalf("%d bytes: %d batches, %v", data.Len(), len(batches), err)
	}
	batches[0].Release()
}

func TestCheckStream(t *testing.T) {
	prefix := func(length uint32) []byte {
		return binary.LittleEndian.AppendUint32([]byte{0xFF, 0xFF, 0xFF, 0xFF}, length)
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "u", Type: arrow.SparseUnionOf([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int8}}, []int8{0})}}, nil)
	union, err := encode(schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":          {nil, "before the schema"},
		"huge metadata":  {prefix(1 << 30), "metadata has 1073741824 bytes and 0 are there"},
		"zero metadata":  {append(prefix(8), make([]byte, 8)...), "out of bounds"},
		"text":           {[]byte("hello, world"), "cut off"},
		"a union":        {union, "type number 14"},
		"no schema":      {encodeNumbers(t, 0, 1)[schemaLength(t):], "header type 3 is not expected"},
		"two schemas":    {append(encodeNumbers(t, 0, 1)[:schemaLength(t):schemaLength(t)], encodeNumbers(t, 0, 1)...), "header type 1 is not expected"},
		"no body":        {encodeNumbers(t, 0, 100)[:schemaLength(t)+200], "cut off"},
		"all is well":    {encodeNested(t), ""},
		"without an end": {encodeNumbers(t, 0, 0)[:schemaLength(t)], ""},
	} {
		err := checkStream(c.data)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
}

// schemaLength is the length of the schema message of encodeNumbers.
func schemaLength(t *testing.T) int {
	return 8 + int(binary.LittleEndian.Uint32(encodeNumbers(t, 0, 0)[4:]))
}

func FuzzDecode(f *testing.F) {
	f.Add(encodeNumbers(f, 0, 3))
	f.Add(encodeNested(f))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		batches, err := decode(data, memory.DefaultAllocator)
		if err != nil {
			return
		}
		for _, b := range batches {
			rows, err := rowsOf(b)
			if err == nil && int64(len(rows)) != b.NumRows() {
				t.Errorf("%d rows of %d", len(rows), b.NumRows())
			}
			b.Release()
		}
	})
}
