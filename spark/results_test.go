package spark

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// encodeNested returns a stream with every kind of type that Spark sends.
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

// Decoding a truncated stream returns an error or the complete batches before
// the end, and frees all memory.
func TestDecodeTruncated(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	whole := encodeNested(t)
	for n := range whole {
		batches, err := decode(whole[:n], mem)
		for _, b := range batches {
			b.Release()
		}
		if err != nil && len(batches) > 0 {
			t.Errorf("%d bytes: got batches and the error %v", n, err)
		}
	}
}

// packedZeros returns a compressed stream of 1<<20 rows of zeros (i64).
func packedZeros(t testing.TB, columns int) []byte {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(slices.Repeat([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, columns), nil))
	defer b.Release()
	for _, c := range b.Fields() {
		c.(*array.Int64Builder).AppendValues(make([]int64, 1<<20), nil)
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	var data bytes.Buffer
	w := ipc.NewWriter(&data, ipc.WithSchema(batch.Schema()), ipc.WithZstd())
	if err := errors.Join(w.Write(batch), w.Close()); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

// Equal rows with a compression ratio of a thousand are accepted.
func TestDecodeCompressed(t *testing.T) {
	data := packedZeros(t, 1)
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	batches, err := decode(data, mem)
	if err != nil || len(batches) != 1 || batches[0].NumRows() != 1<<20 {
		t.Fatalf("%d bytes: %d batches, %v", len(data), len(batches), err)
	}
	batches[0].Release()
}

// A stream with too many rows without columns, and one that decompresses to more
// than Spark sends, are refused.
func TestDecodeTooLarge(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	none := array.NewRecordBatch(arrow.NewSchema(nil, nil), nil, 1<<21)
	data, err := encode(none.Schema(), []arrow.RecordBatch{none})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decode(data, mem); err == nil || !strings.Contains(err.Error(), "the Arrow stream: message 1: the batch has 2097152 rows") {
		t.Error(err)
	}
	if _, err := decode(packedZeros(t, 10), mem); err == nil || !strings.Contains(err.Error(), "decompress to 83886080 bytes") {
		t.Error(err)
	}
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

// A STRING of Spark need not be valid UTF-8, at any depth; its bytes are kept.
func TestDecodeInvalidUTF8(t *testing.T) {
	const bad = "bad\xff\xfe"
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "t", Type: arrow.BinaryTypes.String},
		{Name: "big", Type: arrow.BinaryTypes.LargeString},
		{Name: "l", Type: arrow.ListOf(arrow.StructOf(arrow.Field{Name: "x", Type: arrow.BinaryTypes.String}))},
		{Name: "m", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.BinaryTypes.String)},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	b.Field(0).(*array.StringBuilder).Append(bad)
	b.Field(1).(*array.LargeStringBuilder).Append(bad)
	list := b.Field(2).(*array.ListBuilder)
	list.Append(true)
	list.ValueBuilder().(*array.StructBuilder).Append(true)
	list.ValueBuilder().(*array.StructBuilder).FieldBuilder(0).(*array.StringBuilder).Append(bad)
	m := b.Field(3).(*array.MapBuilder)
	m.Append(true)
	m.KeyBuilder().(*array.StringBuilder).Append(bad)
	m.ItemBuilder().(*array.StringBuilder).Append(bad)
	batch := b.NewRecordBatch()
	defer batch.Release()
	data, err := encode(schema, []arrow.RecordBatch{batch})
	if err != nil {
		t.Fatal(err)
	}
	batches, err := decode(data, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	defer batches[0].Release()
	rows, err := rowsOf(batches[0])
	if err != nil {
		t.Fatal(err)
	}
	expect(t, rows[0].values, []any{bad, bad, []any{Row{[]string{"x"}, []any{bad}}}, map[any]any{bad: bad}})
}
