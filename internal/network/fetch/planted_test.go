//go:build unix

package fetch

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/testkit/otheruser"
)

// Links with the names of locks and parts that another user created are never
// written through, and nothing is downloaded into a directory that other users
// can write.
func TestPlantedLinks(t *testing.T) {
	body := bytes.Repeat([]byte("model"), 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		w.Write(body)
	}))
	defer server.Close()
	source := filepath.Join(t.TempDir(), "source")
	victim := filepath.Join(t.TempDir(), "victim")
	if err := errors.Join(os.WriteFile(source, body, 0o600), os.WriteFile(victim, []byte("precious"), 0o600)); err != nil {
		t.Fatal(err)
	}
	client := &Client{Tries: 1}
	bring := map[string]func(Request) error{
		"get":  func(r Request) error { r.URL = server.URL; return client.Get(t.Context(), r) },
		"copy": func(r Request) error { return Copy(t.Context(), source, r) },
	}
	for name, bring := range bring {
		open := otheruser.Dir(t)
		var untrusted *privatefile.UntrustedError
		if err := bring(Request{Path: filepath.Join(open, "f")}); !errors.As(err, &untrusted) {
			t.Errorf("%s into a directory that all can write: %v", name, err)
		}
		for _, suffix := range []string{".lock", ".part", ".part.tag"} {
			dir := otheruser.Dir(t)
			path := filepath.Join(dir, "f")
			otheruser.Run(t, `ln -s "$1" "$2"`, victim, path+suffix)
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			for _, sparks := range []bool{false, true} {
				err := bring(Request{Path: path, SparksDirectory: sparks})
				if b, _ := os.ReadFile(victim); string(b) != "precious" {
					t.Fatalf("%s with a link named %s: the victim's file holds %q", name, suffix, b)
				}
				if b, _ := os.ReadFile(path); err == nil && !bytes.Equal(b, body) {
					t.Errorf("%s with a link named %s: %q", name, suffix, b)
				}
			}
		}
		private := filepath.Join(t.TempDir(), "new", "f")
		if err := bring(Request{Path: private}); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]os.FileMode{private: 0o600, filepath.Dir(private): 0o700} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s has the mode %v, %v; want %v", path, info.Mode(), err, want)
			}
		}
	}
}
