package worker

import (
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/panics"
)

// repeat calls f every d until f returns false or stop is called. stop waits for
// a running call.
func repeat(d time.Duration, f func() bool) (stop func()) {
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		defer panics.Handle("watching a task", nil)
		tick := time.NewTicker(d)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if !f() {
					return
				}
			}
		}
	})
	return func() {
		close(done)
		wait.Wait()
	}
}
