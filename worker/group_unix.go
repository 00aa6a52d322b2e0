//go:build unix

package worker

import "syscall"

// leaveProcessGroup keeps a Ctrl-C in the terminal of a local Spark from
// reaching the worker: Spark itself ends it, by closing its standard input.
func leaveProcessGroup() {
	_ = syscall.Setpgid(0, 0) // fails for a session leader, which has a group of its own
}
