package ai

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/firesteel/firesteel/internal/registry"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/catalogue"
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

// Advice comes from measured figures of a model that is recognized by its digest. A model of any name
// that was not measured gets none.
func TestAdvise(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own.json")
	model := func(digest, role, licence string, size int, figures ...string) string {
		return fmt.Sprintf(`{"about": "a model", "roles": [%q], "licence": {"spdx": %q}, "sources": ["hf:o/n:m.gguf"], "size": %d,
			"files": [{"name": "m.gguf", "size": %d, "sha256": "%064s"}], "measured": [%s]}`, role, licence, size, size, digest, strings.Join(figures, ","))
	}
	figure := func(function, metric, data string, value float64) string {
		return fmt.Sprintf(`{"function": %q, "metric": %q, "value": %v, "data": %q, "date": "2026-01-02"}`, function, metric, value, data)
	}
	text := fmt.Sprintf(`{"functions": {"ai_translate": {"metric": "chrF", "enough": 0.4}, "ai_similarity": {"metric": "Spearman", "enough": 0.7}, "ai_gen": {"metric": "m", "enough": 0.5}},
		"models": {"poor": %s, "good": %s, "larger": %s, "closed": %s, "vectors": %s, "other-data": %s}}`,
		model("a", "text", "MIT", 100, figure("ai_translate", "chrF", "d", .1), figure("ai_similarity", "Spearman", "d", .3), figure("ai_gen", "m", "d", .1)),
		model("b", "text", "MIT", 2_000_000, figure("ai_translate", "BLEU", "d", .1), figure("ai_translate", "chrF", "d", .4)),
		model("c", "text", "MIT", 3_000_000, figure("ai_translate", "chrF", "d", .9)),
		model("d", "text", "LicenseRef-X", 1_000_000, figure("ai_translate", "chrF", "d", .5)),
		model("e", "embed", "MIT", 1_000_000, figure("ai_similarity", "Spearman", "d", .8)),
		model("f", "text", "MIT", 1_000_000, figure("ai_translate", "chrF", "another", .5)))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(catalogue.Variable, path)
	for _, c := range []struct {
		function, digest, want, better string
	}{
		{"ai_translate", "a", "poor is not good enough for ai_translate: its chrF is 0.10 on d, and 0.40 is needed; good (2.0 MB) has 0.40", "good"},
		{"try_ai_translate", "a", "poor is not good enough for ai_translate: its chrF is 0.10 on d, and 0.40 is needed; good (2.0 MB) has 0.40", "good"},
		{"ai_translate", "b", "", ""},
		{"ai_translate", "f", "", ""},
		{"ai_translate", "0", "", ""},
		{"ai_summarize", "a", "", ""},
		{"ai_gen", "a", "poor is not good enough for ai_gen: its m is 0.10 on d, and 0.50 is needed; no better model has been measured", ""},
		{"ai_embed", "a", "poor is not good enough for ai_embed: its Spearman is 0.30 on d, and 0.70 is needed; no better model has been measured", ""}, // vectors has another role
		{"ai_embed", "e", "", ""},
	} {
		a := Advise(lookup(t, c.function), llm.Info{Name: "SmolLM2-135M", Digest: fmt.Sprintf("%064s", c.digest)})
		switch {
		case a == nil && c.want != "":
			t.Errorf("%s with %s: no advice", c.function, c.digest)
		case a != nil && (a.String() != c.want || (c.better != "") != (a.Better.Entry != nil) || c.better != "" && (a.Better.Entry.Name != c.better || a.Role != llm.Text)):
			t.Errorf("%s with %s: %s; want %s", c.function, c.digest, a, c.want)
		}
	}
	if a := Advise(translate, llm.Info{Name: "poor"}); a != nil {
		t.Errorf("a model without a digest: %s", a)
	}
}

// The default model is measured to be poor at translating, and a model of the catalogue is better.
func TestAdviseDefault(t *testing.T) {
	t.Setenv(catalogue.Variable, "")
	c := catalogue.Embedded()
	small, _ := c.Default(llm.Text)
	a := Advise(translate, llm.Info{Digest: small.Digest()})
	if a == nil || a.Better.Entry == nil || a.Better.Entry.Size < small.Size || !strings.Contains(Models(translate), a.Better.Entry.Name) {
		t.Errorf("%v", a)
	}
	for name, need := range c.Functions {
		for _, f := range []string{name, need.As} {
			if _, err := Lookup(f); f != "" && err != nil {
				t.Error(err)
			}
		}
	}
	for name, e := range c.Models {
		for _, f := range e.Measured {
			if _, err := Lookup(f.Function); err != nil {
				t.Errorf("%s: %v", name, err)
			}
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
