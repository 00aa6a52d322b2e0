package parquet

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	pq "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// groupsOf writes rows to a Parquet file with row groups of the given size, as another program does.
func groupsOf(t testing.TB, batch arrow.RecordBatch, rows int64, o ...pq.WriterProperty) []byte {
	t.Helper()
	var b bytes.Buffer
	o = append([]pq.WriterProperty{pq.WithMaxRowGroupLength(rows)}, o...)
	w, err := pqarrow.NewFileWriter(batch.Schema(), &b, pq.NewWriterProperties(o...), pqarrow.DefaultWriterProps())
	if err == nil {
		err = w.Write(batch)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// countingFile counts the bytes that are read.
type countingFile struct {
	*bytes.Reader
	n int64
}

func (c *countingFile) ReadAt(b []byte, at int64) (int, error) {
	n, err := c.Reader.ReadAt(b, at)
	c.n += int64(n)
	return n, err
}

// numbered has 100 rows: a number, a text, a column that is NULL in the first half, and a list.
func numbered(t testing.TB) arrow.RecordBatch {
	var rows []string
	for i := range 100 {
		half := "null"
		if i >= 50 {
			half = fmt.Sprint(i)
		}
		rows = append(rows, fmt.Sprintf(`{"n": %d, "s": "text %02d %s", "half": %s, "list": [%d, %d]}`, i, i, strings.Repeat(string(rune('a'+i%26)), 500), half, i, -i))
	}
	return batchOf(t, arrow.NewSchema([]arrow.Field{
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "half", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, {Name: "list", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32), Nullable: true},
	}, nil), "["+strings.Join(rows, ",")+"]")
}

// Row groups that are skipped and columns that are not needed are not read. Rows that the file holds around skipped ones keep
// their numbers, because no batch continues after skipped rows.
func TestPrune(t *testing.T) {
	all := numbered(t)
	b := groupsOf(t, all, 10)
	read := func(rows int, p Pruning) (numbers []int64, bytesRead int64) {
		f := &countingFile{Reader: bytes.NewReader(b)}
		r, err := Open(f, int64(len(b)), ReadOptions{Rows: rows, Bytes: 1 << 20, Allocator: memory.DefaultAllocator})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if err := r.Prune(p); err != nil {
			t.Fatal(err)
		}
		given := int64(0)
		for {
			batch, err := r.Next(context.Background())
			_, _, skipped := r.Skipped()
			if err == io.EOF {
				if given+skipped != 100 {
					t.Errorf("%d rows and %d skipped", given, skipped)
				}
				return numbers, f.n
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range int(batch.NumRows()) {
				n := given + skipped + int64(i)
				numbers = append(numbers, n)
				for k := range all.Columns() {
					want := all.Column(k).ValueStr(int(n))
					if p.Needed != nil && !p.Needed(k) {
						want = "(null)"
					}
					if got := batch.Column(k).ValueStr(i); got != want {
						t.Fatalf("column %d of row %d is %.40s, want %.40s", k, n, got, want)
					}
				}
			}
			given += batch.NumRows()
			batch.Release()
		}
	}
	_, whole := read(7, Pruning{})
	for _, rows := range []int{1, 7, 1000} {
		skip := Pruning{Asks: []int{0, 2, 3}, Skip: func(bounds func(int) Bounds) bool {
			n, half, list := bounds(0), bounds(2), bounds(3)
			if n.Rows != 10 || n.Nulls != 0 || list.Range != nil || list.Nulls != -1 || half.Nulls != 0 && half.Nulls != 10 || (half.Range == nil) != (half.Nulls == 10) {
				t.Errorf("%+v, %+v, %+v", n, half, list)
			}
			least, most := n.Range.(*array.Int64).Value(0), n.Range.(*array.Int64).Value(1)
			return most != least+9 || least != 30 && least != 50 && least != 60
		}}
		numbers, some := read(rows, skip)
		if len(numbers) != 30 || numbers[0] != 30 || numbers[9] != 39 || numbers[10] != 50 || numbers[29] != 69 {
			t.Errorf("rows %v", numbers)
		}
		skip.Needed = func(i int) bool { return i == 0 }
		if _, few := read(rows, skip); some*2 > whole || few*2 > some {
			t.Errorf("%d bytes are read of the file, %d of three row groups, and %d of a column of them", whole, some, few)
		}
		for _, needed := range []int{-1, 0, 1, 2, 3} {
			if numbers, _ := read(rows, Pruning{Needed: func(i int) bool { return i == needed }}); len(numbers) != 100 {
				t.Errorf("%d rows with column %d", len(numbers), needed)
			}
		}
	}
}

// All values of the files of other programs are within the bounds that these state.
func TestBoundsOfOtherPrograms(t *testing.T) {
	paths, _ := filepath.Glob("testdata/*.parquet")
	stated := 0
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, _ := readBack(t, b, defaultOptions)
		for i, f := range r.Schema().Fields() {
			for group := range r.plan.skip {
				stated += checkBounds(t, b, i, group, path+" "+f.Name)
			}
		}
	}
	if stated < 10 {
		t.Errorf("only %d bounds are stated", stated)
	}
}

// checkBounds compares the values of a column in a row group with its bounds.
func checkBounds(t *testing.T, b []byte, column, group int, name string) (stated int) {
	r, err := Open(bytes.NewReader(b), int64(len(b)), defaultOptions)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var bounds Bounds
	at := 0
	if err := r.Prune(Pruning{Asks: []int{column}, Skip: func(of func(int) Bounds) bool {
		here := of(column)
		if at == group {
			bounds = here
			if bounds.Range != nil {
				bounds.Range.Retain()
			}
		}
		at++
		return at-1 != group
	}}); err != nil {
		t.Fatal(err)
	}
	nulls, values := 0, 0
	for {
		batch, err := r.Next(context.Background())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		a := batch.Column(column)
		nulls += a.NullN()
		for i := range a.Len() {
			if a.IsNull(i) {
				continue
			}
			values++
			if bounds.Range != nil && (compareValues(a, i, bounds.Range, 0) < 0 || compareValues(a, i, bounds.Range, 1) > 0) {
				t.Errorf("%s: %s is not within %v", name, a.ValueStr(i), bounds.Range)
			}
		}
	}
	if bounds.Nulls >= 0 && int64(nulls) != bounds.Nulls {
		t.Errorf("%s: %d NULLs, stated are %d", name, nulls, bounds.Nulls)
	}
	if bounds.Range != nil && values > 0 {
		stated++
	}
	return stated
}

// compareValues is 0 for NaN, which bounds do not cover.
func compareValues(a arrow.Array, i int, b arrow.Array, j int) int {
	floats := func(x, y float64) int {
		if math.IsNaN(x) || math.IsNaN(y) {
			return 0
		}
		if x == y {
			return 0
		}
		return cmp.Compare(x, y)
	}
	switch a := a.(type) {
	case *array.Boolean:
		return cmp.Compare(fmt.Sprint(a.Value(i)), fmt.Sprint(b.(*array.Boolean).Value(j)))
	case *array.Int8:
		return cmp.Compare(a.Value(i), b.(*array.Int8).Value(j))
	case *array.Int16:
		return cmp.Compare(a.Value(i), b.(*array.Int16).Value(j))
	case *array.Int32:
		return cmp.Compare(a.Value(i), b.(*array.Int32).Value(j))
	case *array.Int64:
		return cmp.Compare(a.Value(i), b.(*array.Int64).Value(j))
	case *array.Date32:
		return cmp.Compare(a.Value(i), b.(*array.Date32).Value(j))
	case *array.Timestamp:
		return cmp.Compare(a.Value(i), b.(*array.Timestamp).Value(j))
	case *array.Float32:
		return floats(float64(a.Value(i)), float64(b.(*array.Float32).Value(j)))
	case *array.Float64:
		return floats(a.Value(i), b.(*array.Float64).Value(j))
	case *array.String:
		return strings.Compare(a.Value(i), b.(*array.String).Value(j))
	case *array.Decimal128:
		return a.Value(i).Cmp(b.(*array.Decimal128).Value(j))
	}
	panic(fmt.Sprintf("bounds of %s", a.DataType()))
}

// Statistics without a defined order are not used, except the deprecated ones of signed integers.
func TestOldStatistics(t *testing.T) {
	b := groupsOf(t, numbered(t), 100)
	noOrders := func(meta []byte) []byte {
		fields, _ := fieldsOf(meta)
		var w thriftWriter
		for _, f := range fields {
			if f.id != 7 {
				w.raw(f.id, f.kind, f.value)
			}
		}
		return w.end()
	}
	old := editChunks(editChunkMeta(12, func(s []byte) []byte {
		fields, _ := fieldsOf(s)
		var w thriftWriter
		for _, id := range []int16{5, 6} {
			at := slices.IndexFunc(fields, func(f rawField) bool { return f.id == id })
			if at >= 0 {
				w.raw(id-4, kindBinary, fields[at].value)
			}
		}
		return w.end()
	}))
	for name, c := range map[string]struct {
		change func([]byte) []byte
		want   []bool // whether n, s and half have a range
	}{
		"as written":         {func(m []byte) []byte { return m }, []bool{true, true, true}},
		"without an order":   {noOrders, []bool{true, false, true}}, // the library writes the deprecated ones, too
		"deprecated ones":    {func(m []byte) []byte { return noOrders(old(m)) }, []bool{true, false, true}},
		"cut short":          {editChunks(editChunkMeta(12, func([]byte) []byte { return []byte{5<<4 | kindBinary, 1, 'x', 1<<4 | kindBinary, 1, 'x', 0} })), []bool{false, true, false}},
		"no statistics":      {editChunks(editChunkMeta(12, func([]byte) []byte { return []byte{0} })), []bool{false, false, false}},
		"only one of bounds": {editChunks(editChunkMeta(12, func([]byte) []byte { return []byte{5<<4 | kindBinary, 1, 'x', 0} })), []bool{false, false, false}},
	} {
		changed := withMeta(b, c.change)
		r, err := Open(bytes.NewReader(changed), int64(len(changed)), defaultOptions)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := r.Prune(Pruning{Asks: []int{0, 1, 2}, Skip: func(bounds func(int) Bounds) bool {
			for i, want := range c.want {
				if got := bounds(i).Range != nil; got != want {
					t.Errorf("%s: column %d has bounds: %t", name, i, got)
				}
			}
			return false
		}}); err != nil {
			t.Error(err)
		}
		r.Close()
	}
	for by, want := range map[string]bool{"parquet-cpp version 1.5.1": true, "parquet-cpp-arrow version 3.0.0": true, "parquet-cpp-arrow version 14.0.0": false, "parquet-mr version 1.13.1": false, "": false} {
		if wrongDecimals.MatchString(by) != want {
			t.Errorf("%q", by)
		}
	}
}
