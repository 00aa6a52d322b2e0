package ai

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
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
func (f *fake) source(_ context.Context, role llm.ModelRole, name string) (llm.Model, error) {
	if role == llm.Predict && (name == "topic" || name == "urgency") {
		return fakeHead{number: name == "urgency"}, nil
	}
	if name != "" && !strings.EqualFold(name, llm.DefaultModel) && !strings.EqualFold(name, "fake") {
		return nil, &llm.UnknownModelError{Name: name, Have: []string{"default (fake)"}}
	}
	return f, nil
}

// fakeHead is a model with the role Predict. It reads vectors of the fake.
type fakeHead struct {
	llm.Unsupported
	kind   llm.PredictionKind // empty stands for one label, or a number
	number bool
	want   string // digest of the embedder; empty for any
}

func (f fakeHead) Info() llm.Info {
	info := llm.Info{Name: "fake head", Digest: "head", Roles: []llm.ModelRole{llm.Predict}, Predicts: cmp.Or(f.kind, llm.PredictsLabel), Labels: []string{"billing", "delivery", "product"}, Threshold: 0.3}
	if f.number {
		info.Predicts, info.Labels = llm.PredictsNumber, nil
	}
	return info
}

func (f fakeHead) Predict(_ context.Context, embedder llm.Info, vectors [][]float32) ([]llm.Prediction, error) {
	if f.want != "" && embedder.Digest != f.want {
		return nil, &llm.EmbedderError{Head: "fake head", Want: "another", WantDigest: f.want, Have: embedder.Name, HaveDigest: embedder.Digest}
	}
	all := make([]llm.Prediction, len(vectors))
	for i := range vectors {
		if all[i].Scores = []float64{0.25, 0.625, 0.125}; f.number {
			all[i].Scores = []float64{12.5}
		}
	}
	return all, nil
}

func (f fakeHead) Close() error                          { return nil }
func (f fakeHead) CountTokens(string) int                { return 0 }
func (f fakeHead) Cut(text string, _ int) (string, bool) { return text, false }

// fakeTagger is a model that gives words the labels of a map, and O to all others.
type fakeTagger struct {
	testkit.Echo
	labels []string
	words  map[string]string
	err    error // of each text
	calls  int
}

func (f *fakeTagger) Info() llm.Info {
	return llm.Info{Name: "fake tagger", Digest: "tags", Roles: []llm.ModelRole{llm.Tag}, Labels: f.labels}
}

func (f *fakeTagger) Tag(ctx context.Context, texts []string) ([]llm.Tagging, error) {
	f.calls++
	all := make([]llm.Tagging, len(texts))
	for i, text := range texts {
		all[i].Err = f.err
		for _, at := range regexp.MustCompile(`[\pL\pN]+`).FindAllStringIndex(text, -1) {
			p := make([]float32, len(f.labels))
			p[max(0, slices.Index(f.labels, f.words[text[at[0]:at[1]]]))] = 0.99
			all[i].Tokens = append(all[i].Tokens, llm.TagToken{Start: at[0], End: at[1], Probabilities: p})
		}
	}
	return all, nil
}

// tagAndText returns a source of a tagger and a text model. A nil model must not be opened.
func tagAndText(tagger *fakeTagger, text *fake) Source {
	return func(_ context.Context, role llm.ModelRole, _ string) (llm.Model, error) {
		switch {
		case role == llm.Tag && tagger != nil:
			return tagger, nil
		case role == llm.Text && text != nil:
			return text, nil
		}
		return nil, errClosed
	}
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
