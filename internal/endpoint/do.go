package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/firesteel/firesteel/internal/answercache"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/llm"
)

// Do answers the requests independently of each other: see llm.Model. Identical
// requests are sent once. After an error that affects all requests, such as a
// wrong key, the remaining requests get this error and are not sent.
func (e *Endpoint) Do(ctx context.Context, requests []llm.Request) ([]llm.Result, error) {
	ctx, done := e.within(ctx)
	defer done()
	results := make([]llm.Result, len(requests))
	keys := make([]answercache.Key, len(requests))
	for i, r := range requests {
		keys[i] = answercache.KeyOf(requestKey(r))
	}
	asked, same := missing(e.answers, keys, results)
	err := e.each(ctx, asked, func(i int) error {
		results[i] = e.answer(ctx, requests[i])
		results[i].Err = withRequest(results[i].Err, i)
		e.answers.Put(keys[i], results[i])
		return results[i].Err
	}, func(i int, err error) { results[i].Err = err })
	if err != nil {
		return nil, err
	}
	for i, first := range same {
		results[i] = results[first]
	}
	return results, nil
}

// missing returns the places to ask for. same[i] is the first place with the key
// of place i. Cached values are filled in, and their places are not in ask.
func missing[V any](kept *answercache.Cache[V], keys []answercache.Key, values []V) (ask, same []int) {
	seen := make(map[answercache.Key]int, len(keys))
	same = make([]int, len(keys))
	for i, key := range keys {
		first, ok := seen[key]
		if !ok {
			first = i
			seen[key] = i
			if values[i], ok = kept.Get(key); !ok {
				ask = append(ask, i)
			}
		}
		same[i] = first
	}
	return ask, same
}

// requestKey returns a key that is different for requests that may have
// different answers.
func requestKey(r llm.Request) string {
	b, _ := json.Marshal(struct {
		Messages     []llm.Message
		Prefix, Text string
		Kind         string
		Constraint   llm.Constraint
		MaxTokens    int
	}{r.Messages, r.Prefix, r.Text, fmt.Sprintf("%T", r.Constraint), r.Constraint, r.MaxTokens})
	return string(b)
}

// each calls work for each place, several at a time. If ctx ends, it returns the
// cause. After an error that affects all rows it calls skip with this error for
// the remaining places.
func (e *Endpoint) each(ctx context.Context, places []int, work func(place int) error, skip func(place int, err error)) error {
	var next atomic.Int64
	var fatal atomic.Pointer[error]
	var workers sync.WaitGroup
	for range min(len(places), e.opts.MaxConcurrency) {
		workers.Go(func() {
			defer panics.Handle("asking an endpoint", nil)
			for ctx.Err() == nil {
				n := int(next.Add(1)) - 1
				if n >= len(places) {
					return
				}
				if err := fatal.Load(); err != nil {
					skip(places[n], *err)
				} else if err := recoverPanic(work, skip, places[n]); err != nil && affectsAllRows(err) {
					fatal.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

// recoverPanic calls work and converts a panic to an error of the place.
func recoverPanic(work func(int) error, skip func(int, error), place int) (err error) {
	defer panics.Handle("asking an endpoint", func(panicked error) {
		err = fmt.Errorf("%w: %w", llm.ErrModel, panicked)
		skip(place, err)
	})
	return work(place)
}

func withRequest(err error, i int) error {
	var e *Error
	if errors.As(err, &e) {
		e.Request = i
	}
	return err
}

// answer answers one request. Errors are in the Result.
func (e *Endpoint) answer(ctx context.Context, r llm.Request) llm.Result {
	result, err := e.constrained(ctx, r)
	if err != nil {
		result.Text, result.Scores, result.Err = "", nil, err
	}
	return result
}

func (e *Endpoint) constrained(ctx context.Context, r llm.Request) (llm.Result, error) {
	q := question{messages: r.Messages, prompt: r.Prefix + r.Text, maxTokens: r.MaxTokens}
	if len(r.Messages) == 0 && q.prompt == "" {
		return llm.Result{}, fmt.Errorf("%w: the request has neither messages nor text", llm.ErrRequest)
	}
	if r.MaxTokens < 0 {
		return llm.Result{}, fmt.Errorf("%w: MaxTokens is %d", llm.ErrRequest, r.MaxTokens)
	}
	switch c := r.Constraint.(type) {
	case nil:
		return e.ask(ctx, q, unconstrained{})
	case llm.Choice:
		return e.choose(ctx, q, c.Labels)
	case llm.Pattern:
		p, err := newPattern(c.Expr)
		if err != nil {
			return llm.Result{}, err
		}
		return e.ask(ctx, q, p)
	case llm.JSON:
		s, err := e.features.schemas.get(c.Schema)
		if err != nil {
			return llm.Result{}, err
		}
		return e.ask(ctx, q, jsonRule{s, c.Source})
	}
	return llm.Result{}, fmt.Errorf("%w: endpoints do not support the constraint %T", llm.ErrRequest, r.Constraint)
}

// fail returns the error of an answer that was received, and charged, but cannot
// be used.
func (e *Endpoint) fail(err error, advice string) error {
	return &Error{Model: e.ref.model, Host: e.ref.base.Host, Class: llm.ErrModel, Status: 200, Err: secret.Error(err), Advice: advice}
}
