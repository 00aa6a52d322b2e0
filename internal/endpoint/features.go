package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/firesteel/firesteel/llm"
)

// features are the features of the server. Each is probed by a small request
// when it is first needed.
type features struct {
	dialect     atomic.Uint32
	completion  probed[completions]
	chatLogprob probed[int]
	format      probed[formats]
	schemas     schemas
}

// forgetDoubtful forgets the features that a failing server may have denied, so
// that they are probed again.
func (f *features) forgetDoubtful() {
	f.completion.forget()
	f.chatLogprob.forget()
	f.format.forget()
}

// Bits of the dialect.
const (
	newMaxTokens  uint32 = 1 << iota // the server requires max_completion_tokens, as OpenAI's newer models do
	noTemperature                    // the server allows only the default temperature
	reasonsFirst                     // the model reasons first and needs tokens for it
)

// reasoningTokens is added to the limit of tokens for a model that reasons.
const reasoningTokens = 4096

// completions says whether the server completes plain text, and how many log
// probabilities it returns at each position.
type completions struct {
	any      bool
	logprobs int
}

// formats are the supported kinds of response_format.
type formats struct{ schema, object bool }

// probed is a value that is found out once. After an error it is probed again. A
// value in doubt is probed again after forget.
type probed[T any] struct {
	turn    atomic.Pointer[chan struct{}]
	value   atomic.Pointer[T]
	inDoubt atomic.Bool
}

func (f *probed[T]) forget() {
	if f.inDoubt.Swap(false) {
		f.value.Store(nil)
	}
}

func (f *probed[T]) get(ctx context.Context, probe func() (value T, inDoubt bool, err error)) (T, error) {
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

// topLogprobs are the numbers of log probabilities to request: the maximum of
// most servers, and that of OpenAI's completions.
var topLogprobs = []int{20, 5}

// completions finds out whether the server completes plain text.
func (e *Endpoint) completions(ctx context.Context) (completions, error) {
	return e.features.completion.get(ctx, func() (completions, bool, error) {
		probe := question{prompt: "1, 2, 3,", probe: true}
		inDoubt := false
		for _, probe.logprobs = range append(topLogprobs, 0) {
			a, _, err := e.tryTiny(ctx, probe, 1, 16)
			switch {
			case err == nil && informative(a):
				return completions{true, probe.logprobs}, false, nil
			case accepted(err):
				return completions{any: true}, false, nil
			case !notOffered(err):
				return completions{}, false, err
			}
			inDoubt = doubtful(err)
			if !parametersMayMatter(err) {
				break
			}
		}
		return completions{}, inDoubt, nil
	})
}

// chatLogprobs finds out how many log probabilities a chat returns at each
// position.
func (e *Endpoint) chatLogprobs(ctx context.Context) (int, error) {
	return e.features.chatLogprob.get(ctx, func() (int, bool, error) {
		probe := question{messages: []llm.Message{{Role: llm.User, Text: "Say yes or no."}}, probe: true}
		inDoubt := false
		for _, probe.logprobs = range topLogprobs {
			a, tiny, err := e.tryTiny(ctx, probe, 1, 0)
			switch {
			case err == nil && tiny && informative(a):
				return probe.logprobs, false, nil
			case accepted(err):
				// Scoring labels needs a small limit of tokens, which this
				// model refuses.
				return 0, false, nil
			case !notOffered(err):
				return 0, false, err
			}
			inDoubt = doubtful(err)
			if !parametersMayMatter(err) {
				break
			}
		}
		return 0, inDoubt, nil
	})
}

// formats finds out which kinds of response_format the server supports.
func (e *Endpoint) formats(ctx context.Context) (formats, error) {
	return e.features.format.get(ctx, func() (formats, bool, error) {
		probe := question{messages: []llm.Message{{Role: llm.User, Text: `Answer with this JSON: {"ok":true}`}}, probe: true}
		shape := json.RawMessage(`{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false}`)
		inDoubt := false
		for _, try := range []struct {
			format *responseFormat
			found  formats // a server with schemas also accepts any object
		}{{schemaFormat(shape, true), formats{schema: true, object: true}}, {&responseFormat{Type: "json_object"}, formats{object: true}}} {
			probe.format = try.format
			_, _, err := e.tryTiny(ctx, probe, 16, 0)
			if accepted(err) {
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

// tryTiny requests an answer of few tokens. If the server refuses, it requests
// one of more tokens (0 means no limit). tiny reports which one succeeded. Some
// models refuse few tokens, so a refusal that does not name the probed feature
// says nothing about it. A chat model that refuses only few tokens reasons
// first.
func (e *Endpoint) tryTiny(ctx context.Context, probe question, few, more int) (a answer, tiny bool, err error) {
	ask := func(most int) (answer, error) {
		probe.maxTokens = most
		if len(probe.messages) == 0 {
			a, _, err := e.send(ctx, probe, e.features.dialect.Load())
			return a, err
		}
		a, _, err := e.askOnce(ctx, probe)
		return a, err
	}
	a, err = ask(few)
	var refused *statusError
	if !errors.As(err, &refused) || !refusesParameters(err) || refused.mentionsFeature() {
		return a, e.features.dialect.Load()&reasonsFirst == 0, err
	}
	if a, err = ask(more); err == nil && len(probe.messages) > 0 {
		e.features.dialect.Or(reasonsFirst)
	}
	return a, false, err
}

// informative reports whether the answer has the log probabilities of more than
// the chosen token.
func informative(a answer) bool { return len(a.positions) > 0 && len(a.positions[0].Top) > 1 }

// accepted reports whether the server accepted the request, even if the answer
// is of no use.
func accepted(err error) bool {
	if err == nil {
		return true
	}
	var failed *Error
	return errors.As(err, &failed) && failed.Status == http.StatusOK && status(err) == 0 && !failed.MayBeCharged
}

// notOffered reports whether an error of a probe may mean that the server does
// not support the feature, rather than that every request fails. Gateways
// respond to an unknown path or parameter with any status, or not at all.
func notOffered(err error) bool {
	var refused *statusError
	if errors.As(err, &refused) {
		return refused.status != http.StatusTooManyRequests && !refused.noCredit()
	}
	// The request was sent, but no readable answer was received.
	var failed *Error
	return errors.As(err, &failed) && failed.MayBeCharged
}

// refusesParameters reports whether the server refuses the content of a request,
// not its path.
func refusesParameters(err error) bool {
	switch status(err) {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return !errors.Is(err, llm.ErrTooLong)
	}
	return false
}

// parametersMayMatter reports whether a request with fewer parameters may
// succeed. Some servers fail with a server error at unknown parameters.
func parametersMayMatter(err error) bool {
	return refusesParameters(err) || status(err) >= http.StatusInternalServerError
}

// doubtful reports whether an error may be temporary, rather than a clear
// statement that the server does not support the request.
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
