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

// forgetDoubts has those found out again that a server in trouble may have
// denied.
func (f *features) forgetDoubts() {
	f.completion.forget()
	f.chatLogprob.forget()
	f.format.forget()
}

// Bits of the dialect.
const (
	newMaxTokens  uint32 = 1 << iota // max_completion_tokens, as OpenAI's newer models want
	noTemperature                    // only the default is allowed
	thinks                           // it reasons first, and needs tokens for that
)

// roomToThink is how many tokens a model that reasons gets beside those that
// its answer may have.
const roomToThink = 4096

// completions: whether plain text can be continued, and for how many tokens at
// each position log probabilities are given.
type completions struct {
	any      bool
	logprobs int
}

// formats are the kinds of response_format.
type formats struct{ schema, object bool }

// found is asked for once; an error leaves it open. A value in doubt is asked
// for again after forget.
type found[T any] struct {
	turn    atomic.Pointer[chan struct{}]
	value   atomic.Pointer[T]
	inDoubt atomic.Bool
}

func (f *found[T]) forget() {
	if f.inDoubt.Swap(false) {
		f.value.Store(nil)
	}
}

func (f *found[T]) get(ctx context.Context, probe func() (value T, inDoubt bool, err error)) (T, error) {
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
	v, inDoubt, err := probe()
	if err == nil {
		f.value.Store(&v)
		f.inDoubt.Store(inDoubt)
	}
	return v, err
}

// topLogprobs are tried in turn: what most servers give, what OpenAI's
// completions give.
var topLogprobs = []int{20, 5}

// completions finds out whether plain text can be continued.
func (e *Endpoint) completions(ctx context.Context) (completions, error) {
	return e.features.completion.get(ctx, func() (completions, bool, error) {
		probe := question{prompt: "1, 2, 3,", probe: true}
		inDoubt := false
		for _, probe.logprobs = range append(topLogprobs, 0) {
			a, _, err := e.tryTiny(ctx, probe, 1, 16)
			switch {
			case err == nil && informative(a):
				return completions{true, probe.logprobs}, false, nil
			case answered(err):
				return completions{any: true}, false, nil
			case !notOffered(err):
				return completions{}, false, err
			}
			inDoubt = doubtful(err)
			if !ofParameters(err) {
				break
			}
		}
		return completions{}, inDoubt, nil
	})
}

// chatLogprobs finds out for how many tokens at each position a chat's log
// probabilities are given.
func (e *Endpoint) chatLogprobs(ctx context.Context) (int, error) {
	return e.features.chatLogprob.get(ctx, func() (int, bool, error) {
		probe := question{messages: []llm.Message{{Role: llm.User, Text: "Say yes or no."}}, probe: true}
		inDoubt := false
		for _, probe.logprobs = range topLogprobs {
			a, tiny, err := e.tryTiny(ctx, probe, 1, 0)
			switch {
			case err == nil && tiny && informative(a):
				return probe.logprobs, false, nil
			case answered(err):
				// Labels are told apart by few tokens, which this model refuses.
				return 0, false, nil
			case !notOffered(err):
				return 0, false, err
			}
			inDoubt = doubtful(err)
			if !ofParameters(err) {
				break
			}
		}
		return 0, inDoubt, nil
	})
}

// formats finds out which kinds of response_format there are.
func (e *Endpoint) formats(ctx context.Context) (formats, error) {
	return e.features.format.get(ctx, func() (formats, bool, error) {
		probe := question{messages: []llm.Message{{Role: llm.User, Text: `Answer with this JSON: {"ok":true}`}}, probe: true}
		shape := json.RawMessage(`{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false}`)
		inDoubt := false
		for _, try := range []struct {
			format *responseFormat
			found  formats // who takes schemas takes any object
		}{{schemaFormat(shape, true), formats{schema: true, object: true}}, {&responseFormat{Type: "json_object"}, formats{object: true}}} {
			probe.format = try.format
			_, _, err := e.tryTiny(ctx, probe, 16, 0)
			if answered(err) {
				return try.found, false, nil
			}
			if !notOffered(err) {
				return formats{}, false, err
			}
			inDoubt = inDoubt || doubtful(err)
		}
		return formats{}, inDoubt, nil
	})
}

// tryTiny asks for an answer of so few tokens and, if that is refused, of more
// (0: without a limit), and says which it was. Some models refuse few tokens, so
// a refusal that does not name what was to be found out says nothing of it. A
// chat model that refuses few tokens alone needs room to think.
func (e *Endpoint) tryTiny(ctx context.Context, probe question, few, more int) (a answer, tiny bool, err error) {
	ask := func(most int) (answer, error) {
		probe.most = most
		if len(probe.messages) == 0 {
			a, _, err := e.send(ctx, probe, e.features.dialect.Load())
			return a, err
		}
		a, _, err := e.one(ctx, probe)
		return a, err
	}
	a, err = ask(few)
	var refused *statusError
	if !errors.As(err, &refused) || !refusesParameters(err) || refused.namesFeature() {
		return a, e.features.dialect.Load()&thinks == 0, err
	}
	if a, err = ask(more); err == nil && len(probe.messages) > 0 {
		e.features.dialect.Or(thinks)
	}
	return a, false, err
}

// informative: more than the chosen token is told.
func informative(a answer) bool { return len(a.positions) > 0 && len(a.positions[0].Top) > 1 }

// answered: what was asked for was accepted, whatever came of it.
func answered(err error) bool {
	if err == nil {
		return true
	}
	var failed *Error
	return errors.As(err, &failed) && failed.Status == http.StatusOK && status(err) == 0 && !failed.MayBeCharged
}

// notOffered tells what a probe may come to from what every request would meet.
// The server need not refuse politely: gateways answer a path or a parameter
// that they do not know by every status there is, or not at all.
func notOffered(err error) bool {
	var refused *statusError
	if errors.As(err, &refused) {
		return refused.status != http.StatusTooManyRequests && !refused.outOfMoney()
	}
	// Something was sent, but no answer came that can be read.
	var failed *Error
	return errors.As(err, &failed) && failed.MayBeCharged
}

// refusesParameters: the server knows the path, but takes something else there.
func refusesParameters(err error) bool {
	switch status(err) {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return !errors.Is(err, llm.ErrTooLong)
	}
	return false
}

// ofParameters: fewer parameters may help. Some servers fail at those that they
// do not know.
func ofParameters(err error) bool {
	return refusesParameters(err) || status(err) >= http.StatusInternalServerError
}

// doubtful tells what may be trouble of the moment from a server's plain word
// that it has no such thing.
func doubtful(err error) bool {
	switch status(err) {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusNotImplemented:
		return false
	}
	return true
}

func schemaFormat(schema json.RawMessage, strict bool) *responseFormat {
	return &responseFormat{Type: "json_schema", JSONSchema: &namedShape{Name: "answer", Strict: strict, Schema: schema}}
}
