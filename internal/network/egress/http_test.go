package egress_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/firesteel/firesteel/internal/network/egress"
)

// origin sends /to to the address of its query, and keeps the headers of what
// arrives at /end.
type origin struct {
	*httptest.Server
	mu   sync.Mutex
	seen []http.Header
	body string
}

func newOrigin(t *testing.T, encrypted bool) *origin {
	o := &origin{}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/to" {
			w.Header().Set("Location", r.URL.Query().Get("to"))
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		body, _ := io.ReadAll(r.Body)
		o.mu.Lock()
		defer o.mu.Unlock()
		o.seen, o.body = append(o.seen, r.Header.Clone()), string(body)
	})
	if encrypted {
		o.Server = httptest.NewTLSServer(handler)
	} else {
		o.Server = httptest.NewServer(handler)
	}
	t.Cleanup(o.Close)
	return o
}

// through returns the URL of o that redirects to another URL.
func (o *origin) through(to string) string { return o.URL + "/to?to=" + url.QueryEscape(to) }

func (o *origin) last(t *testing.T) http.Header {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.seen) == 0 {
		return nil
	}
	h := o.seen[len(o.seen)-1]
	o.seen = nil
	return h
}

var credentials = []string{"Authorization", "Cookie", "X-Api-Key", "Api-Key", "Private-Token", "Proxy-Authorization", "Www-Authenticate"}

func TestRedirects(t *testing.T) {
	plain, otherPlain, secure, otherSecure := newOrigin(t, false), newOrigin(t, false), newOrigin(t, true), newOrigin(t, true)
	client := egress.Client(&http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}})
	named := func(o *origin) string { return strings.Replace(o.URL, "127.0.0.1", "localhost", 1) }
	for _, c := range []struct {
		name    string
		address string
		arrives *origin // nil where the redirect is refused
		keeps   bool
		says    string
	}{
		{"no redirect", secure.URL + "/end", secure, true, ""},
		{"same origin", secure.through("/end"), secure, true, ""},
		{"same origin, in full", secure.through(secure.URL + "/end"), secure, true, ""},
		{"same origin, unencrypted", plain.through(plain.URL + "/end"), plain, true, ""},
		{"another port", secure.through(otherSecure.URL + "/end"), otherSecure, false, ""},
		{"another port, unencrypted", plain.through(otherPlain.URL + "/end"), otherPlain, false, ""},
		{"another host", secure.through(named(secure) + "/end"), secure, false, ""},
		{"to https", plain.through(secure.URL + "/end"), secure, false, ""},
		{"there and back", secure.through(otherSecure.through(secure.URL + "/end")), secure, false, ""},
		{"with credentials of the server's own", secure.through(strings.Replace(otherSecure.URL, "https://", "https://a:b@", 1) + "/end"), otherSecure, true, ""},
		{"to http", secure.through(plain.URL + "/end"), nil, false, "from https to http"},
		{"to http, at last", plain.through(secure.through(plain.URL + "/end")), nil, false, "from https to http"},
	} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, c.address, nil)
		request.Header.Set("Accept", "x/y")
		request.Header.Set("Range", "bytes=1-")
		for _, name := range credentials {
			request.Header.Set(name, "Basic sesame")
		}
		response, err := client.Do(request)
		if err == nil {
			response.Body.Close()
		}
		if c.arrives == nil {
			for _, o := range []*origin{plain, otherPlain, secure, otherSecure} {
				if h := o.last(t); h != nil {
					t.Errorf("%s: it arrived: %v", c.name, h)
				}
			}
			if !errors.Is(err, egress.ErrRedirect) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		h := c.arrives.last(t)
		if err != nil || h == nil || h.Get("Accept") != "x/y" || h.Get("Range") != "bytes=1-" || h.Get("Referer") != "" {
			t.Errorf("%s: %v, %v", c.name, h, err)
		}
		for _, name := range credentials {
			want := ""
			if c.keeps && (c.name != "with credentials of the server's own") {
				want = "Basic sesame"
			} else if c.keeps && name == "Authorization" {
				want = "Basic YTpi"
			}
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", c.name, name, h.Get(name), want)
			}
		}
	}
}

// A body is not sent to another server.
func TestRedirectedBody(t *testing.T) {
	a, b := newOrigin(t, false), newOrigin(t, false)
	client := egress.Client(&http.Transport{})
	if response, err := client.Post(a.through("/end"), "text/plain", strings.NewReader("a row")); err != nil || a.body != "a row" {
		t.Errorf("within the origin: %q, %v", a.body, err)
	} else {
		response.Body.Close()
	}
	if _, err := client.Post(a.through(b.URL+"/end"), "text/plain", strings.NewReader("a row")); !errors.Is(err, egress.ErrRedirect) || b.last(t) != nil {
		t.Errorf("to another: %v", err)
	}
}

// Redirects in a cycle end.
func TestRedirectsWithoutEnd(t *testing.T) {
	requests := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		http.Redirect(w, r, "/", http.StatusFound)
	}))
	defer s.Close()
	if _, err := egress.Client(&http.Transport{}).Get(s.URL); !errors.Is(err, egress.ErrRedirect) || requests != 10 {
		t.Errorf("%v after %d requests", err, requests)
	}
}

// Credentials of a URL follow the rules of a header.
func TestCredentialsOfAddresses(t *testing.T) {
	a, b := newOrigin(t, false), newOrigin(t, false)
	client := egress.Client(&http.Transport{})
	for to, want := range map[*origin]string{a: "Basic cmVhZGVyOnNlc2FtZQ==", b: ""} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(a.through(to.URL+"/end"), "http://", "http://reader:sesame@", 1), nil)
		egress.Credentials(request)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := to.last(t).Get("Authorization"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestSameOrigin(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"https://a.example/x", "https://A.example:443/y"}: true, {"http://a.example", "http://a.example:80"}: true,
		{"https://a.example", "http://a.example"}: false, {"https://a.example", "https://a.example:444"}: false,
		{"https://a.example", "https://b.a.example"}: false, {"https://a.example", "https://a.example."}: false,
	} {
		a, _ := url.Parse(pair[0])
		b, _ := url.Parse(pair[1])
		if egress.SameOrigin(a, b) != want {
			t.Errorf("%v: not %v", pair, want)
		}
	}
}
