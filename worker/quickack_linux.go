package worker

import (
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// quickReader returns a reader of conn that, over TCP, acknowledges received
// data at once. Spark 4.0 and later leave Nagle's algorithm on: a small write
// waits until the one before is acknowledged, and Linux delays the
// acknowledgement by 40 ms if the worker sends nothing. Every small task would
// take that long.
func quickReader(conn net.Conn) io.Reader {
	if tcp, ok := conn.(*net.TCPConn); ok {
		if raw, err := tcp.SyscallConn(); err == nil {
			return acknowledger{tcp, raw}
		}
	}
	return conn
}

type acknowledger struct {
	conn *net.TCPConn
	raw  syscall.RawConn
}

func (a acknowledger) Read(b []byte) (int, error) {
	// The kernel leaves this mode by itself, so each read sets it again. If that
	// fails, reading is only slower.
	_ = a.raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
	})
	return a.conn.Read(b)
}
