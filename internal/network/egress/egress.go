// Package egress says which other machines this process may connect to, and
// what its HTTP requests may carry to where they are redirected. All HTTP
// clients of this module are made here (internal/lint has a test of that).
//
// It fails closed: a host is refused by its name before a name server is asked,
// and by its address before a connection is made, so that neither a redirect
// nor a name leads elsewhere.
package egress

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
)

// The variables that hold for a whole process and what it starts. Any value of
// LocalOnlyVariable but 0 and false counts.
const (
	LocalOnlyVariable  = "FIRESTEEL_LOCAL_ONLY"
	AllowHostsVariable = "FIRESTEEL_ALLOW_HOSTS" // separated by commas
)

// ErrRefused is a connection that the policy forbids.
var ErrRefused = errors.New("refused before anything was sent")

// Policy allows hosts; the zero value allows all.
type Policy struct {
	// LocalOnly allows this machine's loopback addresses alone.
	LocalOnly bool
	// Hosts, if not nil, are all that are allowed: names or addresses, each
	// with ":port" for that port only.
	Hosts []string
}

// FromEnvironment is this process's policy.
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

// Check refuses a host, with or without a port, by its name.
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

// Loopback tells names that mean this machine without any look-up.
func Loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}
