package worker

import (
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"
)

// handshakes holds the connections whose handshake is not complete. Any process
// on this machine can open a connection, so their number is bounded: a new
// connection closes the oldest one. Spark's connections complete the handshake
// quickly, with the secret or, on a Unix socket, with the first byte of a task.
type handshakes struct {
	log *slog.Logger
	max int

	mu     sync.Mutex
	conns  []net.Conn // oldest first
	failed int        // connections since the last line in the log
	logged time.Time  // of the last line in the log
}

// failureLogInterval is the shortest time between two lines in the log about
// failed handshakes.
const failureLogInterval = time.Minute

// newHandshakes bounds the connections to a quarter of the files that the
// process may have open, because tasks need the rest.
func newHandshakes(log *slog.Logger, maxFiles uint64) *handshakes {
	return &handshakes{log: log, max: int(min(max(maxFiles/4, 4), 256))}
}

// begin adds a connection, and closes the oldest one if there are too many.
func (h *handshakes) begin(conn net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns = append(h.conns, conn)
	if len(h.conns) > h.max {
		h.closeOldestLocked("too many connections were opened after it")
	}
}

// closeOldest closes the oldest connection, if there is one.
func (h *handshakes) closeOldest(reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closeOldestLocked(reason)
}

func (h *handshakes) closeOldestLocked(reason string) {
	if len(h.conns) == 0 {
		return
	}
	conn := h.conns[0]
	h.conns = h.conns[1:]
	conn.Close()
	h.logFailure(conn, reason)
}

// complete removes a connection whose handshake succeeded.
func (h *handshakes) complete(conn net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remove(conn)
}

// fail removes a connection whose handshake failed with err.
func (h *handshakes) fail(conn net.Conn, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.remove(conn) { // otherwise closeOldest closed and logged it
		h.logFailure(conn, err.Error())
	}
}

func (h *handshakes) remove(conn net.Conn) bool {
	i := slices.Index(h.conns, conn)
	if i >= 0 {
		h.conns = slices.Delete(h.conns, i, i+1)
	}
	return i >= 0
}

// logFailure counts a failed connection, and writes a line to the log unless the
// last one is recent. The line has the number of failures since the last one.
func (h *handshakes) logFailure(conn net.Conn, reason string) {
	h.failed++
	if now := time.Now(); now.Sub(h.logged) >= failureLogInterval {
		h.log.Warn("connection refused: it did not complete Spark's handshake", "from", conn.RemoteAddr().String(), "error", reason, "connections", h.failed)
		h.logged, h.failed = now, 0
	}
}
