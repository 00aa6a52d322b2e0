package onspark

import (
	"encoding/json"
	"testing"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/spark"
)

func TestArgumentsOfACall(t *testing.T) {
	constant := func(name string, v any) ai.Argument {
		return ai.Argument{Name: name, Values: ai.GoValues(v), Constant: true}
	}
	for _, c := range []struct {
		function string
		args     []ai.Argument
		want     string
	}{
		{"ai_gen", nil, `[]`},
		{"ai_classify", []ai.Argument{constant("labels", []string{"a", "b"})}, `[["a","b"]]`},
		{"ai_classify", []ai.Argument{constant("examples", `[["x","a"]]`), constant("labels", `["a"]`)}, `["[\"a\"]",null,"[[\"x\",\"a\"]]"]`},
	} {
		f, err := ai.Lookup(c.function)
		if err != nil {
			t.Fatal(err)
		}
		call, err := f.Bind(append([]ai.Argument{{}}, c.args...)...)
		if err != nil {
			t.Fatal(err)
		}
		args := arguments(call, 1)
		if _, ok := args[0].(spark.Column); !ok {
			t.Errorf("%s: the first argument is a %T", c.function, args[0])
		}
		if got, _ := json.Marshal(append([]any{}, args[1:]...)); string(got) != c.want {
			t.Errorf("%s: %s, want %s", c.function, got, c.want)
		}
	}
}

func TestDecoded(t *testing.T) {
	got, err := json.Marshal(decoded(map[any]any{"a": map[any]any{1: float32(0.5)}, "b": nil}))
	if want := `{"a":{"1":0.5},"b":null}`; err != nil || string(got) != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}
