package fetch

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/testkit/slowserver"
)

// A server that sends nothing, or almost nothing, does not block, neither in the
// headers nor in the body.
func TestSlowServers(t *testing.T) {
	const stall = 60 * time.Millisecond
	for name, server := range map[string]struct{ head, each string }{
		"silent":              {"", ""},
		"header byte by byte": {"HTTP/1.1 200 OK\r\nX: ", "x"},
		"headers without end": {"HTTP/1.1 200 OK\r\n", "X: y\r\n"},
		"early hints":         {"", "HTTP/1.1 103 Early Hints\r\n\r\n"},
		"silent body":         {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", ""},
		"body byte by byte":   {"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "x"},
		"chunks":              {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, connections := slowserver.Trickle(t, server.head, server.each, stall/6)
			address = "http://" + address
			c := &Client{HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, Stall: stall, Tries: 2, Backoff: time.Millisecond}
			if _, _, err := c.Document(t.Context(), address, nil, 1<<20); err == nil {
				t.Error("a document came")
			}
			if n := connections.Swap(0); n != 2 {
				t.Errorf("a document was asked for %d times", n)
			}
			if _, err := c.Head(t.Context(), address, nil); err == nil && server.head == "" {
				t.Error("a header came")
			}
			if strings.HasPrefix(name, "body") || name == "chunks" {
				return // each attempt brings a little: see below
			}
			if err := c.Get(t.Context(), Request{URL: address, Path: filepath.Join(t.TempDir(), "f")}); err == nil || !strings.Contains(err.Error(), "the server sent less than 15 bytes in 60ms") {
				t.Error(err)
			}
		})
	}
}

// A download that arrives byte by byte ends after a limited number of attempts,
// and a slow one is resumed.
func TestDrippingDownload(t *testing.T) {
	const stall = 20 * time.Millisecond
	address, connections := slowserver.Trickle(t, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "x", stall/2)
	address = "http://" + address
	c := &Client{HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, Stall: stall, Tries: 2, Backoff: time.Millisecond}
	err := c.Get(t.Context(), Request{URL: address, Path: filepath.Join(t.TempDir(), "f")})
	if err == nil || connections.Load() > maxTries {
		t.Errorf("%v after %d attempts", err, connections.Load())
	}
	body := content(3000)
	o := &origin{body: body, before: func(n int64, w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		for at := 0; at < len(body); at += 300 {
			w.Write(body[at : at+300])
			w.(http.Flusher).Flush()
			time.Sleep(5 * time.Millisecond)
		}
		return true
	}}
	c.Stall = time.Second
	path := filepath.Join(t.TempDir(), "f")
	if err := c.Get(t.Context(), Request{URL: serve(t, o), Path: path, Sum: sumOf(body)}); err != nil || o.requests.Load() != 1 {
		t.Errorf("%v after %d requests", err, o.requests.Load())
	}
	wantFile(t, path, body)
}

// A server that always fails is asked a limited number of times, with pauses of
// at most a minute.
func TestTroubleWithoutEnd(t *testing.T) {
	for _, status := range []int{500, 502, 503, 504, 429, 408, 599} {
		var asked atomic.Int64
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			w.WriteHeader(status)
		}))
		c := &Client{Tries: 3, Backoff: time.Millisecond}
		for _, get := range []func() error{
			func() error { _, _, err := c.Document(t.Context(), s.URL, nil, 10); return err },
			func() error { _, err := c.Head(t.Context(), s.URL, nil); return err },
			func() error {
				return c.Get(t.Context(), Request{URL: s.URL, Path: filepath.Join(t.TempDir(), "f")})
			},
		} {
			asked.Store(0)
			if err := get(); Status(err) != status || asked.Load() != 3 {
				t.Errorf("%v after %d requests", err, asked.Load())
			}
		}
		s.Close()
	}
	wait := newStatusError(&http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {"86400"}}}).RetryAfter
	if wait != maxPause {
		t.Errorf("a wait of %v", wait)
	}
}
