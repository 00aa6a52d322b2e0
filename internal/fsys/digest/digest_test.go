package digest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// forget is the end of a process.
func forget() { seen.Clear() }

// write writes a file whose times are those of another one with as many bytes.
func write(t *testing.T, path, text string) string {
	t.Helper()
	then := time.Unix(1700000000, 123456789)
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chtimes(path, then, then)); err != nil {
		t.Fatal(err)
	}
	return path
}

// A digest is remembered for a file and its state, not for a path: other bytes
// of the same size and time behind the same path are read.
func TestOtherBytesBehindTheSamePath(t *testing.T) {
	t.Setenv("FIRESTEEL_CACHE", filepath.Join(t.TempDir(), "cache"))
	for name, change := range map[string]func(dir, path string) error{
		"a link that is switched": func(dir, path string) error {
			return errors.Join(os.Remove(path), os.Symlink(filepath.Join(dir, "b"), path))
		},
		"the file behind the link is replaced": func(dir, _ string) error {
			return os.Rename(filepath.Join(dir, "b"), filepath.Join(dir, "a"))
		},
		"written in place, and its time set back": func(dir, _ string) error {
			write(t, filepath.Join(dir, "a"), "BBBB")
			return nil
		},
		"a directory on the way is switched": func(dir, _ string) error {
			return errors.Join(os.Rename(filepath.Join(dir, "way"), filepath.Join(dir, "old")), os.Symlink("other", filepath.Join(dir, "way")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "a"), "aaaa")
			write(t, filepath.Join(dir, "b"), "BBBB")
			if err := errors.Join(os.MkdirAll(filepath.Join(dir, "way"), 0o700), os.MkdirAll(filepath.Join(dir, "other"), 0o700)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "way", "model")
			if err := errors.Join(os.Symlink(filepath.Join(dir, "a"), path), os.Symlink(filepath.Join(dir, "b"), filepath.Join(dir, "other", "model"))); err != nil {
				t.Skip(err)
			}
			for range 2 {
				if got, err := File(t.Context(), path); got != sumOf("aaaa") || err != nil {
					t.Fatalf("%s, %v", got, err)
				}
				forget()
			}
			if Known(path) != sumOf("aaaa") {
				t.Error("it is not remembered")
			}
			if err := change(dir, path); err != nil {
				t.Fatal(err)
			}
			if got := Known(path); got != "" {
				t.Errorf("known before it is read: %s", got)
			}
			for range 2 {
				if got, err := File(t.Context(), path); got != sumOf("BBBB") || err != nil {
					t.Errorf("%s, %v; want the digest of the other bytes", got, err)
				}
				forget()
			}
		})
	}
}

// Records are believed in a directory that nobody else can write.
func TestPlantedRecord(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("FIRESTEEL_CACHE", cache)
	path := write(t, filepath.Join(t.TempDir(), "model"), "aaaa")
	if _, err := File(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	records, _ := filepath.Glob(filepath.Join(cache, "digests", "*.json"))
	if len(records) != 1 {
		t.Fatalf("records: %v", records)
	}
	var r record
	b, err := os.ReadFile(records[0])
	if err := errors.Join(err, json.Unmarshal(b, &r)); err != nil {
		t.Fatal(err)
	}
	r.SHA256 = sumOf("forged")
	if b, err = json.Marshal(r); err != nil {
		t.Fatal(err)
	}
	forget()
	if err := errors.Join(os.WriteFile(records[0], b, 0o600), os.Chmod(filepath.Dir(records[0]), 0o777)); err != nil {
		t.Fatal(err)
	}
	if got, err := File(t.Context(), path); got != sumOf("aaaa") || err != nil {
		t.Errorf("from a directory that all can write: %s, %v", got, err)
	}
	forget()
	os.Chmod(filepath.Dir(records[0]), 0o700)
	for _, damaged := range []string{"", "{", `{"sha256":"` + r.SHA256[:10] + `"}`, string(b)[:len(b)-20] + `"}`} {
		os.WriteFile(records[0], []byte(damaged), 0o600)
		if got, err := File(t.Context(), path); got != sumOf("aaaa") || err != nil {
			t.Errorf("with the record %q: %s, %v", damaged, got, err)
		}
		forget()
	}
}

func TestRemember(t *testing.T) {
	t.Setenv("FIRESTEEL_CACHE", filepath.Join(t.TempDir(), "cache"))
	path := write(t, filepath.Join(t.TempDir(), "model"), "aaaa")
	Remember(path, "no digest")
	if got := Known(path); got != "" {
		t.Error(got)
	}
	Remember(path, sumOf("aaaa"))
	forget()
	if got := Known(path); got != sumOf("aaaa") {
		t.Errorf("%q", got)
	}
}

// Reading ends with its context, and a device is not read at all.
func TestReadingEnds(t *testing.T) {
	t.Setenv("FIRESTEEL_CACHE", filepath.Join(t.TempDir(), "cache"))
	path := write(t, filepath.Join(t.TempDir(), "model"), strings.Repeat("a", 1<<20))
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	if _, err := File(ctx, path); !errors.Is(err, gone) {
		t.Error(err)
	}
	zero := filepath.Join(t.TempDir(), "zero")
	if err := os.Symlink("/dev/zero", zero); err != nil {
		t.Skip(err)
	}
	if _, err := os.Stat(zero); err != nil {
		t.Skip(err)
	}
	if _, err := File(t.Context(), zero); err == nil || !strings.Contains(err.Error(), "is a device") {
		t.Error(err)
	}
}

// A file that changes while it is read has no digest.
func TestChangedWhileRead(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "model"), "aaaa")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	id, err := Of(f)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, "bbbb")
	if _, err := Compute(t.Context(), f, id); err == nil || !strings.Contains(err.Error(), "changed while it was read") {
		t.Error(err)
	}
}

func TestSettle(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		changed time.Time
		want    bool
	}{
		{now.Add(-time.Hour), true},
		{now, true}, // after waiting
		{now.Add(time.Minute), false},
		{now.Truncate(time.Second), false},
		{now.Truncate(time.Second).Add(-3 * time.Second), true},
	} {
		if got, err := settle(t.Context(), Identity{Changed: c.changed.UnixNano()}); got != c.want || err != nil {
			t.Errorf("%s ago: %v, %v", now.Sub(c.changed), got, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := settle(ctx, Identity{Changed: time.Now().UnixNano()}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	var out bytes.Buffer
	if n, err := Copy(t.Context(), &out, strings.NewReader("text")); n != 4 || err != nil || out.String() != "text" {
		t.Errorf("%d, %v, %q", n, err, &out)
	}
}
