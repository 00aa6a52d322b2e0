package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/firesteel/firesteel/llm"
)

// features is what the server offers, each found out once by a tiny request
// when it first matters.
type features struct {
	dialect     atomic.Uint32
	completion  found[completions]
	chatLogprob found[int]
	format      found[formats]
	schemas     schemas
}

// Bits of the dialect.
const (
	newMaxTokens  uint32 = 1 << iota // max_completion_tokens, as OpenAI's newer models want
	noTemperature                    // only the default is allowed
)

// completions: whether plain text can be continued, and for how many tokens at
// each position log probabilities are given.
type completions struct {
	any      bool
	logprobs int
}

// formats are the kinds of response_format.
type formats struct{ schema, object bool }

// found is asked for once; an error leaves it open.
type found[T any] struct {
	turn  atomic.Pointer[chan struct{}]
	value atomic.Pointer[T]
}

func (f *found[T]) get(ctx context.Context, probe func() (T, error)) (T, error) {
	if v := f.value.Load(); v != nil {
		return *v, nil
	}
	fresh := make(chan struct{}, 1)
	f.turn.CompareAndSwap(nil, &fresh)
	turn := *f.turn.Load()
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
	if v := f.value.Load(); v != nil {
		return *v, nil
	}
	v, err := probe()
	if err == nil {
		f.value.Store(&v)
	}
	return v, err
}

// notOffered tells a refusal of what was asked for from real trouble.
func notOffered(err error) bool {
	switch status(err) {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity, http.StatusNotImplemented:
		return true
	}
	return false
}

// topLogprobs are tried in turn: what most servers give, what OpenAI's
// completions give.
var topLogprobs = []int{20, 5}

func (e *Endpoint) completions(ctx context.Context) (completions, error) {
	return e.features.completion.get(ctx, func() (completions, error) {
		for _, top := range append(topLogprobs, 0) {
			a, _, err := e.send(ctx, question{prompt: "1, 2, 3,", most: 1, logprobs: top}, e.features.dialect.Load())
			switch {
			case err == nil && informative(a):
				return completions{true, top}, nil
			case err == nil:
				return completions{any: true}, nil
			case unusable(err):
				return completions{}, nil
			case !notOffered(err):
				return completions{}, err
			case status(err) == http.StatusNotFound || status(err) == http.StatusMethodNotAllowed:
				return completions{}, nil
			}
		}
		return completions{}, nil
	})
}

func (e *Endpoint) chatLogprobs(ctx context.Context) (int, error) {
	return e.features.chatLogprob.get(ctx, func() (int, error) {
		for _, top := range topLogprobs {
			a, _, err := e.one(ctx, question{messages: []llm.Message{{Role: llm.User, Text: "Say yes or no."}}, most: 1, logprobs: top})
			switch {
			case err == nil && informative(a):
				return top, nil
			case err == nil || unusable(err):
				return 0, nil
			case status(err) == http.StatusNotFound || !notOffered(err):
				return 0, err
			}
		}
		return 0, nil
	})
}

// informative: more than the chosen token is told.
func informative(a answer) bool { return len(a.positions) > 0 && len(a.positions[0].Top) > 1 }

// unusable: an answer came, but it makes no sense.
func unusable(err error) bool { return errors.Is(err, errUnreadable) }

func (e *Endpoint) formats(ctx context.Context) (formats, error) {
	return e.features.format.get(ctx, func() (formats, error) {
		q := question{messages: []llm.Message{{Role: llm.User, Text: `Answer with this JSON: {"ok":true}`}}, most: 16}
		shape := json.RawMessage(`{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false}`)
		var offered formats
		for _, try := range []struct {
			format *responseFormat
			set    *bool
		}{{schemaFormat(shape, true), &offered.schema}, {&responseFormat{Type: "json_object"}, &offered.object}} {
			q.format = try.format
			_, _, err := e.one(ctx, q)
			if err != nil && (status(err) == http.StatusNotFound || !notOffered(err)) {
				return formats{}, err
			}
			if *try.set = err == nil; err == nil {
				break
			}
		}
		// Who takes schemas takes any object.
		offered.object = offered.object || offered.schema
		return offered, nil
	})
}

func schemaFormat(schema json.RawMessage, strict bool) *responseFormat {
	return &responseFormat{Type: "json_schema", JSONSchema: &namedShape{Name: "answer", Strict: strict, Schema: schema}}
}
