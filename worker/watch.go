package worker

import (
	"net"
	"time"
)

// watchEvery is how often a running task's connection is looked at: a cancelled
// task must stop within a second.
const watchEvery = 100 * time.Millisecond

// watch calls gone once if the other side closes the connection, or its half
// of it, while a task computes and so may neither read nor write. The function
// it returns ends the watch and waits for it.
func watch(conn net.Conn, gone func()) (stop func()) {
	return every(watchEvery, func() bool {
		if !hungUp(conn) {
			return true
		}
		gone()
		return false
	})
}
