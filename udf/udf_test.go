package udf

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/sqltypes"
)

type inner struct {
	X *int32 `spark:"x"`
	Y []byte `spark:"y"`
	//lint:ignore U1000 an unexported field is not a column
	z float64
}

type everything struct {
	B   bool
	I8  int8
	I16 int16
	I32 int32
	I64 int64
	I   int
	F32 float32
	F64 float64
	S   string
	Raw []byte
	T   time.Time
	Day Date
	D   time.Duration
	Dec sqltypes.Decimal
	L   []*string
	M   map[string]float64
	R   inner
	P   *inner
}

// eval calls a function with columns that are written as JSON.
func eval(t *testing.T, f *Function, types []arrow.DataType, columns ...string) (arrow.Array, error) {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	args := make([]arrow.Array, len(columns))
	rows := 0
	for i, text := range columns {
		a, _, err := array.FromJSON(mem, types[i], strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		defer a.Release()
		args[i], rows = a, a.Len()
	}
	out, err := f.Eval(t.Context(), Settings{Allocator: mem}, args, rows)
	if out != nil {
		t.Cleanup(func() {
			out.Release()
			mem.AssertSize(t, 0)
		})
	}
	return out, err
}

// Values of all types are equal after they are written to Arrow and read back.
func TestEveryType(t *testing.T) {
	one, text := int32(1), "a"
	rows := []everything{
		{
			B: true, I8: -8, I16: 16, I32: -32, I64: 1 << 40, I: 5, F32: 1.5, F64: -2.5, S: "é", Raw: []byte{0, 255},
			T:   time.Date(2024, 2, 29, 12, 0, 0, 123456000, time.UTC),
			Day: Date(time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC)), D: 90 * time.Second,
			Dec: sqltypes.DecimalOf(-12), L: []*string{&text, nil}, M: map[string]float64{"k": 0.5},
			R: inner{X: &one, Y: []byte("y")}, P: &inner{Y: []byte{}},
		},
		{T: time.Unix(0, 0).UTC(), Day: Date(time.Unix(0, 0).UTC()), Dec: sqltypes.DecimalOf(0)},
	}
	f := Map("test_everything", func(context.Context, iter.Seq[[]everything], func([]everything) error) error { return nil })
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	for _, large := range []bool{false, true} {
		s := Settings{Allocator: mem, LargeTypes: large}
		a, err := f.columnOf(s, reflect.ValueOf(rows), len(rows), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !arrow.TypeEqual(a.DataType(), f.ArrowType(s)) {
			t.Errorf("the column is %s, and was said to be %s", a.DataType(), f.ArrowType(s))
		}
		got, err := f.decodeStruct(a.(*array.Struct))
		a.Release()
		if err != nil {
			t.Fatal(err)
		}
		back := got.Interface().([]everything)
		for i := range back { // a Decimal comes back with the scale of its type
			if want := rows[i].Dec.String() + "." + strings.Repeat("0", decimalScale); back[i].Dec.String() != want {
				t.Errorf("row %d: the decimal is %s, want %s", i, back[i].Dec, want)
			}
			back[i].Dec = rows[i].Dec
		}
		if !reflect.DeepEqual(back, rows) {
			t.Errorf("got  %+v\nwant %+v", back, rows)
		}
	}
	want := "STRUCT<B: BOOLEAN, I8: TINYINT, I16: SMALLINT, I32: INT, I64: BIGINT, I: BIGINT, F32: FLOAT, F64: DOUBLE, " +
		"S: STRING, Raw: BINARY, T: TIMESTAMP, Day: DATE, D: INTERVAL DAY TO SECOND, Dec: DECIMAL(38,18), L: ARRAY<STRING>, " +
		"M: MAP<STRING, DOUBLE>, R: STRUCT<x: INT, y: BINARY>, P: STRUCT<x: INT, y: BINARY>>"
	if f.Returns() != want {
		t.Errorf("it returns %s\nwant %s", f.Returns(), want)
	}
}

// Three arguments are passed in the order of the parameters.
func TestThreeParameters(t *testing.T) {
	f := Func3("test_three", func(_ context.Context, a []string, b []int64, c []bool) ([]string, error) {
		out := make([]string, len(a))
		for i := range a {
			out[i] = fmt.Sprint(a[i], b[i], c[i])
		}
		return out, nil
	})
	types := []arrow.DataType{arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64, arrow.FixedWidthTypes.Boolean}
	out, err := eval(t, f, types, `["a", "b"]`, `[1, 2]`, `[true, false]`)
	if err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != `["a1 true" "b2 false"]` {
		t.Errorf("got %s", got)
	}
}

// Rows with a NULL that a type cannot hold are skipped. Other types get them.
func TestNulls(t *testing.T) {
	var seen []string
	strict := Func2("test_strict", func(_ context.Context, a []string, b []*int64) ([]string, error) {
		out := make([]string, len(a))
		for i := range a {
			number := "none"
			if b[i] != nil {
				number = fmt.Sprint(*b[i])
			}
			out[i] = a[i] + number
		}
		seen = append(seen, a...)
		return out, nil
	})
	types := []arrow.DataType{arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64}
	out, err := eval(t, strict, types, `["a", null, "c", null]`, `[1, 2, null, null]`)
	if err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != `["a1" (null) "cnone" (null)]` || len(seen) != 2 {
		t.Errorf("got %s after %q", got, seen)
	}
	seen = nil
	out, err = eval(t, strict, []arrow.DataType{arrow.Null, arrow.Null}, `[null, null]`, `[null, null]`)
	if err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != `[(null) (null)]` || seen != nil {
		t.Errorf("of nothing but NULL: got %s after %q", got, seen)
	}
	lists := Func("test_lists", func(_ context.Context, in [][]int32) ([]map[string]int, error) {
		out := make([]map[string]int, len(in))
		for i, list := range in {
			if list != nil {
				out[i] = map[string]int{"n": len(list)}
			}
		}
		return out, nil
	})
	out, err = eval(t, lists, []arrow.DataType{arrow.ListOf(arrow.PrimitiveTypes.Int32)}, `[[1, 2], [], null]`)
	if err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != `[{["n"] [2]} {["n"] [0]} (null)]` {
		t.Errorf("got %s", got)
	}
}

// The value of a group is computed from all its batches. NULLs are skipped as for
// other functions.
func TestAggregate(t *testing.T) {
	f := Aggregate("test_total", func(_ context.Context, group []pair) (*float64, error) {
		sum := 0.0
		for _, p := range group {
			sum += p.Number
		}
		if sum > 100 {
			return nil, fmt.Errorf("%d rows are too much", len(group))
		}
		return &sum, nil
	})
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	for want, batches := range map[string][][2]string{
		"[3.5]":               {{`["a", "b"]`, `[1, 2]`}, {`["c", null, "d"]`, `[0.5, 9, null]`}},
		"[(null)]":            {{`["a", null]`, `[null, 7]`}},
		"2 rows are too much": {{`["a"]`, `[100]`}, {`["b"]`, `[1]`}},
	} {
		g := f.NewGroup()
		for _, b := range batches {
			text, _, err := array.FromJSON(mem, arrow.BinaryTypes.String, strings.NewReader(b[0]))
			if err != nil {
				t.Fatal(err)
			}
			number, _, err := array.FromJSON(mem, arrow.PrimitiveTypes.Float64, strings.NewReader(b[1]))
			if err != nil {
				t.Fatal(err)
			}
			err = g.Add([]arrow.Array{text, number}, text.Len())
			text.Release()
			number.Release()
			if err != nil {
				t.Fatal(err)
			}
		}
		out, err := g.Eval(t.Context(), Settings{Allocator: mem})
		got := fmt.Sprint(err)
		if err == nil {
			got = out.String()
			out.Release()
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

type pair struct {
	Text   string
	Number float64 `spark:"number"`
}

func TestConversions(t *testing.T) {
	small := Func("test_small", func(_ context.Context, in []int8) ([]int8, error) { return in, nil })
	text := Func("test_text", func(_ context.Context, in []string) ([]string, error) { return in, nil })
	double := Func("test_double", func(_ context.Context, in []float64) ([]float64, error) { return in, nil })
	moment := Func("test_moment", func(_ context.Context, in []time.Time) ([]Date, error) {
		out := make([]Date, len(in))
		for i, t := range in {
			out[i] = Date(t)
		}
		return out, nil
	})
	both := Func("test_both", func(_ context.Context, in []pair) ([]string, error) {
		out := make([]string, len(in))
		for i, p := range in {
			out[i] = fmt.Sprint(p.Text, p.Number)
		}
		return out, nil
	})
	wrong := Func("test_wrong_length", func(context.Context, []string) ([]string, error) { return nil, nil })
	failing := Func("test_failing", func(context.Context, []string) ([]string, error) { return nil, errors.New("no") })
	exact := Func("test_exact", func(_ context.Context, in []sqltypes.Decimal) ([]sqltypes.Decimal, error) {
		for i := range in {
			in[i].Scale += 10
		}
		return in, nil
	})
	decimal := &arrow.Decimal128Type{Precision: 12, Scale: 9}
	for _, c := range []struct {
		f     *Function
		types []arrow.DataType
		args  []string
		want  string // or a part of the error
	}{
		{small, []arrow.DataType{arrow.PrimitiveTypes.Int64}, []string{`[127, -128]`}, `[127 -128]`},
		{small, []arrow.DataType{arrow.PrimitiveTypes.Int64}, []string{`[1, 128]`}, "argument 1, row 1 of the batch: \"128\" does not fit a int8"},
		{small, []arrow.DataType{arrow.PrimitiveTypes.Float64}, []string{`[1]`}, "argument 1: it is DOUBLE, but must be TINYINT (a Go int8); CAST it"},
		{text, []arrow.DataType{arrow.BinaryTypes.LargeString}, []string{`["a"]`}, `["a"]`},
		{text, []arrow.DataType{arrow.PrimitiveTypes.Int32}, []string{`[1]`}, "it is INT, but must be STRING (a Go string)"},
		{double, []arrow.DataType{arrow.PrimitiveTypes.Int16}, []string{`[3]`}, `[3]`},
		{double, []arrow.DataType{&arrow.Decimal128Type{Precision: 2, Scale: 1}}, []string{`["1.5"]`}, `[1.5]`},
		{moment, []arrow.DataType{arrow.FixedWidthTypes.Timestamp_us}, []string{`["2024-02-29T23:59:59Z"]`}, `[2024-02-29]`},
		{moment, []arrow.DataType{arrow.FixedWidthTypes.Date32}, []string{`["1969-12-31"]`}, `[1969-12-31]`},
		{both, []arrow.DataType{arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int8}, []string{`["a"]`, `[2]`}, `["a2"]`},
		{both, []arrow.DataType{arrow.BinaryTypes.String}, []string{`["a"]`}, "the number of columns is 1, but the number of parameters is 2"},
		{wrong, []arrow.DataType{arrow.BinaryTypes.String}, []string{`["a"]`}, "it returned 0 results for 1 rows"},
		{failing, []arrow.DataType{arrow.BinaryTypes.String}, []string{`["a"]`}, "no"},
		{exact, []arrow.DataType{decimal}, []string{`["1.000000001"]`}, `result 0: "0.0000000001000000001" has more than 18 digits after the point`},
	} {
		out, err := eval(t, c.f, c.types, c.args...)
		got := ""
		if err != nil {
			got = sensitive.Shown(err)
		} else {
			got = out.String()
		}
		if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
			t.Errorf("%s of %s: got %s, want %s", c.f, c.args, got, c.want)
		}
	}
}

type loop struct{ Next []loop }

func TestDeclaredWrongly(t *testing.T) {
	same := func(_ context.Context, in []string) ([]string, error) { return in, nil }
	Func("test_once", same)
	for want, f := range map[string]func(){
		"is taken":                          func() { Func("TEST_ONCE", same) },
		"a name consists of letters":        func() { Func("a name", same) },
		"ai_ or try_ai_ are reserved":       func() { Func("AI_classify", same) },
		"no Spark type holds a Go chan int": func() { Func("test_chan", func(context.Context, []chan int) ([]int, error) { return nil, nil }) },
		"no Spark type holds a Go uint64":   func() { Func("test_uint", func(context.Context, []int) ([]uint64, error) { return nil, nil }) },
		"a Go type that contains itself":    func() { Func("test_loop", func(context.Context, []loop) ([]int, error) { return nil, nil }) },
		"struct {} has no exported fields":  func() { Func("test_none", func(context.Context, []struct{}) ([]int, error) { return nil, nil }) },
		"a map's key cannot be NULL":        func() { Func("test_key", func(context.Context, []map[*int]int) ([]int, error) { return nil, nil }) },
		"but must be structs, whose fields are": func() {
			Map("test_flat", func(context.Context, iter.Seq[[]int], func([]pair) error) error { return nil })
		},
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, want) {
					t.Errorf("the panic is %q, and does not say %q", text, want)
				}
			}()
			f()
		}()
	}
}
