package egress

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// dialTimeout bounds one attempt to connect, with all addresses of a name.
const dialTimeout = 20 * time.Second

// Dial opens a connection to host:port if all policies allow it: by the name,
// before anything is asked, and by each address that the name leads to, before
// a connection to it is begun.
func Dial(ctx context.Context, network, address string, policies ...Policy) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	local := false
	for _, p := range policies {
		if err := p.Check(address); err != nil {
			return nil, err
		}
		local = local || p.LocalOnly
	}
	d := net.Dialer{Timeout: dialTimeout, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		for _, p := range policies {
			if err := p.checkAddress(host, address); err != nil {
				return err
			}
		}
		return nil
	}}
	if !local || !strings.EqualFold(host, "localhost") {
		return d.DialContext(ctx, network, address)
	}
	// No name server may be asked for localhost either.
	conn, err := d.DialContext(ctx, "tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		if six, err6 := d.DialContext(ctx, "tcp6", net.JoinHostPort("::1", port)); err6 == nil {
			return six, nil
		}
	}
	return conn, err
}

// checkAddress refuses the address, with its port, that a socket for host is
// about to connect to. A host that Check allows by its name is not yet one that
// may lead to this machine, or to a link-local address, where clouds keep
// credentials: such an address must be allowed itself.
func (p Policy) checkAddress(host, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q is no address", ErrRefused, address)
	}
	ip := inner(at.Addr())
	if p.LocalOnly && !ip.IsLoopback() {
		return fmt.Errorf("%w: local only, but %s is another machine", ErrRefused, at.Addr())
	}
	if p.Hosts == nil {
		return nil
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return nil // listed as it is
	}
	local := strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(strings.TrimSuffix(host, ".")), ".localhost")
	if local && !ip.IsLoopback() {
		return fmt.Errorf("%w: the name %s leads to another machine, %s", ErrRefused, host, at.Addr())
	}
	what := special(ip)
	if local || what == "" || p.Check(net.JoinHostPort(ip.String(), fmt.Sprint(at.Port()))) == nil ||
		ip.IsLoopback() && p.Check(net.JoinHostPort("localhost", fmt.Sprint(at.Port()))) == nil {
		return nil
	}
	return fmt.Errorf("%w: %s is among the allowed hosts, but its name leads to %s, %s; allow that address too, if it is meant", ErrRefused, host, at.Addr(), what)
}

// nat64 are the addresses by which IPv6 networks reach IPv4 ones (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// inner is the IPv4 address that an IPv6 one stands for, or else ip itself.
func inner(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if nat64.Contains(ip) {
		bytes := ip.As16()
		return netip.AddrFrom4([4]byte(bytes[12:]))
	}
	return ip
}

// special says what is special about addresses that the name of another
// machine has no reason to lead to; empty for all others, private ones too.
func special(ip netip.Addr) string {
	switch {
	case ip.IsLoopback(), ip.IsUnspecified():
		return "this machine"
	case ip.IsLinkLocalUnicast():
		return "a link-local address"
	case ip.IsMulticast():
		return "a multicast address"
	}
	return ""
}
