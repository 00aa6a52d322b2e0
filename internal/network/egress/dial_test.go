package egress_test

import (
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/firesteel/firesteel/internal/network/egress"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/testkit/slowserver"
)

// accept counts the connections to a port of this machine.
func accept(t *testing.T) (port string, connections *atomic.Int64) {
	t.Helper()
	address, connections := slowserver.Accept(t, func(net.Conn) {})
	_, port, _ = net.SplitHostPort(address)
	return port, connections
}

// The name of an allowed host may not resolve to this machine or to a link-local
// address.
func TestNamesThatLeadInside(t *testing.T) {
	port, connections := accept(t)
	names := map[string][]string{
		"loopback.example": {"127.0.0.1"}, "loopback6.example": {"::1"}, "other-loopback.example": {"127.8.8.8"}, "mapped.example": {"::ffff:127.0.0.1"},
		"any.example": {"0.0.0.0"}, "any6.example": {"::"}, "metadata.example": {"169.254.169.254"}, "link.example": {"fe80::1"}, "multicast.example": {"224.0.0.1"},
		"nat64.example": {"64:ff9b::7f00:1"}, "mixed.example": {"169.254.169.254", "127.0.0.1"}, "me.localhost": {"127.0.0.1"}, "not.localhost": {"192.0.2.1"},
	}
	testkit.Names(t, func(name string) []string { return names[name] })
	dial := func(host string, hosts ...string) error {
		conn, err := egress.Dial(t.Context(), "tcp", net.JoinHostPort(host, port), egress.Policy{Hosts: hosts})
		if err == nil {
			conn.Close()
		}
		return err
	}
	for _, c := range []struct{ host, says string }{
		{"loopback.example", "resolves to 127.0.0.1, this machine"}, {"loopback6.example", "this machine"}, {"other-loopback.example", "127.8.8.8, this machine"},
		{"mapped.example", "this machine"}, {"any.example", "0.0.0.0, this machine"}, {"any6.example", "this machine"}, {"metadata.example", "169.254.169.254, a link-local address"},
		{"link.example", "a link-local address"}, {"multicast.example", "a multicast address"}, {"nat64.example", "64:ff9b::7f00:1, this machine"},
		{"mixed.example", "this machine"}, {"not.localhost", "resolves to another machine, 192.0.2.1"},
	} {
		err := dial(c.host, c.host, "api.example")
		if !errors.Is(err, egress.ErrRefused) || !strings.Contains(err.Error(), c.says) && c.host != "mixed.example" {
			t.Errorf("%s: %v, want %s", c.host, err, c.says)
		}
	}
	if n := connections.Load(); n != 0 {
		t.Fatalf("%d connections were made", n)
	}
	// What is meant.
	for _, hosts := range [][]string{
		{"loopback.example", "127.0.0.1"}, {"loopback.example", "127.0.0.1:" + port}, {"loopback.example", "localhost"}, {"me.localhost"}, {"127.0.0.1"}, {"localhost"}, {"mapped.example", "127.0.0.1"},
	} {
		if err := dial(hosts[0], hosts...); err != nil {
			t.Errorf("%v: %v", hosts, err)
		}
	}
	if err := dial("loopback.example", "loopback.example", "127.0.0.1:1"); !errors.Is(err, egress.ErrRefused) {
		t.Errorf("another port: %v", err)
	}
	// Without a list every address is as good as another.
	conn, err := egress.Dial(t.Context(), "tcp", net.JoinHostPort("loopback.example", port), egress.Policy{})
	if err != nil {
		t.Error(err)
	} else {
		conn.Close()
	}
}

// Each connection is checked for itself: a name server may return another address
// after the first look-up.
func TestRebinding(t *testing.T) {
	port, connections := accept(t)
	var asked atomic.Int64
	testkit.Names(t, func(name string) []string {
		if asked.Add(1) <= 2 { // the first look-up asks for both kinds of address
			return []string{"127.0.0.1"}
		}
		return []string{"169.254.169.254"}
	})
	allowed := egress.Policy{Hosts: []string{"rebinding.example", "127.0.0.1"}}
	for n := range 2 {
		conn, err := egress.Dial(t.Context(), "tcp", net.JoinHostPort("rebinding.example", port), allowed)
		if n == 0 {
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
		} else if !errors.Is(err, egress.ErrRefused) {
			t.Errorf("the second time: %v", err)
		}
	}
	if n := connections.Load(); n > 1 {
		t.Errorf("%d connections", n)
	}
}

// Local only: a name server is not asked, and an address of another machine is
// refused under any name.
func TestLocalOnly(t *testing.T) {
	port, _ := accept(t)
	var asked atomic.Int64
	testkit.Names(t, func(string) []string { asked.Add(1); return []string{"192.0.2.1"} })
	local := egress.Policy{LocalOnly: true}
	for _, host := range []string{"localhost", "LOCALHOST", "127.0.0.1"} {
		conn, err := egress.Dial(t.Context(), "tcp", net.JoinHostPort(host, port), local)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	for _, address := range []string{"10.0.0.1:80", "[2001:db8::1]:80", "0.0.0.0:80", "localhost.example:80", "[fe80::1]:80", "[::ffff:10.0.0.1]:80", "x", "me.localhost:80"} {
		if _, err := egress.Dial(t.Context(), "tcp", address, local); !errors.Is(err, egress.ErrRefused) {
			t.Errorf("%s: %v", address, err)
		}
		// The strictest of several policies holds.
		if _, err := egress.Dial(t.Context(), "tcp", address, egress.Policy{}, local); !errors.Is(err, egress.ErrRefused) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if asked.Load() != 0 {
		t.Errorf("a name server was asked %d times", asked.Load())
	}
}
