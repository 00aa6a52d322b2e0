package fetch

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestGetter is the second process of the next test.
func TestGetter(t *testing.T) {
	address := os.Getenv("FETCH_TEST_URL")
	if address == "" {
		t.Skip("run by TestTwoProcesses and TestProxy")
	}
	c := &Client{Backoff: time.Millisecond}
	if err := c.Get(t.Context(), Request{URL: address, Path: os.Getenv("FETCH_TEST_PATH"), Sum: SHA256(os.Getenv("FETCH_TEST_SUM"))}); err != nil {
		t.Fatal(err)
	}
}

func getter(address, path string, sum Sum, env ...string) *exec.Cmd {
	command := exec.Command(os.Args[0], "-test.run=^TestGetter$")
	command.Env = append(os.Environ(), "FETCH_TEST_URL="+address, "FETCH_TEST_PATH="+path, "FETCH_TEST_SUM="+sum.Hex)
	command.Env = append(command.Env, env...)
	return command
}

func TestTwoProcesses(t *testing.T) {
	body := content(100_000)
	first := make(chan struct{})
	release := make(chan struct{})
	o := &origin{body: body, before: func(n int64, w http.ResponseWriter, r *http.Request) bool {
		if n == 1 {
			close(first)
			select {
			case <-release:
			case <-r.Context().Done():
				return true
			}
		}
		return false
	}}
	address := serve(t, o)
	path := filepath.Join(t.TempDir(), "f")
	// The first dies while it holds the lock and the connection.
	victim := getter(address, path, sumOf(body))
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	<-first
	if _, err := TryLock(path + ".lock"); !Locked(err) {
		t.Errorf("the lock is free while a process downloads: %v", err)
	}
	victim.Process.Kill()
	victim.Wait()
	close(release)
	// Then two at once: one fetches for both.
	var running []*exec.Cmd
	for range 2 {
		command := getter(address, path, sumOf(body))
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, command)
	}
	for _, command := range running {
		if err := command.Wait(); err != nil {
			t.Error(err)
		}
	}
	wantFile(t, path, body)
	if n := o.requests.Load(); n != 2 {
		t.Errorf("%d requests, expected the victim's and one more", n)
	}
}

func TestProxy(t *testing.T) {
	body := content(1000)
	o := &origin{body: body}
	var asked atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.RequestURI + " " + r.Header.Get("Proxy-Authorization"))
		o.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	with, _ := url.Parse(proxy.URL)
	with.User = url.UserPassword("user", "secret")
	path := filepath.Join(t.TempDir(), "f")
	command := getter("http://files.invalid/x/f", path, sumOf(body), "HTTP_PROXY="+with.String(), "http_proxy="+with.String(), "NO_PROXY=", "no_proxy=")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	wantFile(t, path, body)
	if want := "http://files.invalid/x/f Basic dXNlcjpzZWNyZXQ="; asked.Load() != want {
		t.Errorf("the proxy was asked %q", asked.Load())
	}
}

func TestExtraAuthority(t *testing.T) {
	body := content(1000)
	server := httptest.NewTLSServer(&origin{body: body})
	server.Config.ErrorLog = nil
	defer server.Close()
	dir := t.TempDir()
	bundle := filepath.Join(dir, "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, certificate, 0o644); err != nil {
		t.Fatal(err)
	}
	clean := []string{"PIP_CERT=", "REQUESTS_CA_BUNDLE=", "SSL_CERT_FILE="}
	out, err := getter(server.URL, filepath.Join(dir, "f"), sumOf(body), clean...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "SSL_CERT_FILE") {
		t.Errorf("an unknown certificate was accepted, or the error gives no advice: %s", out)
	}
	for _, name := range []string{"PIP_CERT", "REQUESTS_CA_BUNDLE"} {
		path := filepath.Join(dir, name)
		if out, err := getter(server.URL, path, sumOf(body), append(clean, name+"="+bundle)...).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", name, out)
		}
	}
}
