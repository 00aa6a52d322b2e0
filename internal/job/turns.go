package job

import (
	"context"
	"sync"
)

// turns lets so many at once work, and of those who wait the one whose rows
// come first in the table: what is written in order is then done in order.
type turns struct {
	mu      sync.Mutex
	free    int
	waiting []*turn
}

// turn is one that waits until given is closed.
type turn struct {
	row   int64
	given chan struct{}
}

func newTurns(n int) *turns { return &turns{free: n} }

// take waits for a turn, or until ctx is done.
func (t *turns) take(ctx context.Context, row int64) error {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return nil
	}
	mine := &turn{row: row, given: make(chan struct{})}
	t.waiting = append(t.waiting, mine)
	t.mu.Unlock()
	select {
	case <-mine.given:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, other := range t.waiting {
		if other == mine {
			t.waiting = append(t.waiting[:i], t.waiting[i+1:]...)
			return context.Cause(ctx)
		}
	}
	return nil // it was given meanwhile
}

// give ends a turn, and gives it to the next.
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
	close(t.waiting[first].given)
	t.waiting = append(t.waiting[:first], t.waiting[first+1:]...)
}
