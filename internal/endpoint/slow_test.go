package endpoint

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/testkit/slowserver"
)

// TestSlowServersAreBounded checks that, however slow the server, an attempt ends
// after AttemptTimeout, all attempts of a row after Timeout, and a job soon after
// the breaker has opened.
func TestSlowServersAreBounded(t *testing.T) {
	const attempt = 60 * time.Millisecond
	for name, server := range map[string]struct{ scheme, head, piece string }{
		"silent":              {"http", "", ""},
		"no handshake":        {"https", "", ""},
		"slow handshake":      {"https", "\x16", "\x03"},
		"header byte by byte": {"http", "HTTP/1.1 200 OK\r\nX: ", "x"},
		"headers without end": {"http", "HTTP/1.1 200 OK\r\n", "X: y\r\n"},
		"early hints":         {"http", "", "HTTP/1.1 103 Early Hints\r\n\r\n"},
		"silent body":         {"http", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", ""},
		"body byte by byte":   {"http", "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{", " "},
		"chunks":              {"http", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n"},
		"a refusal's body":    {"http", "HTTP/1.1 500 Oops\r\nContent-Length: 1000000\r\n\r\n{", " "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, connections := slowserver.Trickle(t, server.head, server.piece, 5*time.Millisecond)
			e, err := Open("openai:m@"+server.scheme+"://"+address+"/v1?key=none", Options{
				AttemptTimeout: attempt, Timeout: 4 * attempt, Attempts: 3, BreakerFailures: 4, BreakerPause: time.Millisecond, minute: 60 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			results := do(t, e, chats(40)...)
			for i, r := range results {
				if r.Err == nil {
					t.Errorf("row %d was answered: %q", i, r.Text)
				}
			}
			// Rows times attempts are 120, if nothing held them back.
			if n := connections.Load(); n > 40 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// TestTroubleWithoutEnd checks that rows end in time if a server refuses all
// requests or requires a pause of a day.
func TestTroubleWithoutEnd(t *testing.T) {
	for _, test := range []struct {
		status int
		after  string
	}{{500, ""}, {503, ""}, {529, ""}, {503, "86400"}, {429, "86400"}, {429, "Fri, 31 Dec 9999 23:59:59 GMT"}, {503, "1e300"}} {
		s := newServer(t)
		s.serve = func(w http.ResponseWriter, a asked) {
			if test.after != "" {
				w.Header().Set("Retry-After", test.after)
			}
			refuse(w, test.status, "not now")
		}
		e := s.open(t, Options{Timeout: 20 * time.Second, Attempts: 3, BreakerFailures: 6, BreakerPause: time.Millisecond, MaxConcurrency: 2})
		results := do(t, e, chats(200)...)
		for i, r := range results {
			if r.Err == nil || test.after == "" && status(r.Err) != test.status {
				t.Fatalf("%d %s: row %d: %v", test.status, test.after, i, r.Err)
			}
		}
		last := results[len(results)-1].Err
		if test.after != "" && (!strings.Contains(last.Error(), "the server requires a pause of") || len(s.arrived) > 4) {
			t.Errorf("%d %s: %v after %d requests", test.status, test.after, last, len(s.arrived))
		}
		// Rows times attempts are 600; a slow machine makes more of the breaker's pauses.
		if len(s.arrived) > 100 {
			t.Errorf("%d %s: %d requests", test.status, test.after, len(s.arrived))
		}
	}
}

// What a server says of its limits is a hint: an absurd one holds nothing up.
func TestAbsurdHints(t *testing.T) {
	s := newServer(t)
	s.serve = func(w http.ResponseWriter, a asked) {
		w.Header().Set("x-ratelimit-remaining-requests", "0")
		w.Header().Set("x-ratelimit-reset-requests", "8760h")
		w.Header().Set("x-ratelimit-remaining-tokens", "0")
		w.Header().Set("x-ratelimit-reset-tokens", "1e300")
		s.good(w, a, "fine")
	}
	for i, r := range do(t, s.open(t, Options{Timeout: time.Second}), chats(10)...) {
		if r.Err != nil {
			t.Errorf("row %d: %v", i, r.Err)
		}
	}
}
