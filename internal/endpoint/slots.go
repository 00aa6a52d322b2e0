package endpoint

import (
	"context"
	"slices"
	"sync"
	"time"
)

// slots bound the requests under way by a number found by itself: one more for
// each full round of good answers, half when the server says it has too many,
// a fifth less when answers take far longer than at their best.
type slots struct {
	mu      sync.Mutex
	limit   float64
	max     int
	busy    int
	waiting []chan struct{}

	lowered time.Time // of requests begun before, nothing is learned again
	recent  float64   // smoothed seconds an answer takes
	best    float64   // the least of recent, slowly forgotten
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
	} else { // it was given in the meantime
		s.busy--
		s.pass()
	}
	return context.Cause(ctx)
}

func (s *slots) give() {
	s.mu.Lock()
	s.busy--
	s.pass()
	s.mu.Unlock()
}

func (s *slots) pass() {
	for len(s.waiting) > 0 && s.busy < int(s.limit) {
		close(s.waiting[0])
		s.waiting = s.waiting[1:]
		s.busy++
	}
}

// answered learns from an answer that took so long since begun.
func (s *slots) answered(begun time.Time, took time.Duration) {
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
	case s.busy >= int(s.limit): // only what was tried teaches
		s.limit = min(float64(s.max), s.limit+1/s.limit)
		s.pass()
	}
}

// refused learns that the server has too much to do.
func (s *slots) refused(begun time.Time) {
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

// now is the number of requests that may be under way.
func (s *slots) now() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.limit)
}
