package worker

import (
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"
)

// unproven are the connections that have not shown that they are Spark's: by
// the secret, or on a Unix socket, which has none, by the beginning of a task.
// Anybody on this machine may open them, so that they are few at a time: a new
// one ends the oldest. Spark's own are not among them for long.
type unproven struct {
	log  *slog.Logger
	most int

	mu    sync.Mutex
	conns []net.Conn // the oldest first
	ended int        // that proved nothing, since they were last told
	told  time.Time
}

// toldEvery is how often the log has a line about connections that were ended.
const toldEvery = time.Minute

// newUnproven bounds them by the files that this process may have open, of
// which tasks need most.
func newUnproven(log *slog.Logger, files uint64) *unproven {
	return &unproven{log: log, most: int(min(max(files/4, 4), 256))}
}

// add takes a connection in.
func (u *unproven) add(conn net.Conn) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.conns = append(u.conns, conn)
	if len(u.conns) > u.most {
		u.endOldest("others came after it")
	}
}

// makeRoom ends the oldest, if there is one.
func (u *unproven) makeRoom(why error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.endOldest(why.Error())
}

// endOldest is called with the lock held.
func (u *unproven) endOldest(why string) {
	if len(u.conns) == 0 {
		return
	}
	conn := u.conns[0]
	u.conns = u.conns[1:]
	conn.Close()
	u.note(conn, why)
}

// prove lets a connection out.
func (u *unproven) prove(conn net.Conn) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.remove(conn)
}

// giveUp notes that a connection has ended; err says why.
func (u *unproven) giveUp(conn net.Conn, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.remove(conn) { // otherwise it was ended here, and is noted
		u.note(conn, err.Error())
	}
}

func (u *unproven) remove(conn net.Conn) bool {
	i := slices.Index(u.conns, conn)
	if i >= 0 {
		u.conns = slices.Delete(u.conns, i, i+1)
	}
	return i >= 0
}

// note counts a connection that has ended, and tells of it and of those before
// it unless the log was told a short while ago.
func (u *unproven) note(conn net.Conn, why string) {
	u.ended++
	if now := time.Now(); now.Sub(u.told) >= toldEvery {
		u.log.Warn("connection refused: it did not show that it is Spark's", "from", conn.RemoteAddr().String(), "error", why, "connections", u.ended)
		u.told, u.ended = now, 0
	}
}
