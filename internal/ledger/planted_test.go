//go:build unix

package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/testkit/otheruser"
)

// Answers that another user put into a world-writable directory are refused,
// although every checksum is right: they are not opened, listed or
// dropped.
func TestForgedAnswers(t *testing.T) {
	forged := t.TempDir()
	l := opened(t, forged)
	put(t, l, 0, 3)
	closed(t, l)
	dir := otheruser.Dir(t)
	content, err := os.ReadFile(filepath.Join(forged, "00000001.log"))
	if err != nil {
		t.Fatal(err)
	}
	given := filepath.Join(otheruser.Dir(t), "forged")
	if err := os.WriteFile(given, content, 0o644); err != nil {
		t.Fatal(err)
	}
	real := otheruser.Run(t, `cp "$1" "$2/00000001.log"`, given, dir)

	refused := func(why string) {
		t.Helper()
		var untrusted *privatefile.UntrustedError
		if l, err := Open(t.Context(), dir); !errors.As(err, &untrusted) {
			if err == nil {
				l.Close()
			}
			t.Errorf("%s: opened: %v", why, err)
		}
		if err := Walk(dir, func(Entry) error { return nil }); !errors.As(err, &untrusted) {
			t.Errorf("%s: listed: %v", why, err)
		}
		if _, err := Drop(t.Context(), dir, func(Entry) bool { return true }); !errors.As(err, &untrusted) {
			t.Errorf("%s: dropped: %v", why, err)
		}
	}
	refused("a directory that all can write")
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if real {
		refused("a segment of another user")
	}

	// In a trusted directory they are used.
	t.Setenv(privatefile.TrustVariable, dir)
	l = opened(t, dir)
	if n := holds(t, l, 3); n != 3 {
		t.Errorf("%d answers of a trusted directory; want 3", n)
	}
	closed(t, l)
}

// Links that another user created with the names of our files are not written
// through, even in a trusted directory.
func TestLinksAreNotFollowed(t *testing.T) {
	small(t, 100)
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lock", "00000001.lock", "00000001.log", "00000001.idx", "00000001.idx.tmp", "00000001.log.tmp"} {
		dir := otheruser.Dir(t)
		t.Setenv(privatefile.TrustVariable, dir)
		otheruser.Run(t, `ln -s "$1" "$2"`, victim, filepath.Join(dir, name))
		if l, err := Open(t.Context(), dir); err == nil {
			put(t, l, 0, 10)
			l.Close()
			if _, err := Drop(t.Context(), dir, func(e Entry) bool { return e.Key == entry(1).Key }); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if b, _ := os.ReadFile(victim); string(b) != "precious" {
			t.Fatalf("a link named %s: the victim's file holds %q", name, b)
		}
	}
}
