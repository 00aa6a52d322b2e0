package endpoint

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// perMinute is the most, over all minutes of the arrivals, of what is counted,
// and the mean of the minutes after the first half one.
func perMinute(arrived []arrival, minute time.Duration, count func(arrival) int) (most int, mean float64) {
	from, sum := 0, 0
	for _, a := range arrived {
		sum += count(a)
		for a.at.Sub(arrived[from].at) >= minute {
			sum -= count(arrived[from])
			from++
		}
		most = max(most, sum)
	}
	begin := arrived[0].at.Add(minute / 2)
	total := 0
	for _, a := range arrived {
		if a.at.After(begin) {
			total += count(a)
		}
	}
	return most, float64(total) / (float64(arrived[len(arrived)-1].at.Sub(begin)) / float64(minute))
}

// inMemory passes requests to a server without a network, so that the fake
// clock of testing/synctest advances while a request waits.
type inMemory struct{ *server }

func (s inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.handle(w, r)
	return w.Result(), r.Context().Err()
}

// limited tests a limit a minute on the fake clock of a bubble.
func limited(t *testing.T, opts Options, test func(*testing.T, *server, *Endpoint)) {
	synctest.Test(t, func(t *testing.T) {
		s := newServerInMemory()
		opts.minute = time.Minute
		e, err := Open("openai:small@http://127.0.0.1/v1", opts)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		e.client = &http.Client{Transport: inMemory{s}}
		test(t, s, e)
	})
}

// The server counts the requests of each minute.
func TestLimitOfRequests(t *testing.T) {
	const limit = 300
	limited(t, Options{RequestsPerMinute: limit}, func(t *testing.T, s *server, e *Endpoint) {
		requests := chats(2 * limit)
		// Two calls at the same time share the limit.
		done := make(chan error)
		go func() {
			_, err := e.Do(context.Background(), requests[:limit])
			done <- err
		}()
		do(t, e, requests[limit:]...)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		most, mean := perMinute(s.arrived, time.Minute, func(arrival) int { return 1 })
		t.Logf("limit %d, most %d, mean %.0f", limit, most, mean)
		if len(s.arrived) != 2*limit || float64(most) > 1.05*limit || mean < 0.85*limit {
			t.Errorf("%d arrived; at most %d a minute and %.0f in the mean for a limit of %d", len(s.arrived), most, mean, limit)
		}
	})
}

// The sizes of answers differ much, and MaxTokens does not bound them closely.
func TestLimitOfTokens(t *testing.T) {
	const limit = 12000
	limited(t, Options{TokensPerMinute: limit}, func(t *testing.T, s *server, e *Endpoint) {
		s.serve = func(w http.ResponseWriter, a asked) {
			s.charge(a.text)
			s.mu.Lock()
			n := len(s.arrived)
			output := 10 + n*7%30
			s.arrived[n-1].tokens = output + 20
			s.mu.Unlock()
			time.Sleep(100 * time.Millisecond)
			w.Write(body(a, strings.Repeat("word ", output), 20, output))
		}
		requests := chats(500) // of 44 tokens in the mean
		for i := range requests {
			requests[i].MaxTokens = 400
		}
		do(t, e, requests...)
		most, mean := perMinute(s.arrived, time.Minute, func(a arrival) int { return a.tokens })
		t.Logf("limit %d, most %d, mean %.0f", limit, most, mean)
		if float64(most) > 1.05*limit || mean < 0.85*limit {
			t.Errorf("at most %d tokens a minute and %.0f in the mean for a limit of %d", most, mean, limit)
		}
	})
}

// TestRateLimitHeaders checks that no request is sent while the server reports
// that none is left.
func TestRateLimitHeaders(t *testing.T) {
	s := newServer(t)
	left, refusals := 10, 0
	var emptied time.Time
	s.serve = func(w http.ResponseWriter, a asked) {
		s.mu.Lock()
		if left == 0 && time.Since(emptied) >= 100*time.Millisecond {
			left = 10
		}
		if left == 0 {
			refusals++
		}
		left = max(0, left-1)
		now := left
		if now == 0 {
			emptied = time.Now()
		}
		s.mu.Unlock()
		w.Header().Set("x-ratelimit-remaining-requests", string('0'+rune(now)))
		w.Header().Set("x-ratelimit-reset-requests", "120s")
		s.good(w, a, "fine")
	}
	e := s.open(t, Options{MaxConcurrency: 1})
	for _, r := range do(t, e, chats(45)...) {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	if refusals > 0 {
		t.Errorf("%d requests were sent while nothing was left", refusals)
	}
}

// TestConcurrency checks that the number of concurrent requests grows, and
// shrinks when the server refuses.
func TestConcurrency(t *testing.T) {
	s := newServer(t)
	s.serve = func(w http.ResponseWriter, a asked) {
		time.Sleep(5 * time.Millisecond)
		s.good(w, a, "fine")
	}
	e := s.open(t, Options{MaxConcurrency: 16})
	do(t, e, chats(600)...)
	if s.most < 12 {
		t.Errorf("no more than %d at once, of 16", s.most)
	}
	s = newServer(t)
	refused := 0
	s.serve = func(w http.ResponseWriter, a asked) {
		s.mu.Lock()
		tooMany := s.busy > 6
		if tooMany {
			refused++
		}
		s.mu.Unlock()
		if tooMany {
			refuse(w, 429, "six at once")
			return
		}
		time.Sleep(5 * time.Millisecond)
		s.good(w, a, "fine")
	}
	e = s.open(t, Options{MaxConcurrency: 64})
	for i, r := range do(t, e, chats(600)...) {
		if r.Err != nil {
			t.Errorf("row %d: %v", i, r.Err)
		}
	}
	t.Logf("%d at most at once, %d now, %d refused", s.most, e.slots.current(), refused)
	if s.most > 16 || refused > 200 {
		t.Errorf("%d at once, and %d refusals, at a server that takes 6", s.most, refused)
	}
}

func TestSlowAnswersLowerConcurrency(t *testing.T) {
	s := newSlots(64)
	s.limit = 40
	begun := time.Now()
	for range 50 {
		s.success(begun, 10*time.Millisecond)
	}
	for range 50 {
		s.success(time.Now(), 100*time.Millisecond)
	}
	if s.current() > 10 {
		t.Errorf("%d at once although answers take ten times as long", s.current())
	}
}

func TestServerDurations(t *testing.T) {
	second := time.Second
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		header string
		want   time.Duration
		ok     bool
	}{
		{"3", 3 * second, true}, {"0.5", second / 2, true}, {"-1", 0, false}, {"", 0, false}, {"soon", 0, false}, {"NaN", 0, false},
		{"1e300", maxServerWait * second, true},
		{"Wed, 25 Nov 2026 12:00:07 GMT", 7 * second, true},
		{"Wed, 25 Nov 2026 11:00:00 GMT", 0, true},
	} {
		got, ok := retryAfter(http.Header{"Retry-After": {test.header}}, now, second)
		if got != test.want || ok != test.ok {
			t.Errorf("Retry-After: %s is %v, %v", test.header, got, ok)
		}
	}
	for in, want := range map[string]time.Duration{"12ms": 12 * time.Millisecond, "6m0s": 6 * time.Minute, "1.5": 1500 * time.Millisecond} {
		if got, ok := serverDuration(in, second); !ok || got != want {
			t.Errorf("%s is %v, %v", in, got, ok)
		}
	}
}
