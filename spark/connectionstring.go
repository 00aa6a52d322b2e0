package spark

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// This file parses connection strings, in the format of Spark's own clients:
//
//	sc://host[:port][/[;name=value]...]
//
// The default port is 15002. An IPv6 address is written in brackets. The known
// names are use_ssl, token, user_id, user_agent, session_id (a UUID) and the four
// grpc_keepalive_* names. Any other parameter is sent as a header of each call.
// Values are percent-encoded.

const defaultPort = 15002

// authorization is the header with the token.
const authorization = "authorization"

// A gRPC server closes by default the connection of a client that pings more
// often than once in five minutes. Spark before 4.3 keeps this default.
const (
	defaultKeepaliveTime    = 5*time.Minute + 10*time.Second
	defaultKeepaliveTimeout = 20 * time.Second
)

// remote is a parsed connection string.
type remote struct {
	host      string // without brackets
	port      int
	useTLS    bool
	token     string
	userID    string
	namesUser bool // user_id is there, possibly empty
	userAgent string
	sessionID string
	keepalive keepaliveConfig
	headers   map[string]string
}

type keepaliveConfig struct {
	enabled       bool
	time, timeout time.Duration
	withoutCalls  bool
}

func (r *remote) address() string { return net.JoinHostPort(r.host, strconv.Itoa(r.port)) }

// secure reports whether the connection uses TLS: if use_ssl is set, or if a
// token is sent to another machine.
func (r *remote) secure() bool {
	return r.useTLS || (r.token != "" || r.headers[authorization] != "") && !r.loopback()
}

func (r *remote) loopback() bool {
	ip := net.ParseIP(r.host)
	return strings.EqualFold(r.host, "localhost") || ip != nil && ip.IsLoopback()
}

// MasterURLError reports a connection string that is the URL of a cluster's
// master instead of a Spark Connect server.
type MasterURLError struct{ URL string }

func (e *MasterURLError) Error() string {
	return fmt.Sprintf("connection string: %s is the URL of a cluster's master; the URL of a Spark Connect server starts with sc://", e.URL)
}

func parseRemote(s string) (*remote, error) {
	fail := func(format string, args ...any) (*remote, error) {
		return nil, fmt.Errorf("connection string: %s; it looks like sc://host:%d/;use_ssl=true;token=secret",
			fmt.Sprintf(format, args...), defaultPort)
	}
	rest, ok := strings.CutPrefix(s, "sc://")
	if strings.HasPrefix(s, "spark://") {
		return nil, &MasterURLError{URL: s}
	}
	if !ok {
		return fail("it must start with sc://")
	}
	authority, path, _ := strings.Cut(rest, "/")
	if strings.ContainsAny(authority, ";=") {
		return fail("a slash must separate the host and the parameters")
	}
	host, port, err := splitAuthority(authority)
	if err != nil {
		return fail("%v", err)
	}
	r := &remote{
		host: host,
		port: port,
		keepalive: keepaliveConfig{
			enabled: true,
			time:    defaultKeepaliveTime,
			timeout: defaultKeepaliveTimeout,
		},
		headers: map[string]string{},
	}
	if path == "" {
		return r, nil
	}
	parameters, ok := strings.CutPrefix(path, ";")
	if !ok {
		return fail("the path must be empty, and the parameters must follow \"/;\"")
	}
	seen := map[string]bool{}
	if parameters == "" {
		return r, nil
	}
	for p := range strings.SplitSeq(strings.TrimSuffix(parameters, ";"), ";") {
		name, encoded, ok := strings.Cut(p, "=")
		if !ok || name == "" || strings.Contains(encoded, "=") {
			// The message does not quote the parameter, which may be a secret.
			return fail("a parameter does not have the form name=value (write an = in a value as %%3D)")
		}
		value, err := url.PathUnescape(encoded)
		if err != nil {
			return fail("the value of %q has an invalid percent-encoding", name)
		}
		if seen[name] {
			return fail("%q is given twice", name)
		}
		seen[name] = true
		if err := r.set(name, value); err != nil {
			return fail("%v", err)
		}
	}
	return r, nil
}

// splitAuthority reads host, host:port, [IPv6] and [IPv6]:port.
func splitAuthority(s string) (host string, port int, err error) {
	var digits string
	var hasPort bool
	if inner, ok := strings.CutPrefix(s, "["); ok {
		var after string
		host, after, ok = strings.Cut(inner, "]")
		if !ok || net.ParseIP(host) == nil {
			return "", 0, fmt.Errorf("%q is not an IPv6 address in brackets", s)
		}
		digits, hasPort = strings.CutPrefix(after, ":")
		if after != "" && !hasPort {
			return "", 0, fmt.Errorf("only a port may follow an IPv6 address")
		}
	} else {
		host, digits, hasPort = strings.Cut(s, ":")
		if strings.Contains(digits, ":") {
			return "", 0, fmt.Errorf("an IPv6 address must be in brackets, as in sc://[::1]:%d", defaultPort)
		}
	}
	if host == "" {
		return "", 0, fmt.Errorf("the host is missing")
	}
	for _, c := range host {
		if c <= ' ' || c >= 0x7f || strings.ContainsRune(`@?#%\"<>[]{}|^`+"`", c) {
			return "", 0, fmt.Errorf("the host contains %q", c)
		}
	}
	if !hasPort {
		return host, defaultPort, nil
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("the port %q is not a number from 1 to 65535", digits)
	}
	return host, int(n), nil
}

func (r *remote) set(name, value string) error {
	var err error
	switch name {
	case "use_ssl":
		r.useTLS, err = parseBool(name, value)
	case "token":
		if value == "" {
			return fmt.Errorf("the token is empty")
		}
		r.token, err = value, checkHeader(name, value)
	case "user_id":
		r.userID, r.namesUser = value, true
	case "user_agent":
		r.userAgent, err = value, checkHeader(name, value)
	case "session_id":
		if uuid.Validate(value) != nil || len(value) != 36 {
			return fmt.Errorf("session_id %q is not a UUID such as 0b9a7c4e-52d1-4f1c-9a53-5f6f2f6c5d7e", value)
		}
		r.sessionID = value
	case "grpc_keepalive_enabled":
		r.keepalive.enabled, err = parseBool(name, value)
	case "grpc_keepalive_without_calls":
		r.keepalive.withoutCalls, err = parseBool(name, value)
	case "grpc_keepalive_time_ms":
		r.keepalive.time, err = parseMillis(name, value)
	case "grpc_keepalive_timeout_ms":
		r.keepalive.timeout, err = parseMillis(name, value)
	default:
		for _, c := range name {
			if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
				return fmt.Errorf("%q is not a known parameter and not a valid header: a header consists of lower-case letters, digits, '-', '_' and '.'", name)
			}
		}
		if strings.HasPrefix(name, "grpc-") || strings.HasSuffix(name, "-bin") {
			return fmt.Errorf("the header %q is reserved by gRPC", name)
		}
		r.headers[name], err = value, checkHeader(name, value)
	}
	return err
}

func parseBool(name, value string) (bool, error) {
	switch strings.ToLower(value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%s is %q; it must be true or false", name, value)
}

func parseMillis(name, value string) (time.Duration, error) {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%s is %q; it must be a positive number of milliseconds", name, value)
	}
	return time.Duration(n) * time.Millisecond, nil
}

func checkHeader(name, value string) error {
	for i := range len(value) {
		if value[i] < ' ' || value[i] > '~' {
			return fmt.Errorf("the value of %q has a character that is not allowed in a header", name)
		}
	}
	return nil
}
