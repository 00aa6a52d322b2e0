//go:build unix

package digest

import (
	"os"

	"golang.org/x/sys/unix"
)

// Of returns the Identity of an open file.
func Of(f *os.File) (Identity, error) {
	var s unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &s); err != nil {
		return Identity{}, &os.PathError{Op: "fstat", Path: f.Name(), Err: err}
	}
	return Identity{uint64(s.Dev), uint64(s.Ino), s.Size, s.Mtim.Nano(), s.Ctim.Nano()}, nil
}
