//go:build unix

package worker

import (
	"os"
	"os/exec"
	"syscall"
)

// leaveProcessGroup prevents a Ctrl-C in the terminal of a local Spark from
// ending the worker. Spark ends the worker by closing its standard input.
func leaveProcessGroup() {
	_ = syscall.Setpgid(0, 0) // fails for a session leader, which already has its own group
}

// replaceProcess replaces this process by another program. It returns only if
// that fails.
func replaceProcess(executable string, args []string) error {
	path, err := exec.LookPath(executable)
	if err != nil {
		return err
	}
	return syscall.Exec(path, append([]string{executable}, args...), os.Environ())
}
