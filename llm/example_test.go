package llm_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

// upper is a model that answers with the text in capitals.
type upper struct {
	llm.Unsupported // the roles Embed, Tag and Rank
}

func (upper) Info() llm.Info {
	return llm.Info{Name: "upper", Context: 1000, Roles: []llm.ModelRole{llm.Text}}
}

func (upper) Do(_ context.Context, requests []llm.Request) ([]llm.Result, error) {
	results := make([]llm.Result, len(requests))
	for i, r := range requests {
		if r.Text == "" {
			results[i].Err = fmt.Errorf("%w: there is no text", llm.ErrRequest)
			continue
		}
		results[i] = llm.Result{Text: strings.ToUpper(r.Text), Finish: llm.FinishStop}
	}
	return results, nil
}

func (upper) CountTokens(text string) int { return len(strings.Fields(text)) }

func (upper) Cut(text string, max int) (string, bool) {
	words := strings.Fields(text)
	if len(words) <= max {
		return text, false
	}
	return strings.Join(words[:max], " "), true
}

func (upper) Close() error { return nil }

// A model answers a batch of requests. A request that fails has an error of its
// own, and the others have results.
func ExampleModel() {
	var m llm.Model = upper{}
	results, err := m.Do(context.Background(), []llm.Request{{Text: "a good test"}, {}})
	if err != nil {
		panic(err)
	}
	for _, r := range results {
		fmt.Printf("%q %v\n", r.Text, r.Err)
	}
	// Output:
	// "A GOOD TEST" <nil>
	// "" bad request to the model: there is no text
}

func ExampleParsePrecision() {
	p, err := llm.ParsePrecision("f32")
	fmt.Println(p, err)
	// Output: f32 <nil>
}
