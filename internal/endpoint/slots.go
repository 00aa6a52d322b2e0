package endpoint

import (
	"context"
	"slices"
	"sync"
	"time"
)

// slots bound the number of concurrent requests. The bound adapts to the server:
// it increases by one for each full round of answers, halves when the server has
// too many requests, and decreases by a fifth when answers take much longer than
// the best ones.
type slots struct {
	mu      sync.Mutex
	limit   float64
	max     int
	busy    int
	waiting []chan struct{}

	lowered time.Time // requests that started earlier do not lower the limit again
	recent  float64   // smoothed duration of an answer in seconds
	best    float64   // minimum of recent, which increases slowly
}

const (
	firstSlots = 4
	smoothing  = 0.1
	forgetting = 1.002
	tooSlow    = 2.5 // times best
)

func newSlots(max int) *slots {
	return &slots{limit: float64(min(firstSlots, max)), max: max}
}

func (s *slots) take(ctx context.Context) error {
	s.mu.Lock()
	if s.busy < int(s.limit) && len(s.waiting) == 0 {
		s.busy++
		s.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	s.waiting = append(s.waiting, mine)
	s.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, mine); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	} else { // the slot was granted in the meantime
		s.busy--
		s.wakeNext()
	}
	return context.Cause(ctx)
}

func (s *slots) release() {
	s.mu.Lock()
	s.busy--
	s.wakeNext()
	s.mu.Unlock()
}

func (s *slots) wakeNext() {
	for len(s.waiting) > 0 && s.busy < int(s.limit) {
		close(s.waiting[0])
		s.waiting = s.waiting[1:]
		s.busy++
	}
}

// success adapts the limit after an answer that took so long since begun.
func (s *slots) success(begun time.Time, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.recent == 0 {
		s.recent = took.Seconds()
		s.best = s.recent
	}
	s.recent += smoothing * (took.Seconds() - s.recent)
	s.best = min(s.best*forgetting, s.recent)
	switch {
	case s.recent > tooSlow*s.best:
		s.lower(begun, 0.8)
	case s.busy >= int(s.limit): // increase only if the limit was in use
		s.limit = min(float64(s.max), s.limit+1/s.limit)
		s.wakeNext()
	}
}

// overloaded lowers the limit because the server has too many requests.
func (s *slots) overloaded(begun time.Time) {
	s.mu.Lock()
	s.lower(begun, 0.5)
	s.mu.Unlock()
}

func (s *slots) lower(begun time.Time, factor float64) {
	if begun.Before(s.lowered) {
		return
	}
	s.lowered = time.Now()
	s.limit = max(1, s.limit*factor)
}

// current returns the number of allowed concurrent requests.
func (s *slots) current() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.limit)
}
