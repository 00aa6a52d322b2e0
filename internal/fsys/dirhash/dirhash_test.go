package dirhash

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
)

// tree returns a directory with a manifest.
func tree(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	for path, text := range map[string]string{"bin/run": "#!/bin/sh", "jars/a.jar": "aaaa", "jars/b.jar": "bbbb"} {
		full := filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o700), os.WriteFile(full, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := Write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Check finds files that were added, changed or removed, whatever their size and
// time.
func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		change func(dir string) error
		want   string
	}{
		"nothing": {func(string) error { return nil }, ""},
		"touched": {func(dir string) error { return os.Chtimes(dir+"/jars/a.jar", time.Now(), time.Now()) }, ""},
		"copied": {func(dir string) error {
			return errors.Join(os.Rename(dir, dir+".old"), os.CopyFS(dir, os.DirFS(dir+".old")))
		}, ""},
		"changed": {func(dir string) error {
			info, err := os.Stat(dir + "/jars/a.jar")
			if err != nil {
				return err
			}
			return errors.Join(os.WriteFile(dir+"/jars/a.jar", []byte("evil"), 0o600), os.Chtimes(dir+"/jars/a.jar", info.ModTime(), info.ModTime()))
		}, "jars/a.jar has been changed"},
		"added":   {func(dir string) error { return os.WriteFile(dir+"/jars/0.jar", nil, 0o600) }, "jars/0.jar has been added"},
		"missing": {func(dir string) error { return os.Remove(dir + "/bin/run") }, "bin/run is missing"},
		"a link": {func(dir string) error {
			return errors.Join(os.Remove(dir+"/bin/run"), os.Symlink("../jars/a.jar", dir+"/bin/run"))
		}, "bin/run is not a regular file"},
		"a folder": {func(dir string) error {
			return errors.Join(os.Rename(dir+"/jars", dir+"/away"), os.Symlink("away", dir+"/jars"))
		}, "away/a.jar has been added"},
		"damaged manifest": {func(dir string) error { return os.WriteFile(dir+"/"+name, []byte("{"), 0o600) }, "is damaged"},
		"no manifest":      {func(dir string) error { return os.Remove(dir + "/" + name) }, ErrNoManifest.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t)
			if err := c.change(dir); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				files, err := Check(t.Context(), dir)
				if c.want == "" && (err != nil || len(files) != 3) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Fatalf("%v, %v; want %q", files, err, c.want)
				}
			}
		})
	}
}

// A file with the same identity is not read.
func TestUnchangedIsNotRead(t *testing.T) {
	dir := tree(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel() // reading would fail
	if _, err := Check(ended, dir); err != nil {
		t.Error(err)
	}
	now := time.Now()
	if err := os.Chtimes(filepath.Join(dir, "jars", "a.jar"), now, now); err != nil {
		t.Fatal(err)
	}
	if _, err := Check(ended, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("a touched file: %v", err)
	}
	if _, err := Check(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if _, err := Check(ended, dir); err != nil {
		t.Errorf("after it was read once: %v", err)
	}
}

func TestUntrustedDirectory(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("owners and modes are not checked on Windows")
	}
	for _, folder := range []string{"", "jars"} {
		dir := tree(t)
		if err := os.Chmod(filepath.Join(dir, folder), 0o777); err != nil {
			t.Fatal(err)
		}
		var untrusted *privatefile.UntrustedError
		if _, err := Check(t.Context(), dir); !errors.As(err, &untrusted) {
			t.Errorf("%q: %v", folder, err)
		}
	}
}
