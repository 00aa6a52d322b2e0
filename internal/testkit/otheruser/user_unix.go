//go:build unix

package otheruser

import (
	"os"
	"os/exec"
	"syscall"
)

// ID is the number of the user and the group of Run.
const ID = 65534

func asNobody(c *exec.Cmd) bool {
	if os.Geteuid() != 0 {
		return false
	}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ID, Gid: ID}}
	return true
}
