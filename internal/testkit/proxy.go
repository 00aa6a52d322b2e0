package testkit

import (
	"bytes"
	"crypto/tls"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy passes TCP connections on to a server, and breaks them to order.
type Proxy struct {
	t         testing.TB
	target    string
	settings  *tls.Config
	address   string
	goroutine sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener // nil while away
	links    map[*link]bool
	watch    func(sent []byte) bool
}

// NewProxy stands before a server on 127.0.0.1 for the length of a test. With
// TLS settings its clients speak TLS with it; the server does not.
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

// link is one connection of a client, and the one to the server that it has.
type link struct {
	client, server net.Conn
	dropped, mute  bool
}

// Address is where clients connect.
func (p *Proxy) Address() string { return p.address }

// Cut ends all connections at both ends, and says how many there were that
// clients know of.
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

// Drop ends the clients' connections behind the server's back, which sees its
// own stay open, and says how many there were.
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

// Leave cuts all connections and has new ones refused.
func (p *Proxy) Leave() {
	p.mu.Lock()
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
	p.mu.Unlock()
	p.Cut()
}

// Return undoes Leave.
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

// Mute has all that the server says vanish from now on, on the connections
// that there are. They stay open, and new ones are as ever.
func (p *Proxy) Mute() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.mute = true
	}
}

// OnSent has f called once when a client has sent text, the end of which is
// still held back from the server. That vanishes if f reports false.
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

// pass copies until either end is closed.
func (p *Proxy) pass(l *link, from, to net.Conn, sent bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && p.lets(l, buffer[:n], sent) {
			if _, err := to.Write(buffer[:n]); err != nil && !p.dropped(l) {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// lets reports whether bytes go on to the other end.
func (p *Proxy) lets(l *link, b []byte, sent bool) bool {
	p.mu.Lock()
	watch, mute := p.watch, l.mute
	p.mu.Unlock()
	if sent {
		return watch == nil || watch(b)
	}
	return !mute
}
