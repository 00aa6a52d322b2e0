//go:build unix

package worker

import "golang.org/x/sys/unix"

// maxOpenFiles returns the number of files that this process may have open.
func maxOpenFiles() uint64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	return uint64(limit.Cur)
}
