package endpoint

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// breaker stops requests to a server that is down. After several consecutive
// failures it opens. After a pause it lets one request through as a probe. Other
// requests wait for the probe; after maxFailedProbes failed probes they fail
// immediately, so that a long job ends soon.
type breaker struct {
	mu       sync.Mutex
	allowed  int           // consecutive failures that open it
	first    time.Duration // the first pause; each failed probe doubles it
	failures int
	last     error // the latest failure
	pause    time.Duration
	until    time.Time // when the next probe may start; zero if closed
	probing  bool
	probes   int // consecutive failed probes
	changed  chan struct{}
}

// maxFailedProbes is the number of failed probes after which requests no longer
// wait. The pause doubles at most this often.
const maxFailedProbes = 3

// openError means that a request was not sent because the breaker is open.
type openError struct {
	failures int
	last     error
	next     time.Duration
}

func (e *openError) Error() string {
	return fmt.Sprintf("not sent: the circuit breaker is open after %d consecutive failures, the last: %v (next attempt in %v)",
		e.failures, e.last, e.next.Round(time.Millisecond))
}

func (e *openError) Unwrap() error { return e.last }

func newBreaker(failures int, pause time.Duration) *breaker {
	return &breaker{allowed: failures, first: pause, pause: pause, changed: make(chan struct{})}
}

// enter waits until the request may be sent. If it returns no error, the caller
// calls success, failure or leave with the same probe.
func (b *breaker) enter(ctx context.Context) (probe bool, err error) {
	for {
		b.mu.Lock()
		now := time.Now()
		if b.until.IsZero() {
			b.mu.Unlock()
			return false, nil
		}
		if !b.probing && !now.Before(b.until) {
			b.probing = true
			b.mu.Unlock()
			return true, nil
		}
		if b.probes >= maxFailedProbes {
			err := &openError{b.failures, b.last, max(0, b.until.Sub(now))}
			b.mu.Unlock()
			return false, err
		}
		changed := b.changed
		timer := time.NewTimer(time.Hour)
		if !b.probing {
			timer.Reset(b.until.Sub(now))
		}
		b.mu.Unlock()
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
			timer.Stop()
			return false, context.Cause(ctx)
		}
		timer.Stop()
	}
}

func (b *breaker) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// success records that the server responded.
func (b *breaker) success(probe bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.until.IsZero() && !probe {
		return // a request from before the breaker opened; the probe decides
	}
	open := !b.until.IsZero()
	b.failures, b.probes, b.pause, b.until, b.last = 0, 0, b.first, time.Time{}, nil
	if probe {
		b.probing = false
	}
	if open {
		b.wake()
	}
}

// failure records that the server does not work.
func (b *breaker) failure(probe bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures++
	b.last = err
	switch {
	case probe:
		b.probing = false
		b.probes++
		b.pause = min(2*b.pause, b.first<<maxFailedProbes)
		b.until = time.Now().Add(b.pause)
		b.wake()
	case b.until.IsZero() && b.failures >= b.allowed:
		b.until = time.Now().Add(b.pause)
	}
}

// leave records that the request says nothing about the server.
func (b *breaker) leave(probe bool) {
	if !probe {
		return
	}
	b.mu.Lock()
	b.probing = false
	b.wake()
	b.mu.Unlock()
}
