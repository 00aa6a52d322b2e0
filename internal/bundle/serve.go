package bundle

import "sync/atomic"

var canServe atomic.Bool

// CanServe reports whether this program has called worker.Main, and so may be
// shipped to executors as their worker. A client asks before it uploads itself:
// without the call, Spark would wait for a worker that never answers.
func CanServe() bool { return canServe.Load() }

// SetCanServe is for worker.Main.
func SetCanServe() { canServe.Store(true) }
