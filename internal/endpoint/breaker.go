package endpoint

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// breaker keeps requests from a server that is down. After some failures in a
// row it opens; after a pause one request is let through to probe. The others
// wait for it, until several probes in a row have failed: then they fail at
// once, so that a long job ends soon.
type breaker struct {
	mu       sync.Mutex
	allowed  int           // failures in a row
	first    time.Duration // the first pause; each failed probe doubles it
	failures int
	last     error // the latest failure
	pause    time.Duration
	until    time.Time // open if not zero; a probe may go then
	probing  bool
	probes   int // failed in a row
	changed  chan struct{}
}

// patientProbes fail before nobody waits any more; pauses double so often.
const patientProbes = 3

// openError says that nothing was sent, and why.
type openError struct {
	failures int
	last     error
	next     time.Duration
}

func (e *openError) Error() string {
	return fmt.Sprintf("not sent: the circuit breaker is open after %d failures in a row, the last: %v (next try in %v)",
		e.failures, e.last, e.next.Round(time.Millisecond))
}

func (e *openError) Unwrap() error { return e.last }

func newBreaker(failures int, pause time.Duration) *breaker {
	return &breaker{allowed: failures, first: pause, pause: pause, changed: make(chan struct{})}
}

// enter waits while a probe is worth waiting for. If it gives no error,
// success, failure or leave follows with the same probe.
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
		if b.probes >= patientProbes {
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

// success: the server answers, whatever it says.
func (b *breaker) success(probe bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.until.IsZero() && !probe {
		return // an old request; the probe decides
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

// failure: the server does not work.
func (b *breaker) failure(probe bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures++
	b.last = err
	switch {
	case probe:
		b.probing = false
		b.probes++
		b.pause = min(2*b.pause, b.first<<patientProbes)
		b.until = time.Now().Add(b.pause)
		b.wake()
	case b.until.IsZero() && b.failures >= b.allowed:
		b.until = time.Now().Add(b.pause)
	}
}

// leave: nothing was learned.
func (b *breaker) leave(probe bool) {
	if !probe {
		return
	}
	b.mu.Lock()
	b.probing = false
	b.wake()
	b.mu.Unlock()
}
