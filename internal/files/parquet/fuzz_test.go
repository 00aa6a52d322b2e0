package parquet

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

var defaultOptions = ReadOptions{Rows: 100, Bytes: 1 << 16, Allocator: memory.DefaultAllocator}

// fileOf writes batches to a Parquet file and returns its bytes.
func fileOf(t testing.TB, batches ...arrow.RecordBatch) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, batches[0].Schema(), WriteOptions{RowGroup: 1 << 20, Allocator: memory.DefaultAllocator, CreatedBy: "firesteel version 1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, batch := range batches {
		if err := w.Write(batch, 100); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func batchOf(t testing.TB, schema *arrow.Schema, rows string) arrow.RecordBatch {
	t.Helper()
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, bytes.NewReader([]byte(rows)))
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

// nestedBatch returns a batch with simple and nested columns.
func nestedBatch(t testing.TB) arrow.RecordBatch {
	list := arrow.ListOf(arrow.StructOf(arrow.Field{Name: "n", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, arrow.Field{Name: "t", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true}))
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "d", Type: &arrow.Decimal128Type{Precision: 5, Scale: 2}, Nullable: true},
		{Name: "l", Type: list, Nullable: true},
		{Name: "m", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64), Nullable: true},
	}, nil)
	return batchOf(t, schema, `[
		{"s": "a", "d": "1.50", "l": [{"n": 1, "t": ["x", null]}, null, {"n": null, "t": []}], "m": [{"key": "k", "value": 1}]},
		{"s": null, "d": null, "l": [], "m": []},
		{"s": "bb", "d": "-0.01", "l": null, "m": null}]`)
}

// FuzzRead checks that any bytes can be opened and read without a panic.
func FuzzRead(f *testing.F) {
	whole := fileOf(f, nestedBatch(f))
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Open(bytes.NewReader(b), int64(len(b)), defaultOptions)
		if err != nil {
			return
		}
		defer r.Close()
		var asks []int
		for i := range r.Schema().NumFields() {
			asks = append(asks, i)
		}
		if err := r.Prune(Pruning{Asks: asks, Skip: func(bounds func(int) Bounds) bool {
			for _, i := range asks {
				if b := bounds(i); b.Range != nil {
					b.Range.ValueStr(0)
				}
			}
			return false
		}}); err != nil {
			return
		}
		for rows := 0; rows < 10_000; {
			batch, err := r.Next(context.Background())
			if err != nil {
				return
			}
			for _, c := range batch.Columns() {
				for i := range c.Len() {
					c.ValueStr(i)
				}
			}
			rows += int(batch.NumRows())
			batch.Release()
		}
	})
}

// FuzzFooter checks that metadata that can be parsed can be written and parsed
// again.
func FuzzFooter(f *testing.F) {
	whole := fileOf(f, nestedBatch(f))
	n := binary.LittleEndian.Uint32(whole[len(whole)-8:])
	f.Add(whole[len(whole)-8-int(n) : len(whole)-8])
	f.Add([]byte("\x19\xfc\xff\xff\xff\xff\xff\xff\x00\x00\x08\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		foot, err := parseFooter(b, 1<<20)
		if err != nil {
			return
		}
		if _, err := parseMetaData(foot.plain); err != nil {
			t.Fatalf("%v: %x", err, foot.plain)
		}
		for _, n := range foot.root.children {
			reparsed, err := parse(n.raw())
			if err != nil || !bytes.Equal(reparsed.raw(), n.raw()) {
				t.Fatalf("%v: %x was parsed as %x", err, n.raw(), reparsed.raw())
			}
		}
	})
}

// readBack opens a file and reads all its batches.
func readBack(t testing.TB, b []byte, o ReadOptions) (*Reader, []arrow.RecordBatch) {
	t.Helper()
	r, err := Open(bytes.NewReader(b), int64(len(b)), o)
	if err != nil {
		t.Fatal(err)
	}
	var batches []arrow.RecordBatch
	for {
		batch, err := r.Next(t.Context())
		if err == io.EOF {
			return r, batches
		}
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, batch)
	}
}
