package asking

import (
	"context"
	"sync"
)

// turns lets a number of goroutines work at once. Among those that wait, the
// one with the lowest row is next: rows are written in order, so work that is
// done in order holds the least memory.
type turns struct {
	mu      sync.Mutex
	free    int
	waiting []*turn
}

// turn waits until granted is closed.
type turn struct {
	row     int64
	granted chan struct{}
}

func newTurns(n int) *turns { return &turns{free: n} }

// take waits for a turn, or until ctx ends.
func (t *turns) take(ctx context.Context, row int64) error {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return nil
	}
	own := &turn{row: row, granted: make(chan struct{})}
	t.waiting = append(t.waiting, own)
	t.mu.Unlock()
	select {
	case <-own.granted:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, other := range t.waiting {
		if other == own {
			t.waiting = append(t.waiting[:i], t.waiting[i+1:]...)
			return context.Cause(ctx)
		}
	}
	return nil // it was granted meanwhile
}

// give ends a turn and grants it to the next in line.
func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.free++
		return
	}
	first := 0
	for i, other := range t.waiting {
		if other.row < t.waiting[first].row {
			first = i
		}
	}
	close(t.waiting[first].granted)
	t.waiting = append(t.waiting[:first], t.waiting[first+1:]...)
}
