package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func content(n int) []byte {
	b := make([]byte, n)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(b)
	return b
}

func sumOf(b []byte) Sum {
	h := sha256.Sum256(b)
	return SHA256(hex.EncodeToString(h[:]))
}

// origin serves one file, and truncates or delays it as configured.
type origin struct {
	body     []byte
	etag     string
	noRanges bool
	// before may answer a request itself and return true.
	before   func(n int64, w http.ResponseWriter, r *http.Request) bool
	requests atomic.Int64
	resumed  atomic.Int64
	sent     atomic.Int64
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := o.requests.Add(1)
	if o.etag != "" {
		w.Header().Set("ETag", o.etag)
	}
	if o.before != nil && o.before(n, w, r) {
		return
	}
	if o.noRanges {
		r.Header.Del("Range")
	}
	if r.Header.Get("Range") != "" {
		o.resumed.Add(1)
	}
	http.ServeContent(&counting{w, &o.sent}, r, "file", time.Time{}, bytes.NewReader(o.body))
}

type counting struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *counting) Write(b []byte) (int, error) {
	c.n.Add(int64(len(b)))
	return c.ResponseWriter.Write(b)
}

// cutAfter sends the rest of the file up to byte end, then drops the connection.
func (o *origin) cutAfter(w http.ResponseWriter, r *http.Request, end int) {
	start := 0
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &start); err == nil {
		o.resumed.Add(1)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, len(o.body)-1, len(o.body)))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(o.body)-start))
	if start > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	if end > start {
		w.Write(o.body[start:end])
	}
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func serve(t *testing.T, o *origin) string {
	t.Helper()
	server := httptest.NewUnstartedServer(o)
	server.Config.ErrorLog = nil
	server.Start()
	t.Cleanup(server.Close)
	return server.URL + "/dir/file.bin"
}

func quick() *Client {
	return &Client{HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}, Backoff: time.Millisecond, Stall: 5 * time.Second}
}

func wantFile(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%s: %d bytes that differ from the %d served", path, len(got), len(want))
	}
	left, _ := filepath.Glob(path + ".*")
	if len(left) > 0 {
		t.Errorf("files left: %v", left)
	}
}

func TestResumesAfterCuts(t *testing.T) {
	body := content(700_000)
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		o := &origin{body: body}
		if seed%2 == 0 {
			o.etag = `"v1"`
		}
		cuts := int64(1 + random.IntN(6))
		o.before = func(n int64, w http.ResponseWriter, r *http.Request) bool {
			if n > cuts {
				return false
			}
			o.cutAfter(w, r, random.IntN(len(body)))
			return true
		}
		path := filepath.Join(t.TempDir(), "f")
		c := quick()
		c.Tries = 10
		if err := c.Get(t.Context(), Request{URL: serve(t, o), Path: path, Size: int64(len(body)), Sum: sumOf(body)}); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		wantFile(t, path, body)
	}
}

func TestResumesAcrossProcesses(t *testing.T) {
	body := content(300_000)
	for _, test := range []struct {
		name    string
		o       *origin
		sum     Sum
		tag     string
		part    []byte
		resumed bool
	}{
		{"by checksum", &origin{body: body}, sumOf(body), "", body[:100_000], true},
		{"by validator", &origin{body: body, etag: `"v1"`}, Sum{}, `"v1"`, body[:100_000], true},
		{"nothing to compare by", &origin{body: body}, Sum{}, "", content(10), false},
		{"changed since", &origin{body: body, etag: `"v2"`}, Sum{}, `"v1"`, bytes.Repeat([]byte{7}, 1000), true},
		{"part of another file", &origin{body: body}, sumOf(body), "", bytes.Repeat([]byte{7}, 1000), true},
		{"part too long", &origin{body: body}, sumOf(body), "", content(400_000), false},
		{"no ranges", &origin{body: body, noRanges: true}, sumOf(body), "", body[:100_000], false},
		{"whole already", &origin{body: body}, sumOf(body), "", body, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(path+".part", test.part, 0o644); err != nil {
				t.Fatal(err)
			}
			if test.tag != "" {
				if err := os.WriteFile(path+".part.tag", []byte(test.tag), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			o := test.o
			if err := quick().Get(t.Context(), Request{URL: serve(t, o), Path: path, Size: int64(len(body)), Sum: test.sum}); err != nil {
				t.Fatal(err)
			}
			wantFile(t, path, body)
			if (o.resumed.Load() > 0) != test.resumed {
				t.Errorf("%d requests asked for a range", o.resumed.Load())
			}
			if test.name == "by checksum" && o.sent.Load() != 200_000 {
				t.Errorf("%d bytes were sent again, 200000 were missing", o.sent.Load())
			}
		})
	}
}

func TestRetries(t *testing.T) {
	body := content(1000)
	for _, code := range []int{429, 500, 502, 503, 504} {
		o := &origin{body: body, before: func(n int64, w http.ResponseWriter, r *http.Request) bool {
			if n <= 2 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(code)
			}
			return n <= 2
		}}
		path := filepath.Join(t.TempDir(), "f")
		if err := quick().Get(t.Context(), Request{URL: serve(t, o), Path: path, Sum: sumOf(body)}); err != nil {
			t.Fatalf("%d: %v", code, err)
		}
		wantFile(t, path, body)
	}
}

func TestGivesUp(t *testing.T) {
	body := content(1000)
	for _, test := range []struct {
		name     string
		answer   func(w http.ResponseWriter)
		requests int64
		want     string
	}{
		{"always 503", func(w http.ResponseWriter) { w.WriteHeader(503) }, 5, "try again later"},
		{"404", func(w http.ResponseWriter) { w.WriteHeader(404) }, 1, "answered 404"},
		{"401", func(w http.ResponseWriter) { w.WriteHeader(401) }, 1, "credentials"},
		{"other size", func(w http.ResponseWriter) { w.Write(body[:10]) }, 1, "expected 1000"},
		{"other content", func(w http.ResponseWriter) { w.Write(bytes.ToUpper(make([]byte, 1000))) }, 1, "wrong content: sha256"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := &origin{body: body, before: func(n int64, w http.ResponseWriter, r *http.Request) bool { test.answer(w); return true }}
			address := serve(t, o)
			secret := strings.Replace(address, "http://", "http://user:secret@", 1) + "?token=secret"
			path := filepath.Join(t.TempDir(), "f")
			err := quick().Get(t.Context(), Request{URL: secret, Path: path, Size: 1000, Sum: sumOf(body)})
			var failed *Error
			if !errors.As(err, &failed) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error: %v", err)
			}
			if strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), path) {
				t.Errorf("error must name address and path, and no secret: %v", err)
			}
			if n := o.requests.Load(); n != test.requests {
				t.Errorf("%d requests, expected %d", n, test.requests)
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("a wrong file got its name")
			}
		})
	}
}

func TestStall(t *testing.T) {
	body := content(1000)
	o := &origin{body: body, before: func(n int64, w http.ResponseWriter, r *http.Request) bool {
		if n > 1 {
			return false
		}
		w.Header().Set("Content-Length", "1000")
		w.Write(body[:400])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return true
	}}
	c := quick()
	c.Stall = 100 * time.Millisecond
	path := filepath.Join(t.TempDir(), "f")
	if err := c.Get(t.Context(), Request{URL: serve(t, o), Path: path, Sum: sumOf(body)}); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, body)
	if o.resumed.Load() != 1 {
		t.Error("the stalled download was not resumed")
	}
}

func TestCancelKeepsPart(t *testing.T) {
	body := content(1000)
	ctx, cancel := context.WithCancel(t.Context())
	o := &origin{body: body, before: func(n int64, w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Length", "1000")
		w.Write(body[:400])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return true
	}}
	c := quick()
	c.Progress = stepper(func(done int64) {
		if done == 400 {
			cancel()
		}
	})
	path := filepath.Join(t.TempDir(), "f")
	if err := c.Get(ctx, Request{URL: serve(t, o), Path: path, Sum: sumOf(body)}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if part, err := os.ReadFile(path + ".part"); err != nil || !bytes.Equal(part, body[:400]) {
		t.Errorf("part: %d bytes, %v", len(part), err)
	}
}

type stepper func(done int64)

func (s stepper) Step(_ string, done, _ int64) { s(done) }
func (s stepper) End(string)                   {}
func (s stepper) Notice(string)                {}

func TestPresentFile(t *testing.T) {
	body := content(1000)
	o := &origin{body: body}
	r := Request{URL: serve(t, o), Path: filepath.Join(t.TempDir(), "f"), Sum: sumOf(body)}
	for i, there := range [][]byte{body, []byte("something else")} {
		if err := os.WriteFile(r.Path, there, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := quick().Get(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		wantFile(t, r.Path, body)
		if n := o.requests.Load(); n != int64(i) {
			t.Errorf("%d requests after case %d", n, i)
		}
	}
}

func TestNoSpace(t *testing.T) {
	o := &origin{body: content(10)}
	path := filepath.Join(t.TempDir(), "f")
	err := quick().Get(t.Context(), Request{URL: serve(t, o), Path: path, Size: 1 << 60})
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), filepath.Dir(path)) || !strings.Contains(err.Error(), "1152921504606846976") {
		t.Errorf("error: %v", err)
	}
	if o.requests.Load() != 0 {
		t.Error("asked the server although the disk is full")
	}
}

func TestDocument(t *testing.T) {
	o := &origin{body: []byte("page"), before: func(n int64, w http.ResponseWriter, r *http.Request) bool {
		if n == 1 {
			w.WriteHeader(502)
		}
		return n == 1
	}}
	address := serve(t, o)
	body, _, err := quick().Document(t.Context(), address, nil, 4)
	if err != nil || string(body) != "page" {
		t.Errorf("%q, %v", body, err)
	}
	if _, _, err := quick().Document(t.Context(), address, nil, 3); err == nil || !strings.Contains(err.Error(), "longer than 3") {
		t.Errorf("limit: %v", err)
	}
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, _, err = quick().Document(t.Context(), strings.Replace(server.URL, "http://", "http://u:secret@", 1), nil, 3)
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "HTTPS_PROXY") {
		t.Errorf("refused connection: %v", err)
	}
}

func TestContentRange(t *testing.T) {
	for s, want := range map[string][2]int64{"bytes 5-9/10": {5, 10}, "bytes 0-0/*": {0, 0}} {
		start, total, err := contentRange(s)
		if err != nil || start != want[0] || total != want[1] {
			t.Errorf("%q: %d, %d, %v", s, start, total, err)
		}
	}
	for _, s := range []string{"", "bytes", "bytes 5-9", "bytes 9-5/10", "bytes -1-5/10", "bytes 5-9/9", "bytes 5-9/x", "items 5-9/10"} {
		if _, _, err := contentRange(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "61": maxPause, "Fri, 02 Jan 2026 03:04:00 GMT": 0} {
		if got := newStatusError(&http.Response{Header: http.Header{"Retry-After": {value}}}).RetryAfter; got != want {
			t.Errorf("%q: %v, expected %v", value, got, want)
		}
	}
}

func TestHeaderAndCredentials(t *testing.T) {
	var got http.Header
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		io.WriteString(w, "x")
	}))
	defer other.Close()
	hub := httptest.NewServer(http.RedirectHandler(strings.Replace(other.URL, "127.0.0.1", "localhost", 1), http.StatusFound))
	defer hub.Close()
	r := Request{URL: hub.URL, Path: filepath.Join(t.TempDir(), "f"), Header: http.Header{"Authorization": {"Bearer secret"}}}
	if err := quick().Get(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got.Get("Authorization") != "" {
		t.Error("the token was sent to another host")
	}
}

// A file that is larger than the limit is refused, whether the server states its size or not.
func TestLimit(t *testing.T) {
	for _, chunked := range []bool{false, true} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if chunked {
				w.(http.Flusher).Flush()
			}
			w.Write(content(1001))
		}))
		defer server.Close()
		path := filepath.Join(t.TempDir(), "file")
		c := &Client{Tries: 2, Backoff: time.Millisecond}
		if err := c.Get(t.Context(), Request{URL: server.URL, Path: path, Limit: 1000}); err == nil || !strings.Contains(err.Error(), "larger than the limit") {
			t.Errorf("chunked %v: %v", chunked, err)
		}
		if err := c.Get(t.Context(), Request{URL: server.URL, Path: path, Limit: 1001}); err != nil {
			t.Errorf("chunked %v: %v", chunked, err)
		}
	}
}
