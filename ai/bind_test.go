package ai

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/sensitive"
)

var bindable = Signature{Function: "f", Params: []Param{{Name: "content", Type: String}, {Name: "labels", Type: Labels, About: "what to choose from"},
	{Name: "options", Type: Options, Optional: true}, {Name: "n", Type: Int, Optional: true}}}

func TestBindAssignsArguments(t *testing.T) {
	arg := func(v any, name ...string) Argument {
		return Argument{Name: strings.Join(name, ""), Values: GoValues(v), Constant: true}
	}
	list := []string{"a"}
	for _, c := range []struct {
		args []Argument
		want Row
	}{
		{[]Argument{arg("x"), arg(list)}, Row{"x", list, nil, nil}},
		{[]Argument{arg("x"), arg(list), arg("{}"), arg(5)}, Row{"x", list, "{}", int64(5)}},
		{[]Argument{arg("x"), arg(list), arg(5, "n")}, Row{"x", list, nil, int64(5)}},
		{[]Argument{arg(5, "N"), arg(list, "Labels"), arg("x", "content")}, Row{"x", list, nil, int64(5)}},
		{[]Argument{arg(nil), arg(nil), arg(nil), arg(nil)}, Row{nil, nil, nil, nil}},
	} {
		b, err := bindable.Bind(c.args...)
		if err != nil {
			t.Errorf("%v: %v", c.args, err)
			continue
		}
		if rows, err := b.Rows(2); err != nil || len(rows) != 2 || !reflect.DeepEqual(rows[1], c.want) || !reflect.DeepEqual(b.Constants(), c.want) {
			t.Errorf("%v: %v, %v, want %v", c.args, rows, err, c.want)
		}
	}
}

// Arguments that vary are read row by row, beside the constants.
func TestBindReadsRows(t *testing.T) {
	b, err := bindable.Bind(Argument{Name: "n"}, Argument{Name: "labels", Values: GoValues("[]"), Constant: true}, Argument{Name: "content", Values: GoValues("x")})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := b.Rows(2, GoValues(1, nil), GoValues(nil, "b"))
	if want := []Row{{nil, "[]", nil, int64(1)}, {"b", "[]", nil, nil}}; err != nil || !reflect.DeepEqual(rows, want) {
		t.Errorf("got %v, %v, want %v", rows, err, want)
	}
	if got := b.Varying(); !reflect.DeepEqual(got, []int{3, 0}) || b.Param(1) != 1 || !reflect.DeepEqual(b.Arguments(), []int{2, 1, -1, 0}) {
		t.Errorf("varying %v, arguments %v", got, b.Arguments())
	}
	var wrong *CallError
	if _, err := b.Rows(1, GoValues("1"), GoValues("x")); !errors.As(err, &wrong) || wrong.Argument != 0 || wrong.Param != "n" || wrong.Expected != "INT" || wrong.Given != "STRING" {
		t.Errorf("got %+v", wrong)
	}
}

func TestCallErrors(t *testing.T) {
	arg := func(v any, name ...string) Argument {
		return Argument{Name: strings.Join(name, ""), Values: GoValues(v), Constant: true}
	}
	list := []string{"a"}
	unnamed := Signature{Function: "g", Params: []Param{{}, {}}, Form: "g(STRING, INT): STRING"}
	variadic := Signature{Function: "h", Params: []Param{{Name: "first"}, {Name: "second"}}, Variadic: true}
	for _, c := range []struct {
		of       Signature
		args     []Argument
		argument int
		param    string
		want     string
	}{
		{bindable, []Argument{arg("x")}, -1, "labels", "f: the argument labels is missing: what to choose from; call it as f(content, labels[, options[, n]])"},
		{bindable, nil, -1, "content", "f: the argument content is missing; call it as"},
		{bindable, []Argument{arg("x"), arg(list), arg("{}"), arg(5), arg(5)}, 4, "", "f: it takes 2 to 4 arguments, not 5; call it as"},
		{bindable, []Argument{arg("x"), arg(list), arg("{}", "option")}, 2, "option", "f: it has no parameter option; did you mean options?"},
		{bindable, []Argument{arg("x"), arg(list), arg("{}", "zzzzzz")}, 2, "zzzzzz", "f: it has no parameter zzzzzz; it has content, labels, options, n"},
		{bindable, []Argument{arg("x"), arg(list), arg(list, "labels")}, 2, "labels", "f: the argument labels is given twice"},
		{bindable, []Argument{arg("x", "content"), arg(list)}, 1, "", "f: argument 2 is given by position after an argument by name"},
		{bindable, []Argument{arg("x"), arg(3)}, 1, "labels", "f: the argument labels is BIGINT, but must be ARRAY<STRING> or STRING: write ARRAY('a', 'b')"},
		{bindable, []Argument{arg("x"), arg(list), arg("{}"), arg("5")}, 3, "n", "f: the argument n is STRING, but must be INT: write a number without quotes, or CAST(n AS INT)"},
		{bindable, []Argument{arg(struct{}{}), arg(list)}, 0, "content", "f: the argument content is a Go struct {}, but must be STRING: write CAST(content AS STRING)"},
		{unnamed, []Argument{{}}, -1, "", "g: it takes 2 arguments, not 1; call it as g(STRING, INT): STRING"},
		{unnamed, []Argument{{}, {Name: "x"}}, 1, "", "g: the argument x is given by name, but the parameters have no names; give it by position"},
		{variadic, []Argument{{Name: "second"}}, -1, "first", "h: the argument first is missing; call it as h(first, second)"},
	} {
		_, err := c.of.Bind(c.args...)
		var wrong *CallError
		if !errors.As(err, &wrong) || wrong.Argument != c.argument || wrong.Param != c.param || wrong.Function != c.of.Function || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want argument %d, parameter %q: %s", wrong, err, c.argument, c.param, c.want)
		}
	}
	for n := range 4 {
		if b, err := variadic.Bind(make([]Argument, n)...); err != nil || len(b.Varying()) != n {
			t.Errorf("%d arguments of a variadic function: %v", n, err)
		}
	}
}

// Constants with a wrong value are errors before there is a model. A try_
// function gives them as the error of each row.
func TestBindChecksConstants(t *testing.T) {
	text := Argument{Values: GoValues("x")}
	bad := Argument{Name: "labels", Values: GoValues("nonsense"), Constant: true}
	_, err := classify.Bind(text, bad)
	var call *CallError
	var argument *ArgumentError
	if !errors.As(err, &call) || call.Argument != 1 || call.Param != "labels" || !errors.As(err, &argument) {
		t.Fatalf("got %v", err)
	}
	if strings.Contains(err.Error(), "nonsense") || !strings.Contains(sensitive.Shown(err), `"nonsense"`) {
		t.Errorf("content is not hidden, or not shown: %v; %s", err, sensitive.Shown(err))
	}
	if _, err := lookup(t, "try_ai_classify").Bind(text, bad); err != nil {
		t.Errorf("try_: %v", err)
	}
	if b, err := classify.Bind(text, Argument{Values: GoValues("nonsense")}); err != nil || b == nil {
		t.Errorf("an argument that varies: %v", err)
	}
	if b, err := classify.Bind(text, Argument{Values: GoValues([]string{"a", "b"}), Constant: true}); err != nil || !reflect.DeepEqual(b.Constants(), Row{nil, []string{"a", "b"}, nil, nil}) {
		t.Errorf("%v, %v", b, err)
	}
}

func TestGoValues(t *testing.T) {
	type size uint8
	for _, c := range []struct {
		to   Type
		rows []any
		want []any // nil for ErrType
	}{
		{String, []any{"a", nil, true, int8(-3)}, []any{"a", nil, "true", "-3"}},
		{String, []any{1.5}, nil},
		{Int, []any{3, nil, int64(4)}, []any{int64(3), nil, int64(4)}},
		{Int, []any{3, "4"}, nil},
		{Boolean, []any{true}, []any{true}},
		{Boolean, []any{1}, nil},
		{Double, []any{float32(1.5), 2}, []any{1.5, 2.0}},
		{StringArray, []any{[]string{"a"}}, []any{[]string{"a"}}},
		{StringArray, []any{"a"}, nil},
		{Labels, []any{"[]", []string{"a"}}, []any{"[]", []string{"a"}}},
		{Labels, []any{map[string]string{}}, nil},
		{Options, []any{map[string]string{"a": "b"}, "{}"}, []any{map[string]string{"a": "b"}, "{}"}},
		{Options, []any{[]string{"a"}}, nil},
		{Examples, []any{[]Example{{"a", "b"}}, "[]"}, []any{[]Example{{"a", "b"}}, "[]"}},
		{Examples, []any{size(3)}, nil},
	} {
		testValues(t, GoValues(c.rows...), c.to, len(c.rows), c.want)
	}
	for _, c := range []struct {
		v    any
		want string
	}{{nil, "NULL"}, {"a", "STRING"}, {size(1), "BIGINT"}, {1.5, "DOUBLE"}, {true, "BOOLEAN"}, {[]string{}, "ARRAY<STRING>"}, {[]Example{}, "ARRAY<STRUCT>"}} {
		if got := GoValues(c.v).SQLType(); got != c.want {
			t.Errorf("%v is %s, want %s", c.v, got, c.want)
		}
	}
}

func TestJSONValues(t *testing.T) {
	for _, c := range []struct {
		text, sqlType string
		to            Type
		want          any // ErrType for no value
	}{
		{`null`, "NULL", Int, nil},
		{` "a\n" `, "STRING", String, "a\n"},
		{`3`, "BIGINT", String, "3"},
		{`1.50`, "DOUBLE", String, "1.50"},
		{`true`, "BOOLEAN", String, "true"},
		{`3`, "BIGINT", Int, int64(3)},
		{`3.5`, "DOUBLE", Int, ErrType},
		{`"3"`, "STRING", Int, ErrType},
		{`3`, "BIGINT", Double, 3.0},
		{`true`, "BOOLEAN", Boolean, true},
		{`1`, "BIGINT", Boolean, ErrType},
		{`["a"]`, "ARRAY", StringArray, []string{"a"}},
		{`"a"`, "STRING", StringArray, ErrType},
		{`["a", "b"]`, "ARRAY", Labels, []string{"a", "b"}},
		{`[1]`, "ARRAY", Labels, ErrType},
		{`"[\"a\"]"`, "STRING", Labels, `["a"]`},
		{`{"a": "b"}`, "STRUCT", Labels, `{"a": "b"}`},
		{`{"a": 1}`, "STRUCT", Options, `{"a": 1}`},
		{`[["a", "b"]]`, "ARRAY", Examples, `[["a", "b"]]`},
	} {
		v := JSONValue(json.RawMessage(c.text))
		if got := v.SQLType(); got != c.sqlType {
			t.Errorf("%s is %s, want %s", c.text, got, c.sqlType)
		}
		want := []any{c.want}
		if c.want == ErrType {
			want = nil
		}
		testValues(t, v, c.to, 1, want)
	}
}

func testValues(t *testing.T, v Values, to Type, n int, want []any) {
	t.Helper()
	read, err := v.Reader(to)
	if want == nil || err != nil {
		if !errors.Is(err, ErrType) || want != nil {
			t.Errorf("%v as %s: %v, want %v", v, to, err, want)
		}
		return
	}
	got := make([]any, n)
	for i := range got {
		got[i] = read(i)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v as %s: %#v, want %#v", v, to, got, want)
	}
}
