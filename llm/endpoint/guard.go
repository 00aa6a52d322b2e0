package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// errRefused is a connection that the options forbid. It fails closed: what is
// asked is the address of each connection itself, so that proxies, redirects
// and name servers cannot lead elsewhere.
var errRefused = errors.New("refused before anything was sent")

// guard decides which hosts may be connected to.
type guard struct {
	localOnly bool
	listed    []string // nil: own and the proxies
	own       string   // host:port of the endpoint
	proxy     func(*http.Request) (*url.URL, error)
	proxyAt   atomic.Pointer[string] // host:port
}

func newGuard(r reference, o Options) *guard {
	g := &guard{localOnly: o.LocalOnly, own: withPort(r.base), proxy: o.proxy}
	for _, h := range o.AllowHosts {
		g.listed = append(g.listed, strings.ToLower(strings.TrimSpace(h)))
	}
	return g
}

func withPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// checkHost refuses a host, with or without a port, by its name.
func (g *guard) checkHost(host string) error {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	if g.localOnly && !loopbackName(name) {
		return fmt.Errorf("%w: local only, but %s is not this machine (localhost, 127.0.0.1 or ::1)", errRefused, name)
	}
	if g.listed == nil {
		return nil
	}
	for _, l := range g.listed {
		if strings.EqualFold(l, name) || strings.EqualFold(strings.Trim(l, "[]"), name) || strings.EqualFold(l, host) {
			return nil
		}
		if h, port, err := net.SplitHostPort(l); err == nil && strings.EqualFold(h, name) && (host == name || strings.HasSuffix(host, ":"+port)) {
			return nil
		}
	}
	return fmt.Errorf("%w: %s is not among the allowed hosts (%s)", errRefused, name, strings.Join(g.listed, ", "))
}

// dial opens a connection to an allowed address.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if err := g.checkHost(address); err != nil {
		return nil, err
	}
	proxy := g.proxyAt.Load()
	if g.listed == nil && !g.localOnly && !strings.EqualFold(address, g.own) && (proxy == nil || !strings.EqualFold(address, *proxy)) {
		return nil, fmt.Errorf("%w: %s is neither the endpoint nor its proxy", errRefused, address)
	}
	d := net.Dialer{Timeout: 20 * time.Second, ControlContext: g.control}
	if !g.localOnly {
		return counting(d.DialContext(ctx, network, address))
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(host, "localhost") {
		return counting(d.DialContext(ctx, network, address))
	}
	// No name server may be asked for localhost either.
	conn, err := d.DialContext(ctx, "tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		if six, err6 := d.DialContext(ctx, "tcp6", net.JoinHostPort("::1", port)); err6 == nil {
			return counting(six, nil)
		}
	}
	return counting(conn, err)
}

// control sees the address that a socket is about to connect to.
func (g *guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	if ip := net.ParseIP(host); g.localOnly && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%w: local only, but %s is another machine", errRefused, host)
	}
	return nil
}

// throughProxy is the environment's proxy for r, which may then be dialled.
func (g *guard) throughProxy(r *http.Request) (*url.URL, error) {
	proxy, err := g.proxy(r)
	if err != nil || proxy == nil {
		return nil, err
	}
	at := withPort(proxy)
	g.proxyAt.Store(&at)
	return proxy, nil
}

// client makes connections through the guard alone. They speak HTTP/1.1, so
// that a connection carries one request at a time and it is known what was
// written of it.
func (g *guard) client(concurrency int) *http.Client {
	t := &http.Transport{
		DialContext:            g.dial,
		MaxIdleConnsPerHost:    concurrency,
		IdleConnTimeout:        30 * time.Second,
		TLSHandshakeTimeout:    20 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
	}
	if !g.localOnly {
		t.Proxy = g.throughProxy
	}
	return &http.Client{
		Transport: t,
		// A redirect would take the text, and perhaps the key, elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// countedConn counts what is written.
type countedConn struct {
	net.Conn
	written atomic.Int64
}

func counting(c net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	return &countedConn{Conn: c}, nil
}

func (c *countedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n))
	return n, err
}
