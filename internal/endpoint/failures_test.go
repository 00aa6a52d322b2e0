package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter) {
	conn, _, _ := w.(http.Hijacker).Hijack()
	conn.Close()
}

// failures are the ways in which the first attempt can fail, with the expected
// results.
var failures = []struct {
	name  string
	fails func(s *server, w http.ResponseWriter, a asked)
	// lost means that the server may have done the work, so the row has an
	// error and is not sent again.
	lost bool
	// tries is the number of requests that the server receives, if not lost.
	tries int
}{
	{"good", func(s *server, w http.ResponseWriter, a asked) { s.good(w, a, "answer to "+a.text) }, false, 1},
	{"429", func(s *server, w http.ResponseWriter, a asked) { refuse(w, 429, "slow down") }, false, 2},
	{"429 seconds", func(s *server, w http.ResponseWriter, a asked) {
		w.Header().Set("Retry-After", "2")
		refuse(w, 429, "slow down")
	}, false, 2},
	{"429 date", func(s *server, w http.ResponseWriter, a asked) {
		w.Header().Set("Retry-After", time.Now().Add(time.Second).UTC().Format(http.TimeFormat))
		refuse(w, 429, "slow down")
	}, false, 2},
	{"500", func(s *server, w http.ResponseWriter, a asked) { refuse(w, 500, "oops") }, false, 2},
	{"503", func(s *server, w http.ResponseWriter, a asked) { refuse(w, 503, "loading") }, false, 2},
	{"503 cut", func(s *server, w http.ResponseWriter, a asked) {
		w.Header().Set("Content-Length", "1000")
		refuse(w, 503, "loading")
	}, false, 2},
	{"502", func(s *server, w http.ResponseWriter, a asked) { s.charge(a.text); refuse(w, 502, "gateway") }, true, 0},
	{"504", func(s *server, w http.ResponseWriter, a asked) { s.charge(a.text); refuse(w, 504, "gateway") }, true, 0},
	{"hung up", func(s *server, w http.ResponseWriter, a asked) { s.charge(a.text); hangUp(w) }, true, 0},
	{"cut", func(s *server, w http.ResponseWriter, a asked) {
		s.charge(a.text)
		w.Header().Set("Content-Length", "500")
		w.Write(body(a, "half", 1, 1)[:20])
	}, true, 0},
	{"slow", func(s *server, w http.ResponseWriter, a asked) {
		s.charge(a.text)
		select {
		case <-a.Context().Done():
		case <-time.After(5 * time.Second):
		}
	}, true, 0},
	{"wrong JSON", func(s *server, w http.ResponseWriter, a asked) { s.charge(a.text); w.Write([]byte(`{"choices":[`)) }, true, 0},
	{"no JSON", func(s *server, w http.ResponseWriter, a asked) { s.charge(a.text); w.Write([]byte("<html>")) }, true, 0},
	{"no choice", func(s *server, w http.ResponseWriter, a asked) { s.charge(a.text); w.Write([]byte(`{"choices":[]}`)) }, true, 0},
	{"huge", func(s *server, w http.ResponseWriter, a asked) {
		s.charge(a.text)
		block := []byte(strings.Repeat("x", 1<<20))
		for range 40 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}, true, 0},
	{"redirect", func(s *server, w http.ResponseWriter, a asked) {
		http.Redirect(w, a.Request, "http://elsewhere.example/v1", http.StatusTemporaryRedirect)
	}, false, 1},
}

// failing makes the first attempt of "NAME: ..." fail in the way of this name.
func failing(s *server) {
	s.serve = func(w http.ResponseWriter, a asked) {
		name, _, _ := strings.Cut(a.text, ": ")
		for _, f := range failures {
			if f.name == name && a.try == 1 {
				f.fails(s, w, a)
				return
			}
		}
		s.good(w, a, "answer to "+a.text)
	}
}

// TestNoRowLostNorPaidTwice checks that each row has its own answer or an error,
// and that no row is charged twice.
func TestNoRowLostNorPaidTwice(t *testing.T) {
	s := newServer(t)
	failing(s)
	// The breaker has a test of its own.
	e := s.open(t, Options{AttemptTimeout: 400 * time.Millisecond, BreakerFailures: 1 << 30, minute: 600 * time.Millisecond})
	var requests []llm.Request
	for range 2 { // the second half repeats the first
		for i := range 4 {
			for _, f := range failures {
				if f.name != "redirect" { // a redirect ends the call
					requests = append(requests, chat(fmt.Sprintf("%s: %d", f.name, i)))
				}
			}
		}
	}
	results := do(t, e, requests...)
	ok, failed := 0, 0
	for i, r := range results {
		text := requests[i].Messages[0].Text
		name, _, _ := strings.Cut(text, ": ")
		for _, f := range failures {
			if f.name != name {
				continue
			}
			if s.charged[text] != 1 {
				t.Errorf("%s was charged %d times", text, s.charged[text])
			}
			if len(s.keys[text]) != 1 || s.keys[text][""] {
				t.Errorf("%s came with the idempotency keys %v", text, s.keys[text])
			}
			var rowError *Error
			switch {
			case !f.lost && (r.Err != nil || r.Text != "answer to "+text || s.tries[text] != f.tries):
				t.Errorf("%s: %q after %d attempts, error %v", text, r.Text, s.tries[text], r.Err)
			case f.lost && (!errors.As(r.Err, &rowError) || !rowError.MayBeCharged || s.tries[text] != 1):
				t.Errorf("%s: %q after %d attempts, error %v", text, r.Text, s.tries[text], r.Err)
			}
			if r.Err == nil {
				ok++
			} else {
				failed++
			}
		}
	}
	if ok+failed != len(requests) {
		t.Errorf("%d answers and %d errors for %d rows", ok, failed, len(requests))
	}
	totals := e.Totals()
	if totals.Requests != ok/2 || totals.Uncertain != failed/2 {
		t.Errorf("totals %+v for %d answers and %d uncertain attempts", totals, ok/2, failed/2)
	}
	t.Logf("%d rows, %d answers, %d told errors; %+v", len(requests), ok, failed, totals)
}

// TestRetryCharged checks that charged attempts are repeated if the options
// allow it.
func TestRetryCharged(t *testing.T) {
	s := newServer(t)
	failing(s)
	e := s.open(t, Options{RetryCharged: true, AttemptTimeout: 300 * time.Millisecond, BreakerFailures: 1 << 30})
	for _, f := range failures {
		if !f.lost || f.name == "huge" {
			continue
		}
		text := f.name + ": again"
		r := do(t, e, chat(text))[0]
		if r.Err != nil || r.Text != "answer to "+text || s.tries[text] != 2 || len(s.keys[text]) != 1 {
			t.Errorf("%s: %q after %d attempts with keys %v, error %v", f.name, r.Text, s.tries[text], s.keys[text], r.Err)
		}
	}
}

// TestNoConnection checks that a request is repeated if nothing was sent.
func TestNoConnection(t *testing.T) {
	s := newServer(t)
	var trouble []error
	e := s.open(t, Options{Attempts: 3, Trouble: func(err error) { trouble = append(trouble, err) }})
	s.Close()
	r := do(t, e, chat("hello"))[0]
	var rowError *Error
	if !errors.As(r.Err, &rowError) || rowError.MayBeCharged || !errors.Is(r.Err, llm.ErrModel) || !strings.Contains(r.Err.Error(), "Check that the server is running") || !strings.Contains(r.Err.Error(), "3 attempts") {
		t.Errorf("error %v", r.Err)
	}
	if n := e.Totals().Attempts; n != 3 {
		t.Errorf("%d attempts", n)
	}
	// Trouble is called once for several attempts.
	if len(trouble) != 1 || !strings.Contains(trouble[0].Error(), "trying again") || !strings.Contains(trouble[0].Error(), "Check that the server is running") {
		t.Errorf("Trouble was called with: %v", trouble)
	}
}

// TestRefusedForEver checks that responses with status 429 are repeated only
// within Timeout.
func TestRefusedForEver(t *testing.T) {
	s := newServer(t)
	s.serve = func(w http.ResponseWriter, a asked) { refuse(w, 429, "slow down") }
	e := s.open(t, Options{Timeout: time.Second, Attempts: 2})
	begun := time.Now()
	r := do(t, e, chat("hello"))[0]
	if took := time.Since(begun); took > 3*time.Second || status(r.Err) != 429 || s.tries["hello"] < 3 {
		t.Errorf("after %v and %d attempts: %v", took, s.tries["hello"], r.Err)
	}
	// A pause longer than Timeout is not started.
	s.serve = func(w http.ResponseWriter, a asked) {
		w.Header().Set("Retry-After", "86400")
		refuse(w, 429, "tomorrow")
	}
	e2 := s.open(t, Options{Timeout: 10 * time.Second})
	if r = do(t, e2, chat("later"))[0]; status(r.Err) != 429 || s.tries["later"] != 1 {
		t.Errorf("after %d attempts: %v", s.tries["later"], r.Err)
	}
}

// TestErrorsOfEveryRow checks that an error that affects all rows ends the
// requests, and that earlier answers are kept.
func TestErrorsOfEveryRow(t *testing.T) {
	tests := []struct {
		name   string
		status int
		says   string
		want   string
	}{
		{"key", 401, "Incorrect API key provided: sesame-42", "OPENAI_API_KEY"},
		{"model", 404, "no such model", "Check the model's name"},
		{"money", 429, "insufficient_quota: you exceeded your quota", "no credit"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("OPENAI_API_KEY", "sesame-42")
			s := newServer(t)
			s.serve = func(w http.ResponseWriter, a asked) {
				if a.text == "row 0" {
					s.good(w, a, "fine")
					return
				}
				if got := a.Header.Get("Authorization"); got != "Bearer sesame-42" {
					t.Errorf("authorization %q", got)
				}
				refuse(w, test.status, test.says)
			}
			e := s.open(t, Options{MaxConcurrency: 1})
			results := do(t, e, chats(50)...)
			if results[0].Err != nil || len(s.arrived) != 2 {
				t.Errorf("first row: %v; %d requests", results[0].Err, len(s.arrived))
			}
			for i, r := range results[1:] {
				if status(r.Err) != test.status || !strings.Contains(r.Err.Error(), test.want) || strings.Contains(r.Err.Error(), "sesame") {
					t.Fatalf("row %d: %v", i+1, r.Err)
				}
			}
		})
	}
}

func TestErrorClasses(t *testing.T) {
	tests := []struct {
		status int
		says   string
		want   error
	}{
		{400, "This model's maximum context length is 4096 tokens", llm.ErrTooLong},
		{400, "the request exceeds the available context size", llm.ErrTooLong},
		{422, "bad parameter", llm.ErrRequest},
		{418, "teapot", llm.ErrModel},
	}
	for _, test := range tests {
		s := newServer(t)
		s.serve = func(w http.ResponseWriter, a asked) { refuse(w, test.status, test.says) }
		r := do(t, s.open(t, Options{}), chat("x"))[0]
		if !errors.Is(r.Err, test.want) || len(s.arrived) != 1 {
			t.Errorf("%d %s: %v after %d requests", test.status, test.says, r.Err, len(s.arrived))
		}
	}
}

func TestCancelAtOnce(t *testing.T) {
	s := newServer(t)
	s.serve = func(w http.ResponseWriter, a asked) { <-a.Context().Done() }
	e := s.open(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	begun := time.Now()
	_, err := e.Do(ctx, chats(100))
	if took := time.Since(begun); !errors.Is(err, context.Canceled) || took > time.Second {
		t.Errorf("after %v: %v", took, err)
	}
	// Close also cancels calls.
	time.AfterFunc(50*time.Millisecond, func() { e.Close() })
	if _, err := e.Do(t.Context(), chats(3)); !errors.Is(err, errClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestBreaker(t *testing.T) {
	s := newServer(t)
	down := true
	s.serve = func(w http.ResponseWriter, a asked) {
		s.mu.Lock()
		isDown := down
		s.mu.Unlock()
		if isDown {
			refuse(w, 500, "no memory left")
			return
		}
		s.good(w, a, "fine")
	}
	e := s.open(t, Options{MaxConcurrency: 4, BreakerFailures: 5, BreakerPause: 20 * time.Millisecond})
	results := do(t, e, chats(1000)...)
	opened := 0
	for _, r := range results {
		if r.Err == nil {
			t.Fatal("a row was answered")
		}
		if strings.Contains(r.Err.Error(), "circuit breaker is open") && strings.Contains(sensitive.Shown(r.Err), "no memory left") {
			opened++
		}
	}
	// Few more than the failures that open the breaker: concurrent requests and
	// probes.
	if n := len(s.arrived); n < 5 || n > 30 || opened < 900 {
		t.Errorf("%d requests reached a server that is down; %d rows say so", n, opened)
	}
	s.mu.Lock()
	down = false
	s.mu.Unlock()
	time.Sleep(200 * time.Millisecond)
	for i, r := range do(t, e, chats(20)...) {
		if r.Err != nil {
			t.Errorf("row %d after the server came back: %v", i, r.Err)
		}
	}
}
