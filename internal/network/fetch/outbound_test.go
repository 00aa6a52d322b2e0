package fetch

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/firesteel/firesteel/internal/network/egress"
)

// Forbidden hosts are refused before the first byte is sent,
// also after a redirect.
func TestPolicy(t *testing.T) {
	var asked atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer elsewhere.Close()
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusFound)
	}))
	defer first.Close()
	get := func(address string) error {
		return new(Client).Get(t.Context(), Request{URL: address, Path: filepath.Join(t.TempDir(), "x")})
	}
	t.Setenv(egress.LocalOnlyVariable, "1")
	if err := get("https://files.example.com/model.gguf"); !errors.Is(err, egress.ErrRefused) || !strings.Contains(err.Error(), "firesteel models get") {
		t.Errorf("local only: %v", err)
	}
	t.Setenv(egress.LocalOnlyVariable, "")
	t.Setenv(egress.AllowHostsVariable, "api.example.com")
	if err := get(elsewhere.URL); !errors.Is(err, egress.ErrRefused) {
		t.Errorf("not listed: %v", err)
	}
	t.Setenv(egress.AllowHostsVariable, strings.TrimPrefix(first.URL, "http://"))
	if err := get(first.URL); !errors.Is(err, egress.ErrRefused) {
		t.Errorf("a redirect to what is not listed: %v", err)
	}
	if asked.Load() != 0 {
		t.Errorf("%d requests went where they may not", asked.Load())
	}
}
