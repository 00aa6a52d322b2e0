//go:build unix

package otheruser

import (
	"os"
	"os/exec"
	"syscall"
)

// ID is the user ID and group ID of nobody.
const ID = 65534

// asNobody makes a command run as nobody, and reports whether this user can.
func asNobody(c *exec.Cmd) bool {
	if os.Geteuid() != 0 {
		return false
	}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ID, Gid: ID}}
	return true
}
