package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/llm"
)

// workers are the goroutines that compute the calls of a scheduler, one per core. A worker without
// work of its own helps the others.
type workers struct {
	// compute computes until admit returns false. threads is the number of workers.
	compute func(threads int)
	// failWaiting ends all work that waits with an error. Its caller holds the lock.
	failWaiting func(error)

	mu      sync.Mutex
	work    sync.Cond
	threads int        // workers wanted
	running int        // workers running
	idle    int        // workers that wait for work
	teams   []*nn.Team // teams of workers that need helpers
	closed  bool
	broken  error         // set if a worker failed to start; all calls fail
	closing chan struct{} // closed by close
	all     sync.WaitGroup
}

// start starts the workers.
func (w *workers) start(threads int, compute func(threads int), failWaiting func(error)) {
	w.compute, w.failWaiting = compute, failWaiting
	w.work.L, w.closing = &w.mu, make(chan struct{})
	w.setThreads(threads)
}

func (w *workers) setThreads(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.threads = max(1, n)
	for n := w.threads; w.running < n && !w.closed; w.running++ {
		w.all.Go(func() {
			defer panics.Handle("starting a worker of the model", w.failed)
			w.compute(n)
		})
	}
	w.work.Broadcast()
}

// close stops the workers. Their work is dropped.
func (w *workers) close() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.closing)
	}
	w.work.Broadcast()
	w.mu.Unlock()
	w.all.Wait()
}

// failed records that a worker failed to start. All calls fail from then on.
func (w *workers) failed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running--
	if w.broken == nil {
		w.broken = fmt.Errorf("%w: %w", llm.ErrModel, err)
	}
	w.failWaiting(w.broken)
}

// submit queues the work of a call. It returns when done is closed or ctx is cancelled; then it
// drops the work that still waits. queue and drop are called with the lock.
func (w *workers) submit(ctx context.Context, done <-chan struct{}, queue, drop func()) error {
	w.mu.Lock()
	if w.closed || w.broken != nil {
		defer w.mu.Unlock()
		return cmp.Or(w.broken, errClosed)
	}
	queue()
	w.work.Broadcast()
	w.mu.Unlock()
	select {
	case <-done:
	case <-w.closing:
		return errClosed
	case <-ctx.Done():
		w.mu.Lock()
		drop()
		w.mu.Unlock()
	}
	return ctx.Err()
}

// admit waits until take finds work, and until then helps other workers. It returns false if the
// worker must end: it is one too many, and has no work. take is called with the lock.
func (w *workers) admit(take func(wanted bool) bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		wanted := w.running <= w.threads
		switch {
		case w.closed:
		case take(wanted):
			return true
		case !wanted:
		case len(w.teams) > 0:
			team := w.teams[0]
			w.mu.Unlock()
			team.Help()
			w.mu.Lock()
			continue
		default:
			w.idle++
			w.work.Wait()
			w.idle--
			continue
		}
		w.running--
		return false
	}
}

// openTeam opens a team to the idle workers. The caller holds the lock.
func (w *workers) openTeam(team *nn.Team) {
	team.Open()
	w.teams = append(w.teams, team)
	w.work.Broadcast()
}

// closeTeam closes a team if it is open. The caller holds the lock.
func (w *workers) closeTeam(team *nn.Team) {
	team.Close()
	w.teams = slices.DeleteFunc(w.teams, func(t *nn.Team) bool { return t == team })
}
