package job

import (
	"context"
	"sync"

	"github.com/firesteel/firesteel/internal/panics"
)

// room is memory that is shared out. What is more than all of it gets in
// alone.
type room struct {
	mu          sync.Mutex
	freed       sync.Cond
	size, taken int64
}

func newRoom(size int64) *room {
	r := &room{size: size}
	r.freed.L = &r.mu
	return r
}

func (r *room) take(ctx context.Context, n int64) error {
	stop := context.AfterFunc(ctx, func() {
		defer panics.Handle("ending a wait", nil)
		r.free(0)
	})
	defer stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.taken > 0 && r.taken+n > r.size {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r.freed.Wait()
	}
	r.taken += n
	return nil
}

func (r *room) free(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken -= n
	r.freed.Broadcast()
}
