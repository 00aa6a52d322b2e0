package ai

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
)

// fake is testkit's model, but answers as score and reply say, and notes what
// it is asked.
type fake struct {
	testkit.Echo
	digest string
	// parameters and chat are those of Info.
	parameters int64
	chat       bool
	// score gives a label's score; label is as the request spells it.
	score func(prompt, label string) float64
	// reply gives the other parts of a result.
	reply func(llm.Request) llm.Result

	mu       sync.Mutex
	calls    int
	requests []llm.Request
}

// fakeOf returns a fake of a size, with or without a chat template.
func fakeOf(parameters int64, chat bool) *fake { return &fake{parameters: parameters, chat: chat} }

func (f *fake) Info() llm.Info {
	info := f.Echo.Info()
	info.Digest, info.Parameters, info.Chat = f.digest, f.parameters, f.chat
	return info
}

func (f *fake) Do(ctx context.Context, requests []llm.Request) ([]llm.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	f.requests = append(f.requests, requests...)
	results := make([]llm.Result, len(requests))
	for i, r := range requests {
		if f.reply != nil {
			results[i] = f.reply(r)
		}
		if c, ok := r.Constraint.(llm.JSON); ok && results[i].Text == "" && results[i].Err == nil {
			results[i].Text = testkit.Emptiest(c.Schema)
		}
		if c, ok := r.Constraint.(llm.Choice); ok && f.score != nil && results[i].Err == nil {
			for _, label := range c.Labels {
				results[i].Scores = append(results[i].Scores, f.score(rendered(r), label))
			}
		}
	}
	return results, nil
}

func (f *fake) Embed(ctx context.Context, requests []llm.EmbedRequest) ([]llm.Embedding, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	return f.Echo.Embed(ctx, requests)
}

// source opens the model, which is the only one.
func (f *fake) source(_ context.Context, _ llm.ModelRole, name string) (llm.Model, error) {
	if name != "" && !strings.EqualFold(name, llm.DefaultModel) && !strings.EqualFold(name, "fake") {
		return nil, &llm.UnknownModelError{Name: name, Have: []string{"default (fake)"}}
	}
	return f, nil
}

func sourceOf(m llm.Model) Source {
	return func(context.Context, llm.ModelRole, string) (llm.Model, error) { return m, nil }
}

var rendered, content, like = testkit.Rendered, testkit.Content, testkit.Like

var errClosed = errors.New("nobody may open the model")

func closed(context.Context, llm.ModelRole, string) (llm.Model, error) { return nil, errClosed }

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
