package nn

import (
	"runtime"
	"sync/atomic"

	"github.com/firesteel/firesteel/internal/panics"
)

// Team lets idle goroutines compute parts of the products of another goroutine, because a single
// sequence would otherwise use one core. The result does not depend on who computes a part. A nil
// Team has no helpers.
//
// A hand-off between spinning goroutines takes a fraction of a microsecond; waking a goroutine
// takes tens of microseconds, and a network has hundreds of products per token. Therefore helpers
// spin, and a Team is open for the time of a step only.
type Team struct {
	open   atomic.Bool
	do     func(part int)
	left   atomic.Int64          // parts that were not taken; may be negative
	undone atomic.Int64          // parts that are not done
	failed atomic.Pointer[error] // the panic of a part
}

// Open lets Help compute parts.
func (t *Team) Open() { t.open.Store(true) }

// Close makes Help return.
func (t *Team) Close() { t.open.Store(false) }

// Help computes parts until the team is closed.
func (t *Team) Help() {
	for spins := 0; t.open.Load(); spins++ {
		if t.take() {
			spins = 0
		} else if spins%restSpins == restSpins-1 {
			runtime.Gosched()
		}
	}
}

// restSpins is the number of failed attempts after which a helper yields its processor.
const restSpins = 2000

// Split computes all parts and returns when they are done. If the team is nil or closed, the caller
// computes them in order.
func (t *Team) Split(parts int, do func(part int)) {
	if parts > 1 && t.isOpen() {
		t.split(parts, do)
		return
	}
	for part := range parts {
		do(part)
	}
}

// SplitRows divides rows among calls of do, if each has so many numbers that this is worth a
// hand-off.
func (t *Team) SplitRows(rows, numbers int, do func(first, last int)) {
	if rows == 1 || rows*numbers < splitNumbers || !t.isOpen() {
		do(0, rows)
		return
	}
	parts := min(rows, Parts)
	t.split(parts, func(part int) { do(part*rows/parts, (part+1)*rows/parts) })
}

// Parts returns the number of parts into which large work should be divided: 1 if there are no helpers.
func (t *Team) Parts() int {
	if !t.isOpen() {
		return 1
	}
	return Parts
}

// splitNumbers is the number of numbers from which on it is worth to divide the work of a function
// that takes a fraction of a nanosecond for each.
const splitNumbers = 1 << 14

// Parts is the number of parts into which a Team divides large work. There are several for each core,
// because a core may be busy with other work.
const Parts = 16

// isOpen reports whether the team can have helpers.
func (t *Team) isOpen() bool { return t != nil && t.open.Load() }

// split computes all parts and returns when they are done. It must be called by one goroutine at a
// time. If a part panics, split panics after all parts have ended: until then helpers may write to
// the memory of the caller.
func (t *Team) split(parts int, do func(part int)) {
	// A goroutine that takes a part sees all writes before left was set. Nothing is written until
	// its part is done.
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

// take computes one part, and reports whether there was one.
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

// part computes a part. It keeps a panic for split, so that helpers continue.
func (t *Team) part(part int) {
	defer t.undone.Add(-1)
	defer panics.Handle("computing part of a product", func(err error) { t.failed.CompareAndSwap(nil, &err) })
	t.do(part)
}
