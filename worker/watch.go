package worker

import (
	"net"
	"sync"
	"time"
)

// watchEvery is how often a running task's connection is looked at: a cancelled
// task must stop within a second.
const watchEvery = 100 * time.Millisecond

// watch calls gone once if the other side closes the connection, or its half
// of it, while a task computes and so may neither read nor write. The function
// it returns ends the watch and waits for it.
func watch(conn net.Conn, gone func()) (stop func()) {
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if hungUp(conn) {
					gone()
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
