package testkit

import (
	"bytes"
	"crypto/tls"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy forwards TCP connections to a server, and breaks them when a test asks for it.
type Proxy struct {
	t         testing.TB
	target    string
	settings  *tls.Config
	address   string
	goroutine sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener // nil after Leave
	links    map[*link]bool
	watch    func(sent []byte) bool
}

// NewProxy starts a proxy on 127.0.0.1 that runs until the test ends. If settings
// is not nil, clients connect with TLS, and the proxy connects to the server
// without TLS.
func NewProxy(t testing.TB, target string, settings *tls.Config) *Proxy {
	t.Helper()
	p := &Proxy{t: t, target: target, settings: settings, address: "127.0.0.1:0", links: map[*link]bool{}}
	p.Return()
	t.Cleanup(func() {
		p.Leave()
		p.goroutine.Wait()
	})
	return p
}

// link is a connection of a client and its connection to the server.
type link struct {
	client, server net.Conn
	dropped, mute  bool
}

// Address returns the host and port of the proxy.
func (p *Proxy) Address() string { return p.address }

// Cut closes all connections to clients and to the server. It returns the number
// of connections that clients had.
func (p *Proxy) Cut() int {
	n := p.Drop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.server.Close()
	}
	clear(p.links)
	return n
}

// Drop closes the connections to clients, and leaves those to the server open. It
// returns the number of connections that it closed.
func (p *Proxy) Drop() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for l := range p.links {
		if !l.dropped {
			l.dropped = true
			l.client.Close()
			n++
		}
	}
	return n
}

// Leave closes all connections, and stops listening, so that new ones are refused.
func (p *Proxy) Leave() {
	p.mu.Lock()
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
	p.mu.Unlock()
	p.Cut()
}

// Return listens again after Leave, at the same address.
func (p *Proxy) Return() {
	p.t.Helper()
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.listener, p.address = l, l.Addr().String()
	p.mu.Unlock()
	p.goroutine.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			p.goroutine.Go(func() { p.link(client) })
		}
	})
}

// Mute discards all further bytes of the server on the present connections. They
// stay open. New connections are not affected.
func (p *Proxy) Mute() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.mute = true
	}
}

// OnSent calls f once, when a client has sent text and before the end of that text
// is forwarded. The end is discarded if f returns false.
func (p *Proxy) OnSent(text string, f func() bool) {
	var one sync.Mutex
	var last []byte
	done := false
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watch = func(sent []byte) bool {
		one.Lock()
		defer one.Unlock()
		last = append(last[max(0, len(last)-len(text)):], sent...)
		if done || !bytes.Contains(last, []byte(text)) {
			return true
		}
		done = true
		p.mu.Lock()
		p.watch = nil
		p.mu.Unlock()
		return f()
	}
}

// link serves a connection of a client.
func (p *Proxy) link(client net.Conn) {
	defer client.Close()
	if p.settings != nil {
		client.SetDeadline(time.Now().Add(time.Minute))
		secure := tls.Server(client, p.settings)
		if secure.Handshake() != nil {
			return
		}
		client.SetDeadline(time.Time{})
		client = secure
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	l := &link{client: client, server: server}
	p.mu.Lock()
	if p.listener == nil {
		p.mu.Unlock()
		return
	}
	p.links[l] = true
	p.mu.Unlock()
	p.goroutine.Go(func() {
		p.pass(l, client, server, true)
		if !p.dropped(l) {
			server.Close()
			client.Close()
		}
	})
	p.pass(l, server, client, false)
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

func (p *Proxy) dropped(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return l.dropped
}

// pass copies bytes until one of the connections is closed.
func (p *Proxy) pass(l *link, from, to net.Conn, sent bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && p.forwards(l, buffer[:n], sent) {
			if _, err := to.Write(buffer[:n]); err != nil && !p.dropped(l) {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// forwards reports whether bytes are forwarded.
func (p *Proxy) forwards(l *link, b []byte, sent bool) bool {
	p.mu.Lock()
	watch, mute := p.watch, l.mute
	p.mu.Unlock()
	if sent {
		return watch == nil || watch(b)
	}
	return !mute
}
