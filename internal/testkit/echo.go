package testkit

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"unicode"

	"github.com/firesteel/firesteel/llm"
)

// Echo is a model without weights. Its answer is "an answer" or, under a schema,
// the smallest valid value. A label has the score 1 if the text contains it, and
// else 0. Tests use it to see what reaches a model and how its answers are read.
type Echo struct {
	llm.Unsupported // the roles Tag and Rank
}

func (Echo) Info() llm.Info {
	return llm.Info{Name: "fake", Context: 100, Roles: []llm.ModelRole{llm.Text, llm.Embed}}
}

func (Echo) CountTokens(s string) int { return len(strings.Fields(s)) }
func (Echo) Close() error             { return nil }

// Cut returns the first limit words of a text, and whether it has more.
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

// Embed returns the counts of the 26 letters as a vector of length 1.
func (Echo) Embed(ctx context.Context, requests []llm.EmbedRequest) ([]llm.Embedding, error) {
	all := make([]llm.Embedding, len(requests))
	for i, r := range requests {
		text := r.Text
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
		v[0] += .001 // no vector has the length 0
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

// Emptiest returns the smallest value that is valid under a schema of objects,
// arrays and scalars.
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

// members calls visit for the members of a JSON object in their order.
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

// Rendered returns a request as the text that a model reads.
func Rendered(r llm.Request) string {
	var b strings.Builder
	for _, m := range r.Messages {
		b.WriteString(string(m.Role) + ": " + m.Text + "\n")
	}
	return b.String() + r.Prefix + r.Text
}

// Content returns the text that a prompt asks to label.
func Content(prompt string) string {
	if at := strings.LastIndex(prompt, "Review: "); at >= 0 {
		return strings.TrimSuffix(prompt[at+len("Review: "):], " In short, it was")
	}
	at := strings.LastIndex(prompt, "Text: ") + len("Text: ") // all other prompts of this kind contain it
	line, _, _ := strings.Cut(prompt[at:], "\n")
	return line
}

// Like returns 1 if the content of a prompt contains the label, and else 0.
func Like(prompt, label string) float64 {
	if strings.Contains(Content(prompt), strings.TrimSpace(label)) {
		return 1
	}
	return 0
}

// EmbedRequests returns a request for each text, without a named prompt.
func EmbedRequests(texts ...string) []llm.EmbedRequest {
	requests := make([]llm.EmbedRequest, len(texts))
	for i, text := range texts {
		requests[i].Text = text
	}
	return requests
}
