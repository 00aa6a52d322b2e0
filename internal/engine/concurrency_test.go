package engine

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firesteel/firesteel/llm"
)

func TestCancel(t *testing.T) {
	e := openTiny(t, Options{Threads: 2, AnswerBytes: -1})
	// Much more work than the test waits for.
	var requests []llm.Request
	for i := range 3000 {
		requests = append(requests, llm.Request{Prefix: "a prefix that is shared by them all", Text: fmt.Sprint(i), MaxTokens: 200, Constraint: nil})
	}
	before := runtime.NumGoroutine()
	for range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		_, err := e.Do(ctx, requests)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		cancel()
	}
	// The workers are free, and no goroutine remains.
	do(t, e, mixed(5)...)
	for range 200 {
		if runtime.NumGoroutine() <= before {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
	if _, err := e.Do(canceled(), requests); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestCloseEndsCalls(t *testing.T) {
	e := openTiny(t, Options{Threads: 2, AnswerBytes: -1})
	errs := make(chan error)
	for range 3 {
		go func() {
			var err error
			for err == nil {
				_, err = e.Do(context.Background(), []llm.Request{{Text: "a", MaxTokens: 200}, {Text: "b", MaxTokens: 200}})
			}
			errs <- err
		}()
	}
	time.Sleep(10 * time.Millisecond)
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	for range 3 {
		if err := <-errs; !errors.Is(err, llm.ErrModel) {
			t.Error(err)
		}
	}
}

func TestPrefixes(t *testing.T) {
	e := openTiny(t, Options{PrefixBytes: 1 << 20, AnswerBytes: -1})
	request := func(n int) llm.Request {
		return llm.Request{Prefix: fmt.Sprintf("prefix number %d of those that are kept\n", n), Text: "x", MaxTokens: 2}
	}
	size := e.prefixes.shape.Bytes(e.CountTokens(request(10).Prefix))
	fits := int(e.prefixes.maxBytes / size)
	var all []llm.Request
	for i := range 2*fits + 3 {
		all = append(all, request(100+i))
	}
	together := do(t, e, all...)
	for i := range all {
		if one := do(t, e, all[i])[0]; !reflect.DeepEqual(one, together[i]) {
			t.Errorf("prefix %d: %+v separately, %+v with others", i, one, together[i])
		}
	}
	e.prefixes.mu.Lock()
	defer e.prefixes.mu.Unlock()
	if e.prefixes.bytes > e.prefixes.maxBytes || e.prefixes.order.Len() != fits || len(e.prefixes.byKey) != fits {
		t.Errorf("%d prefixes of %d bytes are cached; want %d, at most %d bytes", e.prefixes.order.Len(), e.prefixes.bytes, fits, e.prefixes.maxBytes)
	}
	last := all[len(all)-1]
	if first := e.prefixes.order.Front().Value.(*prefix); e.tokens.Decode(first.tokens) != last.Prefix {
		t.Errorf("the most recently used prefix is %q", e.tokens.Decode(first.tokens))
	}
}

// Concurrent calls compute a prefix once.
func TestPrefixIsComputedOnce(t *testing.T) {
	e := openTiny(t, Options{Threads: 2, AnswerBytes: -1})
	tokens := e.tokens.Encode(strings.Repeat("common ", 20))
	var mu sync.Mutex
	seen := map[*prefix]bool{}
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			p, err := e.prefixes.get(context.Background(), tokens)
			if err != nil || p.cache.Len() != len(tokens) {
				t.Errorf("%v, %v", p, err)
			}
			mu.Lock()
			seen[p] = true
			mu.Unlock()
		})
	}
	calls.Wait()
	if len(seen) != 1 {
		t.Errorf("the prefix was computed %d times", len(seen))
	}
}
