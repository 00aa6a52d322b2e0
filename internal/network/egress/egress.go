// Package egress decides which hosts this process may connect to and which
// headers follow a redirect. It creates all HTTP clients of this module, which a
// test of internal/lint checks.
//
// A host is checked by name before DNS is asked, and by address before a
// connection is made. Redirects are checked in the same way.
package egress

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
)

// Environment variables that set the policy of a process and its children. Any
// value of LocalOnlyVariable except 0 and false sets it.
const (
	LocalOnlyVariable  = "FIRESTEEL_LOCAL_ONLY"
	AllowHostsVariable = "FIRESTEEL_ALLOW_HOSTS" // separated by commas
)

// ErrRefused reports a connection that the policy forbids.
var ErrRefused = errors.New("refused before anything was sent")

// Policy is a set of allowed hosts. The zero value allows all hosts.
type Policy struct {
	// LocalOnly allows only loopback addresses.
	LocalOnly bool
	// Hosts, if not nil, are the only hosts that are allowed: names or
	// addresses, optionally with ":port" to allow one port only.
	Hosts []string
}

// FromEnvironment returns the policy of this process.
func FromEnvironment() Policy {
	var p Policy
	switch strings.ToLower(strings.TrimSpace(os.Getenv(LocalOnlyVariable))) {
	case "", "0", "false":
	default:
		p.LocalOnly = true
	}
	for _, h := range strings.Split(os.Getenv(AllowHostsVariable), ",") {
		if h = strings.TrimSpace(h); h != "" {
			p.Hosts = append(p.Hosts, h)
		}
	}
	return p
}

// Check returns ErrRefused for a host, with or without a port, whose name is not
// allowed.
func (p Policy) Check(host string) error {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	if p.LocalOnly && !Loopback(name) {
		return fmt.Errorf("%w: local only, but %s is not this machine (localhost, 127.0.0.1 or ::1)", ErrRefused, name)
	}
	if p.Hosts == nil {
		return nil
	}
	for _, l := range p.Hosts {
		l = strings.TrimSpace(l)
		if strings.EqualFold(l, name) || strings.EqualFold(strings.Trim(l, "[]"), name) || strings.EqualFold(l, host) {
			return nil
		}
		if h, port, err := net.SplitHostPort(l); err == nil && strings.EqualFold(h, name) && (host == name || strings.HasSuffix(host, ":"+port)) {
			return nil
		}
	}
	return fmt.Errorf("%w: %s is not among the allowed hosts (%s)", ErrRefused, name, strings.Join(p.Hosts, ", "))
}

// Loopback reports whether host is localhost or a loopback address. It does not
// ask DNS.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}
