package ai

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

// What is kept comes back as it was, of every type that functions return.
func TestKept(t *testing.T) {
	nested := Struct(Field{"a", String}, Field{"b", StringMap}, Field{"c", Struct(Field{"d", Double})})
	for _, c := range []struct {
		of   Type
		want Answer
	}{
		{String, Answer{}},
		{String, Answer{Value: "a \"text\"\n\u2028 <ü>\x00", Raw: "raw", Note: "note", Cut: true}},
		{String, Answer{Value: "U+FFFD is a character: \ufffd"}},
		{Boolean, Answer{Value: false}},
		{Int, Answer{Value: int64(-7)}},
		{Long, Answer{Value: int64(math.MaxInt64)}},
		{Double, Answer{Value: 0.1}},
		{Float, Answer{Value: math.Copysign(0, -1)}},
		{StringArray, Answer{Value: []string{"a", ""}}},
		{StringArray, Answer{Value: []string{}}},
		{FloatArray, Answer{Value: []float32{0.1, -1e-38, 3}}},
		{StringMap, Answer{Value: Map{{"b", "x"}, {"a", nil}, {"b", ""}}}},
		{nested, Answer{Value: []any{nil, Map{{"k", "v"}}, []any{1.5}}}},
	} {
		f := &Function{Name: "f", Returns: c.of}
		text, ok := f.Keep(c.want)
		got, err := f.Kept(text)
		if !ok || err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %s came back as %+v, %v", c.of, text, got, err)
		}
		// try_ and plain share what is kept.
		try := tryFunction(f)
		tryAnswer := c.want
		tryAnswer.Value = structOf(c.want)
		tryText, ok := try.Keep(tryAnswer)
		tryGot, err := try.Kept(text)
		if !ok || string(tryText) != string(text) || err != nil || !reflect.DeepEqual(tryGot, tryAnswer) {
			t.Errorf("%s, tried: %s came back as %+v, %v", c.of, tryText, tryGot, err)
		}
	}
}

func TestNotKept(t *testing.T) {
	for _, a := range []Answer{
		{Err: errors.New("no")},
		{Value: "\xff"},
		{Value: "x", Raw: "\xff"},
		{Value: "x", Note: "\xff"},
		{Value: math.NaN()},
		{Value: Map{{"a", "\xff"}}},
		{Value: []any{"one too many"}},
	} {
		if text, ok := gen.Keep(a); ok {
			t.Errorf("%+v is kept as %s", a, text)
		}
	}
	for _, text := range []string{"", "{}", "null", `{"value":1}`, `{"value":"a"} `, `{"value":"a"}x`, `{"value":"a","error":"b"}`} {
		if a, err := gen.Kept([]byte(text)); err == nil {
			t.Errorf("%s is %+v", text, a)
		}
	}
}

func FuzzKept(f *testing.F) {
	nested := &Function{Name: "f", Returns: Struct(Field{"a", StringArray}, Field{"b", StringMap}, Field{"c", Long})}
	f.Add([]byte(`{"value":[["a"],[["k","v"],["l",null]],3],"note":"n"}`))
	f.Add([]byte(`{"value":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := nested.Kept(text)
		if err != nil {
			return
		}
		again, ok := nested.Keep(a)
		b, err := nested.Kept(again)
		if !ok || err != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s: %+v and %+v: %v", text, a, b, err)
		}
	})
}

// The error of a damaged map names the entry, counted from 1.
func TestDamagedMapIsNamed(t *testing.T) {
	f := &Function{Name: "f", Returns: StringMap}
	if _, err := f.Kept([]byte(`{"value":[["a","x"],["b"]]}`)); err == nil || !strings.Contains(err.Error(), "entry 2 of its map") {
		t.Errorf("%v", err)
	}
}
