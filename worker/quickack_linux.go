package worker

import (
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// quickReader gives a reader of a connection that, over TCP, acknowledges at
// once what has come. From 4.0 on Spark leaves Nagle's algorithm on: its small
// writes wait until the one before is acknowledged, which Linux puts off for
// 40 ms where nothing is sent back. Every small task would take that long.
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
	// The system leaves this mode by itself, so each read asks for it again. If
	// it is refused, reading is only slower.
	_ = a.raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
	})
	return a.conn.Read(b)
}
