// Package otheruser attacks files and servers of a test as another user of the
// same machine. A test that runs as root acts as the user nobody: by a shell
// script (Run), or by the test's own program, which starts again as that user
// (Attack, NewThief).
package otheruser

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Run runs a shell script as another user of the machine: as nobody, where
// the test runs as root and the system can, and else as this user, who then
// stands for one. real says which. The script's arguments are $1, $2 ...
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

// Dir is a directory of the test that every user can write.
func Dir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	// The directory above is for this user alone.
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o777)); err != nil {
		t.Fatal(err)
	}
	return dir
}
