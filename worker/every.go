package worker

import (
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/panics"
)

// every calls f again and again, d apart, until f returns false or stop is
// called, which waits for it.
func every(d time.Duration, f func() bool) (stop func()) {
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		defer panics.Handle("looking after a task", nil)
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
