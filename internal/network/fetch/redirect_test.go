package fetch

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/network/egress"
)

// Downloads and documents follow redirects with credentials within one origin
// only, also by a client that the caller brings.
func TestRedirectedCredentials(t *testing.T) {
	body := content(1000)
	var seen []string
	note := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, r.Header.Get("Authorization")+r.Header.Get("X-Api-Key"))
			next.ServeHTTP(w, r)
		})
	}
	other := httptest.NewServer(note(&origin{body: body}))
	defer other.Close()
	to := ""
	first := httptest.NewTLSServer(note(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/here" {
			(&origin{body: body}).ServeHTTP(w, r)
			return
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	})))
	defer first.Close()
	otherPort := httptest.NewTLSServer(note(&origin{body: body}))
	defer otherPort.Close()
	transport := first.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.InsecureSkipVerify = true
	c := &Client{HTTP: &http.Client{Transport: transport}, Tries: 2, Backoff: time.Millisecond}
	for _, test := range []struct {
		to, sent string
		refused  bool
	}{
		{"/here", "Basic cmVhZGVyOnNlc2FtZQ==key", false}, {first.URL + "/here", "Basic cmVhZGVyOnNlc2FtZQ==key", false}, {otherPort.URL, "", false}, {other.URL, "", true},
	} {
		to = test.to
		address := strings.Replace(first.URL, "https://", "https://reader:sesame@", 1)
		header := http.Header{"X-Api-Key": {"key"}}
		seen = nil
		err := c.Get(t.Context(), Request{URL: address, Header: header, Path: filepath.Join(t.TempDir(), "f"), Sum: sumOf(body)})
		_, _, err2 := c.Document(t.Context(), address, header, 1<<20)
		want := "Basic cmVhZGVyOnNlc2FtZQ==key " + test.sent
		if test.refused {
			want = "Basic cmVhZGVyOnNlc2FtZQ==key"
			for _, err := range []error{err, err2} {
				if !errors.Is(err, egress.ErrRedirect) || !strings.Contains(err.Error(), "from https to http") || !strings.Contains(err.Error(), "PIP_INDEX_URL") {
					t.Errorf("%s: %v", test.to, err)
				}
			}
		} else if err != nil || err2 != nil {
			t.Errorf("%s: %v, %v", test.to, err, err2)
		}
		if got := strings.Join(seen, " "); got != want+" "+want {
			t.Errorf("%s: sent %q, want twice %q", test.to, got, want)
		}
	}
	// A look at the header only follows nothing.
	seen, to = nil, otherPort.URL
	if r, err := c.Head(t.Context(), first.URL, nil); err != nil || r.StatusCode != http.StatusFound || len(seen) != 1 {
		t.Errorf("%v, %v after %d requests", r, err, len(seen))
	}
}
