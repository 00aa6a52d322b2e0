package engine

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/llm"
)

// captureLog captures the log. The test must not run in parallel with others.
func captureLog(t *testing.T) *lockedBuffer {
	b := new(lockedBuffer)
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(b, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return b
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// poisoned is a network that panics in steps with one token, or in every step if the token is
// everyToken. It leaves wrong data in memory.
type poisoned struct {
	model.Network
	token int32
}

const everyToken = -1

type poisonedState struct {
	model.State
	token int32
}

func (n poisoned) NewState(rows, tokens int, team *nn.Team) model.State {
	return poisonedState{n.Network.NewState(rows, tokens, team), n.token}
}

func (s poisonedState) Step(spans []model.Span, stop func() bool, emit func(span, row int, out model.Out)) error {
	bad := s.token == everyToken
	for _, span := range spans {
		bad = bad || slices.Contains(span.Input, s.token)
		for _, row := range span.Rows {
			bad = bad || row.Token == s.token
		}
	}
	if !bad {
		return s.State.Step(spans, stop, emit)
	}
	// Panic in the middle of the step, when caches are partly filled.
	calls := 0
	return s.State.Step(spans, func() bool {
		if calls++; calls == 2 {
			panic("poison")
		}
		return stop()
	}, emit)
}

// poison makes the network of an engine panic for a token.
func poison(t testing.TB, e *Engine, token int32, threads int) {
	kernels, err := kernel.Select("")
	if err != nil {
		t.Fatal(err)
	}
	e.scheduler.close()
	e.scheduler = newScheduler(poisoned{e.network, token}, kernels, e.tokens.Size(), threads)
	e.prefixes = newPrefixCache(e.scheduler, e.prefixes.maxBytes)
}

// A panic for a token is the error of the requests with the token. Other requests in the same step
// and in later steps are not affected.
func TestPanicIsTheErrorOfItsRequest(t *testing.T) {
	t.Run("llama", func(t *testing.T) { panicIsTheErrorOfItsRequest(t, openTiny) })
	t.Run("T5", func(t *testing.T) { panicIsTheErrorOfItsRequest(t, openTinyT5) })
}

func panicIsTheErrorOfItsRequest(t *testing.T, open func(testing.TB, Options) *Engine) {
	log := captureLog(t)
	requests := mixed(40)
	for i := range requests {
		if i%8 == 1 {
			requests[i].Constraint = llm.Pattern{Expr: `[a-z]{1,4} [0-9]+`}
			requests[i].MaxTokens = 9
		}
	}
	healthy := open(t, Options{Threads: 1, AnswerBytes: -1})
	want := do(t, healthy, requests...)

	// Choose a token that is in some prompts, but not in all.
	in := map[int32]int{}
	for _, r := range requests {
		p, err := healthy.plan(r)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[int32]bool{}
		for _, token := range slices.Concat(p.input, p.prompt) {
			if !seen[token] {
				seen[token] = true
				in[token]++
			}
		}
	}
	token, few := int32(-1), 0
	for id, n := range in {
		if n >= 2 && n <= 12 && (token < 0 || id < token) {
			token, few = id, n
		}
	}
	if few == 0 {
		t.Fatal("no token is in some of the prompts but not in all")
	}
	// A request fails if the token is in its prompt or in its answer. Find out with one
	// request per call.
	failing := make([]bool, len(requests))
	failures := 0
	separate := open(t, Options{Threads: 1, AnswerBytes: -1})
	poison(t, separate, token, 1)
	for i, r := range requests {
		results, err := separate.Do(context.Background(), []llm.Request{r})
		if err != nil {
			t.Fatal(err)
		}
		if failing[i] = results[0].Err != nil; failing[i] {
			failures++
		}
	}
	if failures < few || failures > len(requests)*3/4 {
		t.Fatalf("%d requests of %d fail, with the token in %d prompts", failures, len(requests), few)
	}
	for _, threads := range []int{1, 2, 5} {
		e := open(t, Options{Threads: threads, AnswerBytes: -1})
		poison(t, e, token, threads)
		for range 2 { // the second time with cached prefixes
			results, err := e.Do(context.Background(), requests)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range results {
				var panicked *panics.Error
				switch {
				case failing[i] && (!errors.As(r.Err, &panicked) || !errors.Is(r.Err, llm.ErrModel)):
					t.Errorf("%d threads, request %d: %v, want the panic", threads, i, r.Err)
				case !failing[i] && !reflect.DeepEqual(r, want[i]):
					t.Errorf("%d threads, request %d: %+v, want %+v", threads, i, r, want[i])
				}
			}
		}
	}
	if n := strings.Count(log.String(), "msg=panic"); n > 1 {
		t.Errorf("the panic was logged %d times:\n%s", n, log)
	}
}

// A panic is the error of the text in Embed, too.
func TestPanicIsTheErrorOfItsText(t *testing.T) {
	captureLog(t)
	texts := []string{"some words", "other words", "numbers 7", "words again"}
	healthy := openTiny(t, Options{Threads: 1})
	want, err := healthy.Embed(context.Background(), testkit.EmbedRequests(texts...))
	if err != nil {
		t.Fatal(err)
	}
	token := healthy.tokens.Encode("7")
	e := openTiny(t, Options{Threads: 2})
	poison(t, e, token[len(token)-1], 2)
	got, err := e.Embed(context.Background(), testkit.EmbedRequests(texts...))
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if i == 2 {
			if got[i].Err == nil {
				t.Error("the text with the token was embedded")
			}
		} else if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("text %d: %+v, want %+v", i, got[i], want[i])
		}
	}
}

// If every step panics, every request has the error, and Close returns.
func TestPanicsOfEveryStep(t *testing.T) {
	captureLog(t)
	e := openTiny(t, Options{Threads: 3})
	poison(t, e, everyToken, 3)
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			results, err := e.Do(context.Background(), mixed(30))
			if err != nil {
				t.Error(err)
			}
			for i, r := range results {
				if r.Err == nil {
					t.Errorf("request %d was answered: %+v", i, r)
				}
			}
		})
	}
	calls.Wait()
}

// memoryless is a network that panics when a worker allocates its memory.
type memoryless struct{ model.Network }

func (memoryless) NewState(int, int, *nn.Team) model.State { panic("no state") }

func TestPanicInNewState(t *testing.T) {
	captureLog(t)
	e := openTiny(t, Options{Threads: 2})
	kernels, err := kernel.Select("")
	if err != nil {
		t.Fatal(err)
	}
	e.scheduler.close()
	e.scheduler = newScheduler(memoryless{e.network}, kernels, e.tokens.Size(), 2)
	e.prefixes = newPrefixCache(e.scheduler, e.prefixes.maxBytes)
	results, err := e.Do(context.Background(), mixed(5))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Err == nil || !strings.Contains(r.Err.Error(), "no state") {
			t.Errorf("request %d: %v", i, r.Err)
		}
	}
}

// shapeless is a network that panics when a worker starts.
type shapeless struct{ model.Network }

func (shapeless) EncoderSize() int { panic("no shape") }

func TestPanicAtStartOfWorker(t *testing.T) {
	captureLog(t)
	e := openTiny(t, Options{Threads: 2})
	kernels, err := kernel.Select("")
	if err != nil {
		t.Fatal(err)
	}
	s := newScheduler(shapeless{e.network}, kernels, e.tokens.Size(), 2)
	defer s.close()
	all := []*sequence{{prompt: e.tokens.Encode("some words"), max: 3}}
	if err := errors.Join(s.run(context.Background(), all), all[0].err); err == nil || !strings.Contains(err.Error(), "no shape") {
		t.Errorf("%v", err)
	}
}

// If the file of the model is truncated while the engine uses it, requests have errors and the
// process continues.
func TestFileTruncatedInUse(t *testing.T) {
	captureLog(t)
	path := gguftest.Llama(7).Write(t)
	e := mustOpen(t, path, Options{Threads: 2})
	do(t, e, mixed(4)...)
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	results, err := e.Do(context.Background(), []llm.Request{{Text: "other words"}, {Text: "more of them"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Err == nil || !strings.Contains(r.Err.Error(), "truncated") {
			t.Errorf("request %d: %v", i, r.Err)
		}
	}
}
