package columns

import (
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/ai"
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

func dictionary(v arrow.DataType) arrow.DataType {
	return &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: v}
}

// rowsOf binds the columns to the parameters of a function, by name if names are
// given, and reads all rows.
func rowsOf(params []ai.Param, names []string, args ...arrow.Array) ([]ai.Row, error) {
	call := make([]ai.Argument, len(args))
	values := make([]ai.Values, len(args))
	for i, a := range args {
		if names != nil {
			call[i].Name = names[i]
		}
		values[i] = Values{Array: a}
	}
	b, err := ai.Signature{Function: "f", Params: params}.Bind(call...)
	if err != nil {
		return nil, err
	}
	return b.Rows(args[0].Len(), values...)
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
		{ai.String, arrow.PrimitiveTypes.Uint32, `[4294967295, null]`, []any{"4294967295", nil}},
		{ai.String, dictionary(arrow.BinaryTypes.String), `["b", null, "b"]`, []any{"b", nil, "b"}},
		{ai.Labels, dictionary(arrow.BinaryTypes.String), `["[1]", null]`, []any{"[1]", nil}},
		{ai.Long, arrow.PrimitiveTypes.Uint8, `[200, null]`, []any{int64(200), nil}},
		{ai.StringArray, list(arrow.BinaryTypes.String), `[["a", null, "b"], null, []]`, []any{[]string{"a", "b"}, nil, []string{}}},
		{ai.StringArray, arrow.LargeListOf(arrow.BinaryTypes.LargeString), `[["a"]]`, []any{[]string{"a"}}},
		{ai.StringArray, list(arrow.Null), `[[]]`, []any{[]string{}}},
		{ai.StringArray, arrow.Null, `[null]`, []any{nil}},
		{ai.VectorArray, list(list(arrow.PrimitiveTypes.Float32)), `[[[1, 0.5], null, []], null, []]`, []any{[][]float32{{1, 0.5}, nil, {}}, nil, [][]float32{}}},
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
			params := []ai.Param{{Name: "p", Type: c.param}}
			rows, err := rowsOf(params, nil, a)
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
			// A slice reads its own rows.
			if a.Len() > 1 {
				part := array.NewSlice(a, 1, int64(a.Len()))
				defer part.Release()
				rows, err := rowsOf(params, nil, part)
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
		{ai.String, dictionary(arrow.BinaryTypes.Binary), "p is BINARY,"},
		{ai.String, arrow.FixedWidthTypes.MonthInterval, "p is"},
		{ai.String, arrow.ListOf(arrow.PrimitiveTypes.Int64), "p is ARRAY<BIGINT>,"},
		{ai.String, arrow.StructOf(arrow.Field{Name: "k", Type: arrow.PrimitiveTypes.Int32}), "p is STRUCT<k: INT>,"},
		{ai.String, arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Float64), "p is MAP<STRING, DOUBLE>,"},
		{ai.StringArray, arrow.BinaryTypes.String, "p is STRING, but must be ARRAY<STRING>: write collect_list(p) for the texts of a group, or ARRAY(p) for one text"},
		{ai.VectorArray, arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Float64)), "p is ARRAY<ARRAY<DOUBLE>>, but must be ARRAY<ARRAY<FLOAT>>"},
		{ai.VectorArray, arrow.ListOf(arrow.PrimitiveTypes.Float32), "p is ARRAY<FLOAT>, but must be ARRAY<ARRAY<FLOAT>>"},
		{ai.StringArray, arrow.ListOf(arrow.PrimitiveTypes.Int32), "p is ARRAY<INT>, but must be ARRAY<STRING>"},
		{ai.Labels, arrow.PrimitiveTypes.Int32, "p is INT, but must be ARRAY<STRING> or STRING: write ARRAY('a', 'b')"},
		{ai.Int, arrow.BinaryTypes.String, "p is STRING, but must be INT: write a number without quotes, or CAST(p AS INT)"},
		{ai.Boolean, arrow.PrimitiveTypes.Int32, "p is INT, but must be BOOLEAN"},
		{ai.Options, arrow.ListOf(arrow.BinaryTypes.String), "p is ARRAY<STRING>, but must be MAP<STRING,STRING>, STRUCT or STRING: write MAP('name', 'value')"},
		{ai.Options, arrow.StructOf(arrow.Field{Name: "k", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32)}), "p is STRUCT<k: ARRAY<INT>>"},
		{ai.Examples, arrow.ListOf(arrow.BinaryTypes.String), "write ARRAY(struct('a text', 'its answer'))"},
		{ai.Examples, arrow.ListOf(arrow.StructOf(arrow.Field{Name: "k", Type: arrow.BinaryTypes.String})), "p is ARRAY<STRUCT<k: STRING>>"},
	} {
		a := array.MakeArrayOfNull(memory.DefaultAllocator, c.dt, 1)
		if _, err := rowsOf([]ai.Param{{Name: "p", Type: c.param}}, nil, a); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s as %s: %v does not say %q", c.dt, c.param, err, c.want)
		}
	}
}

// A dictionary may have NULL as a value, and arguments may be in any order.
func TestRows(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	indices, values := fromJSON(t, mem, arrow.PrimitiveTypes.Int32, `[1, 0, null]`), fromJSON(t, mem, arrow.BinaryTypes.String, `[null, "a"]`)
	text := array.NewDictionaryArray(dictionary(arrow.BinaryTypes.String), indices, values)
	indices.Release()
	values.Release()
	defer text.Release()
	number := fromJSON(t, mem, arrow.PrimitiveTypes.Int64, `[1, null, 3]`)
	defer number.Release()
	params := []ai.Param{{Name: "a", Type: ai.String}, {Name: "b", Type: ai.String, Optional: true}, {Name: "n", Type: ai.Int}}
	rows, err := rowsOf(params, []string{"n", "a"}, number, text)
	if want := []ai.Row{{"a", nil, int64(1)}, {nil, nil, nil}, {nil, nil, int64(3)}}; err != nil || !reflect.DeepEqual(rows, want) {
		t.Errorf("got %v, %v, want %v", rows, err, want)
	}
}
