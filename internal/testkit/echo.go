package testkit

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"unicode"

	"github.com/firesteel/firesteel/llm"
)

// Echo is a model that answers at once: "an answer" or, held to a schema, what
// has least in it. Of labels it likes those that stand in the text. It shows
// what reaches a model and what becomes of its answers.
type Echo struct{}

func (Echo) Info() llm.Info           { return llm.Info{Name: "fake", Context: 100} }
func (Echo) CountTokens(s string) int { return len(strings.Fields(s)) }
func (Echo) Close() error             { return nil }

// Cut counts words as tokens.
func (Echo) Cut(s string, limit int) (string, bool) {
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

func (Echo) Do(ctx context.Context, requests []llm.Request) ([]llm.Result, error) {
	results := make([]llm.Result, len(requests))
	for i, r := range requests {
		switch c := r.Constraint.(type) {
		case llm.JSON:
			results[i].Text = Emptiest(c.Schema)
			continue
		case llm.Choice:
			for _, label := range c.Labels {
				results[i].Scores = append(results[i].Scores, Like(Rendered(r), label))
			}
		}
		results[i].Text = "an answer"
	}
	return results, ctx.Err()
}

// Embed counts the letters of a text.
func (Echo) Embed(ctx context.Context, texts []string) ([]llm.Embedding, error) {
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
	return all, ctx.Err()
}

// Emptiest is a value that is valid under a schema of objects, arrays and
// scalars, with as little in it as may be.
func Emptiest(schema string) string {
	kind := "object"
	var inside []string
	members(schema, func(name string, value json.RawMessage) {
		switch name {
		case "type":
			_ = json.Unmarshal(value, &kind)
		case "properties":
			members(string(value), func(name string, of json.RawMessage) {
				quoted, _ := json.Marshal(name)
				inside = append(inside, string(quoted)+": "+Emptiest(string(of)))
			})
		}
	})
	return map[string]string{"object": "{" + strings.Join(inside, ", ") + "}", "array": "[]", "string": `""`,
		"number": "0", "integer": "0", "boolean": "false"}[kind]
}

// members visits those of a JSON object in their order.
func members(object string, visit func(name string, value json.RawMessage)) {
	d := json.NewDecoder(strings.NewReader(object))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return
	}
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return
		}
		visit(name.(string), value)
	}
}

// Rendered is a request's text as a model would see it.
func Rendered(r llm.Request) string {
	var b strings.Builder
	for _, m := range r.Messages {
		b.WriteString(string(m.Role) + ": " + m.Text + "\n")
	}
	return b.String() + r.Prefix + r.Text
}

// Content is the text that a request asks to label.
func Content(prompt string) string {
	if at := strings.LastIndex(prompt, "Review: "); at >= 0 {
		return strings.TrimSuffix(prompt[at+len("Review: "):], " In short, it was")
	}
	at := strings.LastIndex(prompt, "Text: ") + len("Text: ") // all other prompts that label have it
	line, _, _ := strings.Cut(prompt[at:], "\n")
	return line
}

// Like gives 1 to labels that the content names, and 0 to others.
func Like(prompt, label string) float64 {
	if strings.Contains(Content(prompt), strings.TrimSpace(label)) {
		return 1
	}
	return 0
}
