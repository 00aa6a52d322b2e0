package job

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// The value is that of the documentation of Spark's xxhash64.
func TestHashIsSparks(t *testing.T) {
	h := hashInt32(2, hashInt32(123, hashBytes([]byte("Spark"), sparkSeed)))
	if int64(h) != 5602566077635097486 {
		t.Errorf("xxhash64('Spark', array(123), 2) is %d", int64(h))
	}
}

func sampled(t *testing.T, s Sample, schema *arrow.Schema, rows string) []bool {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	batch, _, err := array.RecordFromJSON(mem, schema, strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Release()
	of, err := s.bind(schema)
	if err != nil {
		t.Fatal(err)
	}
	return of.Keep(mem, batch)
}

// A row's hash depends on its values only: not on the batch it is in, nor on
// the width of its types. The integration tests compare the hash with Spark's.
func TestSampleDependsOnValuesOnly(t *testing.T) {
	schema := func(id, score arrow.DataType) *arrow.Schema {
		return arrow.NewSchema([]arrow.Field{
			{Name: "id", Type: id, Nullable: true},
			{Name: "score", Type: score, Nullable: true},
			{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
			{Name: "list", Type: arrow.ListOf(id), Nullable: true},
			{Name: "map", Type: arrow.MapOf(arrow.BinaryTypes.String, id), Nullable: true},
		}, nil)
	}
	narrow, wide := schema(arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Float32), schema(arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float64)
	var rows []string
	for i := range 4000 {
		rows = append(rows, fmt.Sprintf(`{"id": %d, "score": %g, "text": "text %d", "list": [%d, null]}`, i, float64(i%64)/8, i%7, i%3))
	}
	all := "[" + strings.Join(rows, ",") + "]"
	keep := sampled(t, Sample{0.1, 1}, narrow, all)
	wider := sampled(t, Sample{0.1, 1}, wide, all)
	other := sampled(t, Sample{0.1, 2}, wide, all)
	last := sampled(t, Sample{0.1, 1}, wide, "["+strings.Join(rows[3900:], ",")+"]")
	n, both := 0, 0
	for i, k := range keep {
		if k != wider[i] || i >= 3900 && k != last[i-3900] {
			t.Fatalf("row %d is in one sample and not in another", i)
		}
		if k {
			n++
		}
		if k && other[i] {
			both++
		}
	}
	if n < 320 || n > 480 || both > 80 {
		t.Errorf("%d of 4000 rows, %d of them with another seed too", n, both)
	}
	for share, want := range map[float64]int{0: 0, 1: 4000} {
		n := 0
		for _, k := range sampled(t, Sample{share, 1}, narrow, all) {
			if k {
				n++
			}
		}
		if n != want {
			t.Errorf("a share of %v takes %d rows", share, n)
		}
	}
}

func TestSampleSQL(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "a`b", Type: arrow.PrimitiveTypes.Int8},
		{Name: "u", Type: arrow.PrimitiveTypes.Uint64},
		{Name: "s", Type: arrow.StructOf(arrow.Field{Name: "x", Type: arrow.ListOf(&arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"})})},
		{Name: "m", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.BinaryTypes.String)},
	}, nil)
	of, err := Sample{0.5, 1<<64 - 1}.bind(schema)
	if err != nil {
		t.Fatal(err)
	}
	want := "shiftrightunsigned(xxhash64(CAST('-1' AS BIGINT), CAST(`a``b` AS BIGINT), CAST(`u` AS DOUBLE), CAST(`s` AS STRUCT<`x`: ARRAY<TIMESTAMP>>)), 11) < CAST('4503599627370496' AS BIGINT)"
	if got := of.SQL(); got != want {
		t.Error(got)
	}
	var none *SampleError
	if _, err := (Spec{Sample: &Sample{Share: 0.5}}).Bind(arrow.NewSchema(schema.Fields()[3:], nil)); !errors.As(err, &none) {
		t.Errorf("a sample without columns: %v", err)
	}
}
