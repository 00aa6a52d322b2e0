package ai

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/firesteel/firesteel/llm"
)

// fake is a model that answers as score and reply say, and notes what it is
// asked.
type fake struct {
	digest string
	// score gives a label's score; label is as the request spells it.
	score func(prompt, label string) float64
	// reply gives the other parts of a result.
	reply func(llm.Request) llm.Result

	mu    sync.Mutex
	calls int
	asked []llm.Request
}

func (f *fake) Info() llm.Info           { return llm.Info{Name: "fake", Digest: f.digest, Context: 100} }
func (f *fake) CountTokens(s string) int { return len(strings.Fields(s)) }
func (f *fake) Close() error             { return nil }

// Cut counts words as tokens.
func (f *fake) Cut(s string, limit int) (string, bool) {
	words, in := 0, false
	for i, r := range s {
		space := unicode.IsSpace(r)
		if !space && !in {
			if words++; words > limit {
				return strings.TrimRightFunc(s[:i], unicode.IsSpace), true
			}
		}
		in = !space
	}
	return s, false
}

func (f *fake) Do(ctx context.Context, requests []llm.Request) ([]llm.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	f.asked = append(f.asked, requests...)
	results := make([]llm.Result, len(requests))
	for i, r := range requests {
		if f.reply != nil {
			results[i] = f.reply(r)
		}
		if c, ok := r.Constraint.(llm.JSON); ok && results[i].Text == "" && results[i].Err == nil {
			results[i].Text = emptiest(c.Schema)
		}
		if c, ok := r.Constraint.(llm.Choice); ok && f.score != nil && results[i].Err == nil {
			for _, label := range c.Labels {
				results[i].Scores = append(results[i].Scores, f.score(rendered(r), label))
			}
		}
	}
	return results, nil
}

// Embed counts the letters of a text.
func (f *fake) Embed(ctx context.Context, texts []string) ([]llm.Embedding, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	all := make([]llm.Embedding, len(texts))
	for i, text := range texts {
		if strings.Contains(text, "too long") {
			all[i].Err = llm.ErrTooLong
			continue
		}
		v := make([]float32, 26)
		for _, r := range strings.ToLower(text) {
			if r >= 'a' && r <= 'z' {
				v[r-'a']++
			}
		}
		v[0] += .001 // no vector is 0
		length := 0.0
		for _, x := range v {
			length += float64(x * x)
		}
		for k := range v {
			v[k] /= float32(math.Sqrt(length))
		}
		all[i] = llm.Embedding{Vector: v, Tokens: 3, Cut: strings.HasPrefix(text, "long")}
	}
	return all, nil
}

// emptiest is a value that is valid under a schema of objects, arrays and
// scalars, with as little in it as may be.
func emptiest(schema string) string {
	members, err := orderedObject(schema)
	if err != nil {
		return "null"
	}
	kind := "object"
	var inside []string
	for _, m := range members {
		switch m.name {
		case "type":
			_ = json.Unmarshal(m.value, &kind)
		case "properties":
			properties, _ := orderedObject(string(m.value))
			for _, p := range properties {
				inside = append(inside, jsonText(p.name)+": "+emptiest(string(p.value)))
			}
		}
	}
	return map[string]string{"object": "{" + strings.Join(inside, ", ") + "}", "array": "[]", "string": `""`,
		"number": "0", "integer": "0", "boolean": "false"}[kind]
}

// source opens the model.
func (f *fake) source(context.Context) (llm.Model, error) { return f, nil }

func sourceOf(m llm.Model) Source {
	return func(context.Context) (llm.Model, error) { return m, nil }
}

// rendered is a request's text as a model would see it.
func rendered(r llm.Request) string {
	var b strings.Builder
	for _, m := range r.Messages {
		b.WriteString(string(m.Role) + ": " + m.Text + "\n")
	}
	return b.String() + r.Prefix + r.Text
}

// content is the text that a request asks to label.
func content(prompt string) string {
	if at := strings.LastIndex(prompt, "Review: "); at >= 0 {
		return strings.TrimSuffix(prompt[at+len("Review: "):], " In short, it was")
	}
	at := strings.LastIndex(prompt, "Text: ") + len("Text: ") // all other prompts that label have it
	line, _, _ := strings.Cut(prompt[at:], "\n")
	return line
}

var errClosed = errors.New("nobody may open the model")

func closed(context.Context) (llm.Model, error) { return nil, errClosed }

func eval(t *testing.T, f *Function, model Source, rows ...Row) []Answer {
	t.Helper()
	answers, err := f.Eval(t.Context(), model, rows)
	if err != nil {
		t.Fatal(err)
	}
	if len(answers) != len(rows) {
		t.Fatalf("%d answers for %d rows", len(answers), len(rows))
	}
	return answers
}

// like gives +1 to labels that the content names, and 0 to others.
func like(prompt, label string) float64 {
	if strings.Contains(content(prompt), strings.TrimSpace(label)) {
		return 1
	}
	return 0
}
