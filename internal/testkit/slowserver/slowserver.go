// Package slowserver provides servers for tests that answer slowly or never.
package slowserver

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// Accept listens on loopback until the test ends. It counts the connections,
// calls serve for each, and then closes it.
func Accept(t testing.TB, serve func(net.Conn)) (address string, connections *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	connections = new(atomic.Int64)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return l.Addr().String(), connections
}

// Trickle answers each request with head, and then with piece at the interval
// every until the client closes the connection. If piece is empty, nothing follows
// the head.
func Trickle(t testing.TB, head, piece string, every time.Duration) (address string, connections *atomic.Int64) {
	t.Helper()
	return Accept(t, func(conn net.Conn) {
		// A client that sends no request tests something else.
		if _, err := conn.Read(make([]byte, 4096)); err != nil {
			return
		}
		fmt.Fprint(conn, head)
		for piece != "" {
			if _, err := fmt.Fprint(conn, piece); err != nil {
				return
			}
			time.Sleep(every)
		}
		var b [1]byte
		for {
			if _, err := conn.Read(b[:]); err != nil {
				return
			}
		}
	})
}
