package maven

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/network/fetch"
)

func TestJar(t *testing.T) {
	jar := []byte("classes")
	const path = "/maven/org/example/some_2.13/1.0-rc1/some_2.13-1.0-rc1.jar"
	for _, test := range []struct {
		name, suffix, sum, want string
	}{
		{"sha1", ".sha1", fmt.Sprintf("%x", sha1.Sum(jar)), ""},
		{"sha256 with a name", ".sha256", fmt.Sprintf("%x  some.jar\n", sha256.Sum256(jar)), ""},
		{"wrong", ".sha1", strings.Repeat("0", 40), "wrong content: sha1"},
		{"no checksum", ".md5", "x", "put it at"},
		{"page of a proxy", ".sha512", "<html>", "is not a checksum"},
	} {
		t.Run(test.name, func(t *testing.T) {
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
				switch r.URL.Path {
				case path:
					w.Write(jar)
				case path + test.suffix:
					w.Write([]byte(test.sum))
				default:
					http.NotFound(w, r)
				}
			}))
			defer server.Close()
			cache := t.TempDir()
			t.Setenv("FIRESTEEL_CACHE", cache)
			t.Setenv("MAVEN_REPOSITORY", server.URL+"/maven/")
			repository := Repository{Client: &fetch.Client{Tries: 2, Backoff: time.Millisecond}}
			got, err := repository.Jar(t.Context(), "org.example:some_2.13:1.0-rc1")
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, expected %q", err, test.want)
				}
				return
			}
			if want := filepath.Join(cache, "jars", "some_2.13-1.0-rc1.jar"); err != nil || got != want {
				t.Fatalf("%s, %v; expected %s", got, err, want)
			}
			if text, err := os.ReadFile(got); err != nil || !bytes.Equal(text, jar) {
				t.Errorf("%s: %q, %v", got, text, err)
			}
			before := requests
			if again, err := repository.Jar(t.Context(), "org.example:some_2.13:1.0-rc1"); err != nil || again != got || requests != before {
				t.Errorf("second time: %s, %v, %d requests", again, err, requests-before)
			}
		})
	}
}

func TestJarRefusesNames(t *testing.T) {
	for _, artifact := range []string{"", "a:b", "a:b:c:d", "a:../b:1", "a:b:..", "a..b:c:1", "a:b:1/2", "a b:c:1"} {
		if path, err := (Repository{URL: "http://127.0.0.1:1"}).Jar(t.Context(), artifact); err == nil || !strings.Contains(err.Error(), "GROUP:NAME:VERSION") {
			t.Errorf("%q: %s, %v", artifact, path, err)
		}
	}
}
