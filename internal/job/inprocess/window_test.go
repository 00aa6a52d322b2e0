package inprocess

import (
	"errors"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Rows that are kept do not change, whatever the types of their columns.
func TestFilter(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "text", Type: arrow.BinaryTypes.LargeString, Nullable: true},
		{Name: "bytes", Type: arrow.BinaryTypes.Binary, Nullable: true},
		{Name: "price", Type: &arrow.Decimal128Type{Precision: 9, Scale: 2}, Nullable: true},
		{Name: "when", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
		{Name: "yes", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "list", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
		{Name: "map", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int32), Nullable: true},
		{Name: "struct", Type: arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Float64, Nullable: true}), Nullable: true},
		{Name: "kind", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, Nullable: true},
		{Name: "nothing", Type: arrow.Null, Nullable: true},
	}, nil)
	rows := `{"n": 0, "text": "a", "bytes": "AA==", "price": "1.50", "when": "2026-11-28T00:00:00Z", "yes": true, "list": ["x", null], "map": [{"key": "k", "value": 1}], "struct": {"a": 1.5}, "kind": "red"}
{"n": null, "text": null, "bytes": null, "price": null, "when": null, "yes": null, "list": null, "map": null, "struct": null, "kind": null}
{"n": 2, "text": "ü", "bytes": "AQ==", "price": "-0.01", "when": "2026-11-28T00:00:01Z", "yes": false, "list": [], "map": [], "struct": {"a": null}, "kind": "blue"}
{"n": 3, "text": "", "bytes": "", "price": "0.00", "when": "1970-01-01T00:00:00Z", "yes": true, "list": ["y"], "map": [{"key": "l", "value": null}], "struct": {"a": 0}, "kind": "red"}
`
	batch, _, err := array.RecordFromJSON(mem, schema, strings.NewReader("["+strings.ReplaceAll(strings.TrimSpace(rows), "\n", ",")+"]"))
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Release()
	part := batch.NewSlice(0, 4)
	defer part.Release()
	for pattern := range 16 {
		keep := make([]bool, 4)
		var want []int
		for i := range keep {
			if keep[i] = pattern&(1<<i) != 0; keep[i] {
				want = append(want, i)
			}
		}
		got, err := filter(mem, part, keep)
		if err != nil {
			t.Fatal(err)
		}
		if int(got.NumRows()) != len(want) || !got.Schema().Equal(schema) {
			t.Errorf("%v: %d rows of %s", keep, got.NumRows(), got.Schema())
		}
		for k, i := range want {
			for c := range int(got.NumCols()) {
				if g, w := got.Column(c).ValueStr(k), batch.Column(c).ValueStr(i); g != w {
					t.Errorf("%v: row %d has %s %s, not %s", keep, i, schema.Field(c).Name, g, w)
				}
			}
		}
		got.Release()
	}
}

// A row that could not be read whole reports the first error of its answers too.
func TestReadErrorAndAnswerError(t *testing.T) {
	w := window{reasons: make([]error, 1)}
	if !w.note(0, &readError{errors.New("no text"), []string{"t"}}) || w.note(0, errors.New("no answer")) || w.note(0, errors.New("no other")) {
		t.Error("note does not report exactly one first error")
	}
	if got := w.reasons[0].Error(); got != "no text; no answer" {
		t.Errorf("the reason is %q", got)
	}
	if e := new(readError); !errors.As(w.reasons[0], &e) || !e.affects([]string{"s", "t"}) || e.affects([]string{"s"}) {
		t.Error("the missing column is not reported")
	}
}
