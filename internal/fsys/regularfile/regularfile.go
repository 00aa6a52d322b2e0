// Package regularfile opens regular files and refuses devices, pipes, sockets
// and directories, on which a read may block or never end.
package regularfile

import (
	"errors"
	"fmt"
	"os"
)

// Open opens the regular file at path, following links. It never blocks on a
// pipe without a writer.
func Open(path string) (*os.File, error) {
	// Opening a device can have side effects, so the type is checked first.
	info, err := os.Stat(path)
	var failed *os.PathError
	if errors.As(err, &failed) {
		failed.Op = "open" // the operation of the caller
	}
	if err == nil {
		err = check(path, info)
	}
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|noWait, 0)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil {
		err = check(path, info)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// ReadFile reads a regular file. A file of more than max bytes is an error.
func ReadFile(path string, max int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > max {
		return nil, fmt.Errorf("%s has %d bytes; the limit is %d", path, info.Size(), max)
	}
	b := make([]byte, info.Size())
	n, err := f.ReadAt(b, 0)
	if n == len(b) {
		err = nil
	}
	return b[:n], err
}

func check(path string, info os.FileInfo) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return fmt.Errorf("%s is %s, not a regular file", path, kind(info.Mode()))
}

func kind(m os.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&os.ModeNamedPipe != 0:
		return "a pipe"
	case m&os.ModeSocket != 0:
		return "a socket"
	case m&os.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}
