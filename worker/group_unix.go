//go:build unix

package worker

import (
	"os"
	"os/exec"
	"syscall"
)

// leaveProcessGroup keeps a Ctrl-C in the terminal of a local Spark from
// reaching the worker: Spark itself ends it, by closing its standard input.
func leaveProcessGroup() {
	_ = syscall.Setpgid(0, 0) // fails for a session leader, which has a group of its own
}

// replaceBy makes this process another program. It returns only if that fails.
func replaceBy(executable string, args []string) error {
	path, err := exec.LookPath(executable)
	if err != nil {
		return err
	}
	return syscall.Exec(path, append([]string{executable}, args...), os.Environ())
}
