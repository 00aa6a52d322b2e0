package nn

import (
	"runtime"
	"sync/atomic"

	"github.com/firesteel/firesteel/internal/panics"
)

// Team lets goroutines that have nothing to do take part in the products of one
// that has: a lone sequence would otherwise use one core. Who computes a part
// makes no difference to it. A nil Team has no helpers.
//
// A hand-off between spinning goroutines takes a fraction of a microsecond,
// where waking one takes tens, and a network has hundreds of products a token.
// So a Team is open only for the time of a step, and helpers spin.
type Team struct {
	open   atomic.Bool
	do     func(part int)
	left   atomic.Int64 // parts that nobody has taken; less than none at times
	undone atomic.Int64
	failed atomic.Pointer[error] // of a part that panicked
}

// Open lets helpers in.
func (t *Team) Open() { t.open.Store(true) }

// Close sends helpers away.
func (t *Team) Close() { t.open.Store(false) }

// Help takes part until the team is closed.
func (t *Team) Help() {
	for spins := 0; t.open.Load(); spins++ {
		if t.take() {
			spins = 0
		} else if spins%restSpins == restSpins-1 {
			runtime.Gosched()
		}
	}
}

// restSpins is how often a helper looks for work before it lets others run.
const restSpins = 2000

// isOpen reports whether there may be helpers.
func (t *Team) isOpen() bool { return t != nil && t.open.Load() }

// split does all parts, and returns when they are done. It is called by one
// goroutine. If a part panics, whoever does it, split panics when no part is
// under way any more: until then helpers write to the caller's memory.
func (t *Team) split(parts int, do func(part int)) {
	// Whoever takes a part sees all that was written before left was set, and
	// nothing is written again before its part is done.
	t.do = do
	t.undone.Store(int64(parts))
	t.left.Store(int64(parts))
	for t.take() {
	}
	for spins := 0; t.undone.Load() > 0; spins++ {
		if spins%restSpins == restSpins-1 {
			runtime.Gosched()
		}
	}
	if err := t.failed.Swap(nil); err != nil {
		panic(*err)
	}
}

func (t *Team) take() bool {
	if t.left.Load() <= 0 {
		return false
	}
	part := t.left.Add(-1)
	if part < 0 {
		return false
	}
	t.part(int(part))
	return true
}

// part does a part. A panic is kept for split, as a helper has no part in what
// it helps with.
func (t *Team) part(part int) {
	defer t.undone.Add(-1)
	defer panics.Handle("computing part of a product", func(err error) { t.failed.CompareAndSwap(nil, &err) })
	t.do(part)
}
