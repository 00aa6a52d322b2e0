package inprocess

import (
	"context"
	"sync"

	"github.com/firesteel/firesteel/internal/panics"
)

// quota bounds the memory of the rows under way. A batch that is larger than
// the whole quota waits until nothing else is under way.
type quota struct {
	mu          sync.Mutex
	freed       sync.Cond
	size, taken int64 // bytes
}

func newQuota(size int64) *quota {
	q := &quota{size: size}
	q.freed.L = &q.mu
	return q
}

// take waits until n bytes are free, or until ctx ends.
func (q *quota) take(ctx context.Context, n int64) error {
	stop := context.AfterFunc(ctx, func() {
		defer panics.Handle("ending a wait", nil)
		q.free(0)
	})
	defer stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.taken > 0 && q.taken+n > q.size {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		q.freed.Wait()
	}
	q.taken += n
	return nil
}

func (q *quota) free(n int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken -= n
	q.freed.Broadcast()
}
