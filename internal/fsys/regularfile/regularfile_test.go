//go:build unix

package regularfile

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	file, link, pipe, zero := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe"), filepath.Join(dir, "zero")
	for _, err := range []error{
		os.WriteFile(file, []byte("text"), 0o600), os.Symlink(file, link), syscall.Mkfifo(pipe, 0o600), os.Symlink("/dev/zero", zero),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		file: "", link: "", pipe: "is a pipe", dir: "is a directory", zero: "is a device", file + "x": "no such file",
	} {
		b, err := ReadFile(path, 4)
		if want == "" && (err != nil || string(b) != "text") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %q, %v; want %q", path, b, err, want)
		}
	}
	if _, err := ReadFile(file, 3); err == nil || !strings.Contains(err.Error(), "4 bytes") {
		t.Error(err)
	}
}
