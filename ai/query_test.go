package ai

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

func TestQuery(t *testing.T) {
	m := &fake{reply: func(r llm.Request) llm.Result {
		text := r.Messages[0].Text
		switch c, held := r.Constraint.(llm.JSON); {
		case strings.Contains(text, "too long"):
			return llm.Result{Err: llm.ErrTooLong}
		case strings.Contains(text, "endless"):
			return llm.Result{Text: "and so \xf0\x9f", Finish: llm.FinishLength} // half a character
		case strings.Contains(text, "wrong"):
			return llm.Result{Text: `{"value": "x"}`}
		case held && strings.Contains(c.Schema, `"value":{"type":"integer"}`):
			return llm.Result{Text: `{"value": 42}`}
		case held && strings.Contains(c.Schema, `"value":{"type":"array"`):
			return llm.Result{Text: `{"value": ["a"]}`}
		case held && strings.Contains(c.Schema, "date"):
			return llm.Result{Text: `{"value": "2024-02-29"}`}
		case held:
			return llm.Result{}
		}
		return llm.Result{Text: " three "}
	}}
	for _, c := range []struct {
		row  Row
		want any
		note string
	}{
		{Row{"fake", "2 + 1?"}, "three", ""},
		{Row{"DEFAULT", "2 + 1?", nil, nil, nil, nil}, "three", ""},
		{Row{"fake", "2 + 1?", "STRING", nil, nil, `{"type": "text"}`}, "three", ""},
		{Row{"fake", "6 * 7?", "INT"}, "42", ""},
		{Row{"fake", "which?", "ARRAY<STRING>"}, `["a"]`, ""},
		{Row{"fake", "when?", "DATE"}, "2024-02-29", ""},
		{Row{"fake", "who?", "STRUCT<name: STRING, n: INT>"}, `{"name": "", "n": 0}`, ""},
		{Row{"fake", "who?", nil, nil, nil, "STRUCT<name: STRING>"}, `{"name": ""}`, ""},
		{Row{"fake", "who?", nil, nil, nil, `{"type": "json_object"}`}, `{}`, ""},
		{Row{"fake", "who?", nil, nil, nil, `{"type": "json_schema", "json_schema": {"name": "a", "strict": true, "schema": {"type": "object", "properties": {"x": {"type": "string"}}}}}`}, `{"x": ""}`, ""},
		{Row{"fake", "x", nil, nil, map[string]string{"max_tokens": "7", "temperature": "0.7"}}, "three", "temperature had no effect"},
		{Row{"fake", "endless", nil, nil, `{"max_tokens": 7, "seed": 1}`}, "and so", "cut off after 7 tokens; seed had no effect"},
	} {
		a := eval(t, query, m.source, c.row)[0]
		if a.Value != c.want || a.Err != nil || (a.Note == "") != (c.note == "") || !strings.Contains(a.Note, c.note) {
			t.Errorf("%v: %+v, want %v", c.row, a, c.want)
		}
	}
	if r := m.requests[len(m.requests)-1]; r.MaxTokens != 7 {
		t.Errorf("asked %+v", r)
	}
	for _, c := range []struct {
		row         Row
		param, want string
	}{
		{Row{"fake", "x", "INTT"}, "returnType", `no type "INTT"`},
		{Row{"fake", "x", "ARRAY<"}, "returnType", "a type is missing"},
		{Row{"fake", "x", "INT", nil, nil, "STRUCT<a: INT>"}, "responseFormat", "combined with returnType"},
		{Row{"fake", "x", nil, nil, nil, "INT"}, "responseFormat", "not a STRUCT"},
		{Row{"fake", "x", nil, nil, nil, "{"}, "responseFormat", "invalid JSON"},
		{Row{"fake", "x", nil, nil, nil, `{"type": "xml"}`}, "responseFormat", `no type "xml"`},
		{Row{"fake", "x", nil, nil, nil, `{"type": "json_schema"}`}, "responseFormat", "schema is missing"},
		{Row{"fake", "x", nil, nil, map[string]string{"max_tokens": "0"}}, "modelParameters", "from 1 to"},
		{Row{"fake", "x", nil, nil, map[string]string{"max_tokens": "1e3"}}, "modelParameters", "from 1 to"},
		{Row{"fake", "x", nil, nil, map[string]string{"maxtokens": "1"}}, "modelParameters", `no option "maxtokens"`},
	} {
		m.requests = nil
		_, err := query.Eval(t.Context(), m.source, []Row{c.row})
		var wrong *ArgumentError
		if !errors.As(err, &wrong) || wrong.Param != c.param || !strings.Contains(sensitive.Shown(err), c.want) || len(m.requests) > 0 {
			t.Errorf("%v: %v, want %q about %s", c.row, err, c.want, c.param)
		}
	}
	// A row's error fails the query if that was asked for.
	for _, row := range []Row{{"fake", "too long", nil, true}, {"fake", "wrong", "INT", true}} {
		if _, err := query.Eval(t.Context(), m.source, []Row{{"fake", "x"}, row}); err == nil {
			t.Errorf("%v does not fail", row)
		}
		row[3] = false
		if a := eval(t, query, m.source, row)[0]; a.Err == nil || a.Value != nil {
			t.Errorf("%v: %+v", row, a)
		}
		row[3] = true
		if a := eval(t, lookup(t, "try_ai_query"), m.source, row)[0]; a.Err == nil {
			t.Errorf("tried %v: %+v", row, a)
		}
	}
}

// Each row asks the model that it names, and each model is opened once.
func TestQueryNamesModels(t *testing.T) {
	answering := func(text string) *fake {
		return &fake{reply: func(llm.Request) llm.Result { return llm.Result{Text: text} }}
	}
	small, big := answering("small"), answering("big")
	opened := map[string]int{}
	source := func(_ context.Context, _ llm.ModelRole, name string) (llm.Model, error) {
		opened[name]++
		switch name {
		case llm.DefaultModel:
			return small, nil
		case "big":
			return big, nil
		case "broken":
			return nil, errClosed
		}
		return nil, &llm.UnknownModelError{Name: name, Have: []string{"default (pypi:small)", "big (/m/big.gguf)"}}
	}
	rows := []Row{{"big", "a"}, {"default", "b"}, {" big ", "c"}, {nil, "d"}, {"default", "e"}}
	answers := eval(t, query, source, rows...)
	for i, want := range []any{"big", "small", "big", nil, "small"} {
		if answers[i].Value != want || answers[i].Err != nil {
			t.Errorf("row %d: %+v, want %v", i, answers[i], want)
		}
	}
	if opened["big"] != 1 || opened["default"] != 1 || small.calls != 1 || big.calls != 1 {
		t.Errorf("opened %v, asked %d and %d times", opened, small.calls, big.calls)
	}
	for name, want := range map[string]string{
		"gpt":   `argument endpoint: there is no model "gpt"; the models are default (pypi:small), big (/m/big.gguf); to add it, open the session or the job with the model gpt=REFERENCE`,
		"a b":   "with the model NAME=REFERENCE",
		"":      "it is blank",
		"größe": "with the model NAME=REFERENCE",
	} {
		_, err := query.Eval(t.Context(), source, []Row{{name, "x"}})
		var wrong *ArgumentError
		if !errors.As(err, &wrong) || wrong.Param != "endpoint" || !strings.Contains(sensitive.Shown(err), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
		tried := eval(t, lookup(t, "try_ai_query"), source, Row{name, "x"}, Row{"big", "x"})
		if tried[0].Err == nil || tried[1].Err != nil || tried[1].Value.([]any)[0] != "big" {
			t.Errorf("tried %q: %+v", name, tried)
		}
	}
	if _, err := query.Eval(t.Context(), source, []Row{{"broken", "x"}}); !errors.Is(err, errClosed) {
		t.Errorf("a model that is not loaded: %v", err)
	}
}

func TestDDL(t *testing.T) {
	for ddl, want := range map[string]string{
		"string":               `{"type":"string"}`,
		"Decimal(10, 2)":       `{"type":"number"}`,
		"ARRAY<array<double>>": `{"type":"array","items":{"type":"array","items":{"type":"number"}}}`,
		"STRUCT<`a b`: INT COMMENT 'how, many', c BOOLEAN>": `{"type":"object","properties":{"a b":{"type":"integer","description":"how, many"},"c":{"type":"boolean"}},"required":["a b","c"],"additionalProperties":false}`,
	} {
		if got, err := schemaOfDDL(ddl); got != want || err != nil {
			t.Errorf("%s: %s, %v", ddl, got, err)
		}
	}
	for _, bad := range []string{"", "INT INT", "STRUCT<>", "STRUCT<a>", "STRUCT<a: INT, a: INT>", "ARRAY INT", "ARRAY<INT", "STRUCT<a: INT; b: INT>", "MAP<STRING, INT>",
		"STRUCT<a: INT COMMENT x>", strings.Repeat("ARRAY<", 50) + "INT" + strings.Repeat(">", 50)} {
		if got, err := schemaOfDDL(bad); err == nil {
			t.Errorf("%q: %s", bad, got)
		}
	}
}

// Whatever is a type gives a schema that is one.
func FuzzDDL(f *testing.F) {
	for _, s := range []string{"INT", "STRUCT<a: ARRAY<STRING>, `b`: DATE COMMENT 'x'>", "ARRAY<", "STRUCT<`", "DECIMAL(1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, ddl string) {
		text, err := schemaOfDDL(ddl)
		if err != nil || len(text) > maxSchemaBytes {
			return
		}
		if _, err := readSchema(text); err != nil {
			t.Errorf("%q gives %s: %v", ddl, text, err)
		}
	})
}

// Arguments are texts of the user's: whatever they are, they are read in
// bounds or refused.
func FuzzArguments(f *testing.F) {
	for _, s := range []string{`["a"]`, `{"a": "b"}`, `{"type": "object", "properties": {"a": {}}}`, `[["a", "b"]]`, "{", `{"a": {"description": 1}}`, `{"$ref": "#"}`, `{"items": true, "type": "array"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if labels, _, err := readLabels("labels", s, maxLabels); err == nil && checkLabels(labels, maxLabels) != nil {
			t.Errorf("%q gives %v", s, labels)
		}
		if in, err := readFields("labels", s); err == nil && in.fields == "" {
			t.Errorf("%q asks for nothing", s)
		}
		_, _ = readOptions("options", s, "a")
		_, _ = readExamples("examples", s, nil)
		if p, err := parsePrompt(s, "content"); err == nil && p.version < 1 {
			t.Errorf("%q has the version %d", s, p.version)
		}
	})
}
