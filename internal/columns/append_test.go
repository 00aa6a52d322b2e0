package columns

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/ai"
)

// The Arrow types of results are those that Spark compares with the registered type.
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
				b, add := Types{LargeStrings: large}.NewBuilder(mem, c.of)
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

func TestAnswers(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	a, err := Types{}.Answers(mem, ai.String, []ai.Answer{{Value: "a"}, {}})
	if err != nil {
		t.Fatal(err)
	}
	if got := a.String(); got != `["a" (null)]` {
		t.Errorf("got %s", got)
	}
	a.Release()
	if _, err := (Types{}).Answers(mem, ai.String, []ai.Answer{{}, {Value: 1}}); err == nil || !strings.Contains(err.Error(), "row 1: it is a int, not STRING") {
		t.Errorf("a wrong type: %v", err)
	}
}
