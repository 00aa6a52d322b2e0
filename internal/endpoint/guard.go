package endpoint

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/firesteel/firesteel/internal/network/egress"
	"github.com/firesteel/firesteel/internal/secret"
)

// errRefused means that the options forbid a connection. The address of each
// connection is checked, so proxies, redirects and name servers cannot lead to
// another host.
var errRefused = egress.ErrRefused

// guard decides which hosts may be connected to.
type guard struct {
	policies  []egress.Policy // of the options and of the process
	localOnly bool
	listed    bool   // a policy lists hosts; otherwise only own and the proxy are allowed
	own       string // host:port of the endpoint
	proxy     func(*http.Request) (*url.URL, error)
	proxyAt   atomic.Pointer[string] // host:port
}

func newGuard(r Reference, o Options) *guard {
	g := &guard{own: withPort(r.base), proxy: o.proxy}
	own := egress.Policy{LocalOnly: o.LocalOnly}
	if len(o.AllowHosts) > 0 {
		own.Hosts = o.AllowHosts
	}
	g.policies = []egress.Policy{own, egress.FromEnvironment()}
	for _, p := range g.policies {
		g.localOnly = g.localOnly || p.LocalOnly
		g.listed = g.listed || p.Hosts != nil
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

// checkHost returns an error if a host, with or without a port, is not allowed.
func (g *guard) checkHost(host string) error {
	for _, p := range g.policies {
		if err := p.Check(host); err != nil {
			return err
		}
	}
	return nil
}

// dial opens a connection to an allowed address.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	proxy := g.proxyAt.Load()
	if !g.listed && !g.localOnly && !strings.EqualFold(address, g.own) && (proxy == nil || !strings.EqualFold(address, *proxy)) {
		return nil, fmt.Errorf("%w: %s is neither the endpoint nor its proxy", errRefused, address)
	}
	return counting(egress.Dial(ctx, network, address, g.policies...))
}

// throughProxy returns the proxy of the environment for r and allows it.
func (g *guard) throughProxy(r *http.Request) (*url.URL, error) {
	proxy, err := g.proxy(r)
	if err != nil || proxy == nil {
		return nil, err
	}
	secret.AddUser(proxy.User)
	at := withPort(proxy)
	g.proxyAt.Store(&at)
	return proxy, nil
}

// client returns a client whose connections all go through the guard. It uses
// HTTP/1.1, so that a connection carries one request at a time and the number of
// bytes written for it is known.
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
	// A redirect would send the text, and perhaps the key, to another host.
	return egress.WithoutRedirects(egress.Client(t))
}

// countedConn counts the bytes written.
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
