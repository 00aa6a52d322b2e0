package worker

import (
	"net"
	"time"
)

// watchInterval is the time between two checks of a running task's connection.
// A cancelled task must stop within a second.
const watchInterval = 100 * time.Millisecond

// watch calls closed once if the peer closes the connection or its half of it.
// A task that computes neither reads nor writes, and so would not notice. stop
// ends the watch and waits for it.
func watch(conn net.Conn, closed func()) (stop func()) {
	return repeat(watchInterval, func() bool {
		if !peerClosed(conn) {
			return true
		}
		closed()
		return false
	})
}
