package endpoint

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/testkit"
)

func TestParseReference(t *testing.T) {
	for in, want := range map[string]string{
		"openai:gpt-x@https://api.example.com/v1":                                                         "openai:gpt-x@https://api.example.com/v1",
		"openai:org/m:tag@2@http://localhost:8000/v1/?key=MY_KEY":                                         "openai:org/m:tag@2@http://localhost:8000/v1",
		"openai:m@https://[::1]:9/v1?keyfile=/run/secret":                                                 "openai:m@https://[::1]:9/v1",
		"openai:gpt@https://x.openai.azure.com/openai/deployments/d?api-version=2024-10-21&key=K":         "openai:gpt@https://x.openai.azure.com/openai/deployments/d?api-version=2024-10-21",
		"openai:gpt@https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=preview": "openai:gpt@https://x.openai.azure.com/openai/deployments/d?api-version=preview",
		"openai:m@https://h/v1/embeddings/":                                                               "openai:m@https://h/v1",
		"openai:m@https://h/v1?api-version=sk-sesame0123456789":                                           "api-version is a date",
		"openai:m@https://h/v1?api-version=x%26key=sesame":                                                "api-version is a date",
		"openai:m@https://h/v1?api-version=":                                                              "one value",
		"openai:m@https://u:sesame@h/v1":                                                                  "user or password",
		"openai:m@https://h/v1?key=sk-sesame":                                                             "names an environment variable",
		"openai:m@https://h/v1?key=sksesame0123456789sesame012345678":                                     "names an environment variable",
		"openai:m@https://h/v1?apikey=sesame":                                                             "unknown option",
		"openai:m@https://h/v1?key=A&key=B":                                                               "one value",
		"openai:m@https://h/v1?key=A&keyfile=B":                                                           "either",
		"openai:m@https://h/v1#sesame":                                                                    "malformed",
		"openai:m@https://h:sesame/v1":                                                                    "malformed",
		"openai:@https://h/v1":                                                                            "names no model",
		"openai:m":                                                                                        "no address",
		"openai:m@ftp://h/v1":                                                                             "no address",
		"gguf:m":                                                                                          "not an endpoint",
	} {
		r, err := Parse(in)
		got := r.String
		if err != nil {
			got = err.Error
		}
		if !strings.Contains(got(), want) || strings.Contains(got(), "sesame") || strings.HasPrefix(want, "openai:") != (err == nil) {
			t.Errorf("%s: %s, want %s", in, got(), want)
		}
	}
}

func TestKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OPENAI_API_KEY", "default-key")
	t.Setenv("MY_KEY", "my-key")
	t.Setenv("TWO_LINES", "se\nsame")
	for _, test := range []struct{ ref, key, problem string }{
		{"openai:m@https://cloud.example/v1", "default-key", ""},
		{"openai:m@http://localhost:1/v1", "default-key", ""},
		{"openai:m@http://vllm.internal:8000/v1", "", ""}, // unencrypted, and not meant for it
		{"openai:m@http://vllm.internal:8000/v1?key=MY_KEY", "my-key", ""},
		{"openai:m@https://cloud.example/v1?key=none", "", ""},
		{"openai:m@https://cloud.example/v1?keyfile=" + url.QueryEscape(file), "from-file", ""},
		{"openai:m@https://cloud.example/v1?key=NOT_SET", "", "NOT_SET holds no key"},
		{"openai:m@https://cloud.example/v1?key=TWO_LINES", "", "one line"},
		{"openai:m@https://cloud.example/v1?keyfile=/not/there", "", "/not/there"},
	} {
		e, err := Open(test.ref, Options{})
		if (err == nil) != (test.problem == "") || err != nil && (!strings.Contains(err.Error(), test.problem) || strings.Contains(err.Error(), "same")) {
			t.Errorf("%s: %v", test.ref, err)
		}
		if err != nil {
			continue
		}
		if e.key.secret != test.key {
			t.Errorf("%s: the wrong key", test.ref)
		}
		for _, s := range []string{e.String(), e.Info().Name, fmt.Sprint(e.key), fmt.Sprintf("%+v", e.key), fmt.Sprintf("%#v", e.key)} {
			if test.key != "" && strings.Contains(s, test.key) {
				t.Errorf("%s: %q shows the key", test.ref, s)
			}
		}
	}
}

func TestGuardAtOpen(t *testing.T) {
	for _, test := range []struct {
		ref     string
		opts    Options
		refused bool
	}{
		{"openai:m@http://127.0.0.1:1/v1", Options{LocalOnly: true}, false},
		{"openai:m@http://[::1]:1/v1", Options{LocalOnly: true}, false},
		{"openai:m@http://LOCALHOST:1/v1", Options{LocalOnly: true}, false},
		{"openai:m@https://api.example.com/v1", Options{LocalOnly: true}, true},
		{"openai:m@http://localhost.example.com/v1", Options{LocalOnly: true}, true},
		{"openai:m@http://10.0.0.1/v1", Options{LocalOnly: true}, true},
		{"openai:m@http://0.0.0.0:1/v1", Options{LocalOnly: true}, true},
		{"openai:m@https://a.example/v1", Options{AllowHosts: []string{"A.example"}}, false},
		{"openai:m@https://a.example:444/v1", Options{AllowHosts: []string{"a.example:444"}}, false},
		{"openai:m@https://a.example:445/v1", Options{AllowHosts: []string{"a.example:444"}}, true},
		{"openai:m@https://b.example/v1", Options{AllowHosts: []string{"a.example"}}, true},
		{"openai:m@https://xa.example/v1", Options{AllowHosts: []string{"a.example"}}, true},
		{"openai:m@https://a.example/v1", Options{AllowHosts: []string{"a.example"}, LocalOnly: true}, true},
		{"openai:m@http://[::1]:1/v1", Options{AllowHosts: []string{"::1"}}, false},
	} {
		_, err := Open(test.ref, test.opts)
		if errors.Is(err, errRefused) != test.refused || err != nil && !test.refused {
			t.Errorf("%s with %+v: %v", test.ref, test.opts, err)
		}
	}
	if _, err := Open("openai:m@http://localhost/v1", Options{RequestsPerMinute: -1}); err == nil {
		t.Error("a negative limit is accepted")
	}
}

// bait returns a server that must not be connected to, and the number of its
// connections.
func bait(t *testing.T) (*httptest.Server, *atomic.Int64) {
	var connections atomic.Int64
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s, &connections
}

// TestGuardFailsClosed checks that redirects, proxies and names do not lead to
// connections to other hosts.
func TestGuardFailsClosed(t *testing.T) {
	elsewhere, connections := bait(t)
	proxy := func(*http.Request) (*url.URL, error) { return url.Parse(elsewhere.URL) }
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := newServer(t)
		s.serve = func(w http.ResponseWriter, a asked) {
			http.Redirect(w, a.Request, elsewhere.URL+"/v1?k=sesame", status)
		}
		r := do(t, s.open(t, Options{}), chat("hello"))[0]
		if r.Err == nil || !strings.Contains(r.Err.Error(), "redirects to "+elsewhere.URL) || strings.Contains(r.Err.Error(), "sesame") {
			t.Errorf("%d: %v", status, r.Err)
		}
	}
	// A proxy that is not listed is refused. LocalOnly uses no proxy.
	s := newServer(t)
	if r := do(t, s.open(t, Options{AllowHosts: []string{strings.TrimPrefix(s.URL, "http://")}, proxy: proxy}), chat("hello"))[0]; !errors.Is(r.Err, errRefused) {
		t.Errorf("through a proxy: %v", r.Err)
	}
	if r := do(t, s.open(t, Options{LocalOnly: true, proxy: proxy}), chat("hello"))[0]; r.Err != nil {
		t.Error(r.Err)
	}
	if n := connections.Load(); n != 0 {
		t.Fatalf("%d connections were made elsewhere", n)
	}
	// Without a list, the proxy of the environment is used: it responds 404.
	if r := do(t, s.open(t, Options{proxy: proxy}), chat("hello"))[0]; status(r.Err) != 404 || connections.Load() == 0 {
		t.Errorf("the proxy was not used: %v", r.Err)
	}

	// Without a list, other hosts are refused too.
	g := newGuard(Reference{base: &url.URL{Scheme: "http", Host: "a.example:80"}}, Options{})
	if _, err := g.dial(t.Context(), "tcp", strings.TrimPrefix(elsewhere.URL, "http://")); !errors.Is(err, errRefused) {
		t.Errorf("another host: %v", err)
	}
}

// TestUnknownCertificate checks that nothing is sent to a server with an unknown
// certificate.
func TestUnknownCertificate(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	s.Config.ErrorLog = nil
	defer s.Close()
	e, err := Open("openai:m@"+s.URL+"/v1", Options{minute: 60 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	r := do(t, e, chat("hello"))[0]
	var failed *Error
	if !errors.As(r.Err, &failed) || failed.MayBeCharged || !strings.Contains(r.Err.Error(), "SSL_CERT_FILE") || e.Totals().Attempts != 1 {
		t.Errorf("%v after %d attempts", r.Err, e.Totals().Attempts)
	}
}

// TestAllowedNameOfLoopback checks that an allowed name that resolves to this
// machine is refused unless its address is allowed.
func TestAllowedNameOfLoopback(t *testing.T) {
	s := newServer(t)
	testkit.Names(t, func(string) []string { return []string{"127.0.0.1"} })
	address := strings.Replace(s.URL, "127.0.0.1", "model.example", 1)
	for _, allowed := range [][]string{{"model.example"}, {"model.example", "127.0.0.1"}} {
		e, err := Open("openai:m@"+address+"/v1", Options{AllowHosts: allowed, minute: 60 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		r := do(t, e, chat("hello"))[0]
		if len(allowed) == 1 && (!errors.Is(r.Err, errRefused) || !strings.Contains(r.Err.Error(), "model.example is an allowed host, but its name resolves to 127.0.0.1") || len(s.arrived) != 0) {
			t.Errorf("%v after %d requests", r.Err, len(s.arrived))
		}
		if len(allowed) == 2 && r.Err != nil {
			t.Error(r.Err)
		}
		e.Close()
	}
}
