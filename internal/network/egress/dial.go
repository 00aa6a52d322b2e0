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

// dialTimeout is the time limit for connecting to a name with all its addresses.
const dialTimeout = 20 * time.Second

// Dial connects to host:port if all policies allow it. It checks the name before
// it asks DNS, and each address before it connects to it.
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
	// DNS is not asked for localhost.
	conn, err := d.DialContext(ctx, "tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		if six, err6 := d.DialContext(ctx, "tcp6", net.JoinHostPort("::1", port)); err6 == nil {
			return six, nil
		}
	}
	return conn, err
}

// checkAddress returns ErrRefused if a socket for host must not connect to
// address (IP:port). The name of an allowed host may resolve to this machine or
// to a link-local address, where clouds serve credentials; such an address must
// be allowed itself.
func (p Policy) checkAddress(host, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q is not an IP address with a port", ErrRefused, address)
	}
	ip := inner(at.Addr())
	if p.LocalOnly && !ip.IsLoopback() {
		return fmt.Errorf("%w: local only, but %s is another machine", ErrRefused, at.Addr())
	}
	if p.Hosts == nil {
		return nil
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return nil // Check has compared the address itself
	}
	local := strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(strings.TrimSuffix(host, ".")), ".localhost")
	if local && !ip.IsLoopback() {
		return fmt.Errorf("%w: the name %s resolves to another machine, %s", ErrRefused, host, at.Addr())
	}
	what := special(ip)
	if local || what == "" || p.Check(net.JoinHostPort(ip.String(), fmt.Sprint(at.Port()))) == nil ||
		ip.IsLoopback() && p.Check(net.JoinHostPort("localhost", fmt.Sprint(at.Port()))) == nil {
		return nil
	}
	return fmt.Errorf("%w: %s is an allowed host, but its name resolves to %s, %s; to connect anyway, allow that address too", ErrRefused, host, at.Addr(), what)
}

// nat64 is the prefix of IPv6 addresses that stand for IPv4 addresses (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// inner returns the IPv4 address that an IPv6 address stands for, or ip itself.
func inner(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if nat64.Contains(ip) {
		bytes := ip.As16()
		return netip.AddrFrom4([4]byte(bytes[12:]))
	}
	return ip
}

// special describes an address to which the name of another machine should not
// resolve. It returns "" for all other addresses, including private ones.
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
