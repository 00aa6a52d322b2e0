package worker

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/llm"
)

// fromJSON builds an array of a type.
func fromJSON(t testing.TB, mem memory.Allocator, dt arrow.DataType, text string) arrow.Array {
	t.Helper()
	a, _, err := array.FromJSON(mem, dt, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestArguments(t *testing.T) {
	list := func(e arrow.DataType) arrow.DataType { return arrow.ListOf(e) }
	for _, c := range []struct {
		param ai.Type
		dt    arrow.DataType
		json  string
		want  []any
	}{
		{ai.String, arrow.BinaryTypes.String, `["a", null, ""]`, []any{"a", nil, ""}},
		{ai.String, arrow.BinaryTypes.LargeString, `["a", null]`, []any{"a", nil}},
		{ai.String, arrow.BinaryTypes.StringView, `["a string of more than twelve bytes", null]`, []any{"a string of more than twelve bytes", nil}},
		{ai.String, arrow.Null, `[null]`, []any{nil}},
		{ai.String, arrow.FixedWidthTypes.Boolean, `[true, false, null]`, []any{"true", "false", nil}},
		{ai.String, arrow.PrimitiveTypes.Int8, `[-128]`, []any{"-128"}},
		{ai.String, arrow.PrimitiveTypes.Int16, `[-32768]`, []any{"-32768"}},
		{ai.String, arrow.PrimitiveTypes.Int32, `[2147483647]`, []any{"2147483647"}},
		{ai.String, arrow.PrimitiveTypes.Int64, `[-42, null]`, []any{"-42", nil}},
		{ai.String, arrow.PrimitiveTypes.Float32, `[0.1, 16777216]`, []any{"0.1", "1.6777216E7"}},
		{ai.String, arrow.PrimitiveTypes.Float64, `[1, -0.5, 1e7, 9999999, 0.001, 0.00015, 1.25e300, 0]`,
			[]any{"1.0", "-0.5", "1.0E7", "9999999.0", "0.001", "1.5E-4", "1.25E300", "0.0"}},
		{ai.String, &arrow.Decimal128Type{Precision: 5, Scale: 2}, `["2.50", null]`, []any{"2.50", nil}},
		{ai.StringArray, list(arrow.BinaryTypes.String), `[["a", null, "b"], null, []]`, []any{[]string{"a", "b"}, nil, []string{}}},
		{ai.StringArray, arrow.LargeListOf(arrow.BinaryTypes.LargeString), `[["a"]]`, []any{[]string{"a"}}},
		{ai.StringArray, list(arrow.Null), `[[]]`, []any{[]string{}}},
		{ai.StringArray, arrow.Null, `[null]`, []any{nil}},
	} {
		t.Run(string(c.param)+" from "+c.dt.String(), func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
			defer mem.AssertSize(t, 0)
			a := fromJSON(t, mem, c.dt, c.json)
			defer a.Release()
			f := &ai.Function{Name: "f", Params: []ai.Param{{Name: "p", Type: c.param}}}
			rows, err := rowsOf(f, []arrow.Array{a}, a.Len())
			if err != nil {
				t.Fatal(err)
			}
			got := make([]any, len(rows))
			for i, r := range rows {
				got[i] = r[0]
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %#v, want %#v", got, c.want)
			}
			// A slice, as a batch's column may be one, reads its own rows.
			if a.Len() > 1 {
				part := array.NewSlice(a, 1, int64(a.Len()))
				defer part.Release()
				rows, err := rowsOf(f, []arrow.Array{part}, part.Len())
				if err != nil || !reflect.DeepEqual(rows[0][0], c.want[1]) {
					t.Errorf("of a slice: got %#v, %v", rows, err)
				}
			}
		})
	}
}

func TestArgumentTypeErrors(t *testing.T) {
	for _, c := range []struct {
		param ai.Type
		dt    arrow.DataType
		want  string
	}{
		{ai.String, arrow.BinaryTypes.Binary, "the argument p is BINARY, but must be STRING: write CAST(p AS STRING)"},
		{ai.String, arrow.FixedWidthTypes.Date32, "p is DATE,"},
		{ai.String, arrow.FixedWidthTypes.Timestamp_us, "p is TIMESTAMP,"},
		{ai.String, arrow.ListOf(arrow.PrimitiveTypes.Int64), "p is ARRAY<BIGINT>,"},
		{ai.String, arrow.StructOf(arrow.Field{Name: "k", Type: arrow.PrimitiveTypes.Int32}), "p is STRUCT<k: INT>,"},
		{ai.String, arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Float64), "p is MAP<STRING, DOUBLE>,"},
		{ai.StringArray, arrow.BinaryTypes.String, "p is STRING, but must be ARRAY<STRING>: write ARRAY(p)"},
		{ai.StringArray, arrow.ListOf(arrow.PrimitiveTypes.Int32), "p is ARRAY<INT>, but must be ARRAY<STRING>"},
	} {
		a := array.MakeArrayOfNull(memory.DefaultAllocator, c.dt, 1)
		f := &ai.Function{Name: "f", Params: []ai.Param{{Name: "p", Type: c.param}}}
		if _, err := rowsOf(f, []arrow.Array{a}, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s as %s: %v does not say %q", c.dt, c.param, err, c.want)
		}
	}
}

// A row's error is its NULL and a count; an error of Eval is the task's.
func TestAnswers(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	log := &syncBuffer{}
	for _, large := range []bool{false, true} {
		s := &scope{mem: mem, log: slog.New(slog.NewTextHandler(log, nil)), largeStrings: large,
			model: func(context.Context) (llm.Model, error) { return &fakeModel{}, nil }}
		s.stats.rows = 100
		f := &ai.Function{Name: "f", Returns: ai.StringArray, Params: []ai.Param{{Name: "p", Type: ai.String}},
			Eval: func(_ context.Context, _ ai.Source, rows []ai.Row) ([]ai.Answer, error) {
				return []ai.Answer{{Value: []string{"a", "b"}, Cut: true}, {}, {Err: llm.ErrTooLong}, {Value: []string{}}}, nil
			}}
		arg := fromJSON(t, mem, arrow.BinaryTypes.String, `["1", "2", "3", "4"]`)
		result, err := aiFunction{f}.eval(t.Context(), s, []arrow.Array{arg}, 4)
		if err != nil {
			t.Fatal(err)
		}
		if got := result.String(); got != `[["a" "b"] (null) (null) []]` {
			t.Errorf("got %s", got)
		}
		result.Release()
		if s.stats.errors != 1 || s.stats.cut != 1 {
			t.Errorf("got %+v", s.stats)
		}
		if !strings.Contains(log.String(), "row=102 error=") {
			t.Errorf("the log does not name the row: %s", log)
		}
		f.Eval = func(context.Context, ai.Source, []ai.Row) ([]ai.Answer, error) { return make([]ai.Answer, 3), nil }
		if _, err := (aiFunction{f}).eval(t.Context(), s, []arrow.Array{arg}, 4); err == nil || !strings.Contains(err.Error(), "3 answers for 4 rows") {
			t.Errorf("too few answers: %v", err)
		}
		f.Eval = func(context.Context, ai.Source, []ai.Row) ([]ai.Answer, error) {
			return []ai.Answer{{Value: "text"}, {}, {}, {}}, nil
		}
		if _, err := (aiFunction{f}).eval(t.Context(), s, []arrow.Array{arg}, 4); err == nil || !strings.Contains(err.Error(), "row 0 is a string, not ARRAY<STRING>") {
			t.Errorf("a wrong type: %v", err)
		}
		arg.Release()
	}
}

// Rows that have nothing to ask need no model: not even one that can be loaded.
func TestNothingToAsk(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	lost := errors.New("no model")
	s := &scope{mem: mem, model: func(context.Context) (llm.Model, error) { return nil, lost }}
	for _, f := range ai.All() {
		for _, texts := range []string{`[]`, `[null, "", " \n"]`, `[null, "text"]`} {
			first := fromJSON(t, mem, arrow.BinaryTypes.String, texts)
			args := []arrow.Array{first}
			for _, p := range f.Params[1:] {
				if p.Type != ai.StringArray {
					t.Fatalf("%s: an argument of type %s", f.Name, p.Type)
				}
				args = append(args, fromJSON(t, mem, arrow.ListOf(arrow.BinaryTypes.String), `[["a"], ["a"], ["a"]]`))
			}
			result, err := aiFunction{f}.eval(t.Context(), s, args, first.Len())
			switch asks := strings.Contains(texts, "text"); {
			case asks:
				if !errors.Is(err, lost) {
					t.Errorf("%s of %s: %v, expected %q", f.Name, texts, err, lost)
				}
			case err != nil || result.NullN() != first.Len():
				t.Errorf("%s of %s: %v, %v", f.Name, texts, result, err)
			default:
				result.Release()
			}
			for _, a := range args {
				a.Release()
			}
		}
	}
}
