package bundle

import "sync/atomic"

var canServe atomic.Bool

// CanServe reports whether this program called worker.Main, so that it can be the
// executors' worker. A client checks it before it uploads itself: without the
// call, Spark would wait for a worker that never answers.
func CanServe() bool { return canServe.Load() }

// SetCanServe records the call of worker.Main.
func SetCanServe() { canServe.Store(true) }
