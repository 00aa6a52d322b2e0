package endpoint

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/network/egress"
)

// limits delay requests to respect the limits per minute. Each limit is a token
// bucket: of R per minute, 98 % flow in steadily and 2 % may be saved, so that no
// minute has more than R.
type limits struct {
	turn chan struct{} // held by the first waiting request

	mu       sync.Mutex
	changed  chan struct{} // closed when a wait may have become shorter
	requests *bucket       // nil without a limit
	tokens   *bucket
	paused   time.Time // no request starts before
	// The remaining allowance that the server reported.
	leftRequests, leftTokens allowance
	inFlight                 int
	second                   time.Duration // length of a second in times that the server sends
}

// burstShare is the part of a limit that may be saved.
const burstShare = 0.02

type bucket struct {
	perSecond, burst, level float64
	last                    time.Time
}

func newBucket(perMinute int, minute time.Duration) *bucket {
	if perMinute <= 0 {
		return nil
	}
	r := float64(perMinute)
	burst := max(1, burstShare*r)
	return &bucket{perSecond: (1 - burstShare) * r / minute.Seconds(), burst: burst, level: burst}
}

// wait returns the time until n tokens are available. If n is more than burst,
// it is the time until the bucket is full; the level then becomes negative.
func (b *bucket) wait(now time.Time, n float64) time.Duration {
	if b == nil {
		return 0
	}
	if !b.last.IsZero() {
		b.level = min(b.burst, b.level+b.perSecond*now.Sub(b.last).Seconds())
	}
	b.last = now
	if missing := min(n, b.burst) - b.level; missing > 1e-9 {
		return time.Duration(missing/b.perSecond*float64(time.Second)) + time.Microsecond
	}
	return 0
}

func (b *bucket) add(n float64) {
	if b != nil {
		b.level = min(b.burst, b.level+n)
	}
}

// allowance is the remaining allowance in a server's x-ratelimit headers.
type allowance struct {
	left  float64
	until time.Time
}

func (a *allowance) wait(now time.Time, n float64) time.Duration {
	if a.until.After(now) && a.left < n {
		return a.until.Sub(now)
	}
	return 0
}

func newLimits(requests, tokens int, minute time.Duration) *limits {
	return &limits{
		turn: make(chan struct{}, 1), changed: make(chan struct{}), second: minute / 60,
		requests: newBucket(requests, minute), tokens: newBucket(tokens, minute),
	}
}

// waitError means that a request was not sent because the server requires a
// longer pause than all attempts may take.
type waitError struct{ wait, patience time.Duration }

func (e *waitError) Error() string {
	return fmt.Sprintf("not sent: the server requires a pause of %v, but all attempts together may take only %v", e.wait.Round(time.Second), e.patience.Round(time.Second))
}

// start waits until a request of so many tokens may be sent. It returns a
// waitError if the server's pause is longer than patience. If it returns no
// error, one call of settle must follow.
func (l *limits) start(ctx context.Context, tokens float64, patience time.Duration) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-l.turn }()
	for {
		l.mu.Lock()
		now := time.Now()
		if pause := l.paused.Sub(now); pause > patience {
			l.mu.Unlock()
			return &waitError{pause, patience}
		}
		wait := max(l.paused.Sub(now), l.requests.wait(now, 1), l.tokens.wait(now, tokens),
			l.leftRequests.wait(now, 1), l.leftTokens.wait(now, tokens))
		if wait <= 0 {
			l.requests.add(-1)
			l.tokens.add(-tokens)
			l.leftRequests.left--
			l.leftTokens.left -= tokens
			l.inFlight++
			l.mu.Unlock()
			return ctx.Err()
		}
		changed := l.changed
		l.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
		timer.Stop()
	}
}

// settle replaces the tokens given to start by those that were used.
func (l *limits) settle(reserved, used float64) {
	l.mu.Lock()
	l.tokens.add(reserved - used)
	l.inFlight--
	l.wake()
	l.mu.Unlock()
}

func (l *limits) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// pause delays all requests, as the server requires.
func (l *limits) pause(d time.Duration) {
	l.mu.Lock()
	if until := time.Now().Add(d); until.After(l.paused) {
		l.paused = until
	}
	l.mu.Unlock()
}

// readHeaders reads x-ratelimit-remaining-* and x-ratelimit-reset-*. It subtracts
// the requests in progress, which the server may not have counted yet. Headers
// that require a pause longer than patience are ignored.
func (l *limits) readHeaders(h http.Header, patience time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	read := func(kind string, a *allowance, underWay float64) {
		left, err := strconv.ParseFloat(h.Get("x-ratelimit-remaining-"+kind), 64)
		reset, ok := serverDuration(h.Get("x-ratelimit-reset-"+kind), l.second)
		if err != nil || !ok || !(left >= 0) || reset > patience {
			return
		}
		*a = allowance{left - underWay, now.Add(reset)}
	}
	read("requests", &l.leftRequests, float64(max(0, l.inFlight-1)))
	read("tokens", &l.leftTokens, 0)
}

// maxServerWait bounds the pause that a server may require, in its seconds.
const maxServerWait = 24 * 3600

// serverDuration parses "12ms", "6m0s", or a number of seconds.
func serverDuration(s string, second time.Duration) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	seconds, err := strconv.ParseFloat(s, 64)
	if err != nil {
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0, false
		}
		seconds = d.Seconds()
	}
	if !(seconds >= 0) {
		return 0, false
	}
	return time.Duration(min(seconds, maxServerWait) * float64(second)), true
}

// retryAfter reads the header Retry-After, or the milliseconds that some servers
// also send.
func retryAfter(h http.Header, now time.Time, second time.Duration) (time.Duration, bool) {
	if ms, err := strconv.ParseFloat(strings.TrimSpace(h.Get("Retry-After-Ms")), 64); err == nil && ms >= 0 {
		return time.Duration(min(ms/1000, maxServerWait) * float64(second)), true
	}
	wait, ok := egress.RetryAfter(h, now, maxServerWait*time.Second)
	return time.Duration(wait.Seconds() * float64(second)), ok
}
