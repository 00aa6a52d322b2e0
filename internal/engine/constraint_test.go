package engine

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

// A model with random weights answers within a constraint, for all limits that allow an answer.
func TestConstrainedAnswers(t *testing.T) {
	e := openTiny(t, Options{Threads: 2, AnswerBytes: -1})
	schema := `{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"},"tags":{"type":"array","items":{"enum":["a","b"]}}},"required":["name","age","tags"]}`
	source := "Anna Lee is 34 and lives in Graz."
	pattern := `(yes|no), [a-z]{2,8}\.`
	var requests []llm.Request
	for max := 48; max < 90; max++ {
		text := strings.Repeat("word ", max%7)
		requests = append(requests,
			llm.Request{Text: text + "who?", MaxTokens: max, Constraint: llm.JSON{Schema: schema}},
			llm.Request{Text: text + "who?", MaxTokens: max, Constraint: llm.JSON{Schema: schema, Source: source}},
			llm.Request{Text: text + "so?", MaxTokens: max, Constraint: llm.Pattern{Expr: pattern}})
	}
	whole := regexp.MustCompile(`^` + pattern + `$`)
	results := do(t, e, requests...)
	for i, r := range results {
		if r.OutputTokens > requests[i].MaxTokens {
			t.Errorf("%d tokens, want at most %d", r.OutputTokens, requests[i].MaxTokens)
		}
		if _, ok := requests[i].Constraint.(llm.Pattern); ok {
			if !whole.MatchString(r.Text) {
				t.Errorf("%q does not match %s", r.Text, pattern)
			}
			continue
		}
		var v struct {
			Name string
			Age  *int
			Tags []string
		}
		if err := json.Unmarshal([]byte(r.Text), &v); err != nil || v.Age == nil {
			t.Errorf("%d tokens: %s: %v", requests[i].MaxTokens, r.Text, err)
		}
		if requests[i].Constraint.(llm.JSON).Source != "" && !strings.Contains(source, v.Name) {
			t.Errorf("%q is not a substring of %q", v.Name, source)
		}
	}
	// Each request separately gives the same text.
	for i := 0; i < len(requests); i += 10 {
		if separate := do(t, e, requests[i])[0]; separate.Text != results[i].Text {
			t.Errorf("request %d separately: %q, with others %q", i, separate.Text, results[i].Text)
		}
	}
	for _, bad := range []llm.Request{
		{Text: "x", Constraint: llm.Pattern{Expr: "("}},
		{Text: "x", Constraint: llm.JSON{Schema: `{"type":"strange"}`}},
		{Text: "x", MaxTokens: 2, Constraint: llm.JSON{Schema: schema}},
	} {
		results, err := e.Do(t.Context(), []llm.Request{bad})
		if err != nil || !errors.Is(results[0].Err, llm.ErrRequest) {
			t.Errorf("%+v: %v, %v", bad, err, results[0].Err)
		}
	}
}
