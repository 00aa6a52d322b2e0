// Package otheruser attacks files and servers of a test as another user of the
// same machine. If the test runs as root, the attacker is the user nobody: a shell
// script (Run), or the test program, which is started again as that user (Attack,
// NewThief).
package otheruser

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Run runs a shell script as another user of the machine. It returns true if the
// script runs as the user nobody, which needs root. Otherwise the script runs as
// this user. The arguments of the script are $1, $2, ...
func Run(t testing.TB, script string, args ...string) (real bool) {
	t.Helper()
	c := exec.Command("/bin/sh", append([]string{"-euc", script, "sh"}, args...)...)
	c.Dir = "/"
	real = asNobody(c)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("another user's script: %v: %s", err, out)
	}
	return real
}

// Dir returns a directory of the test that every user can write.
func Dir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	// Only this user has access to the directory above it.
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o777)); err != nil {
		t.Fatal(err)
	}
	return dir
}
