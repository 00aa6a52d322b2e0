package fetch

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
)

// FileLock is a lock between processes. The operating system releases it when
// the process ends, even by a crash.
type FileLock struct{ file *os.File }

var errLocked = errors.New("locked by another process")

// Lock creates a lock file at path and waits until it holds the lock. Unlock
// removes the file.
func Lock(ctx context.Context, path string) (*FileLock, error) {
	for {
		lock, err := TryLock(path)
		if err == nil || !errors.Is(err, errLocked) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// TryLock acquires the lock, or returns an error for which Locked is true if
// another process holds it.
func TryLock(path string) (*FileLock, error) {
	f, err := privatefile.OpenFile(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		f.Close()
		return nil, err
	}
	// The previous holder may have removed the file between open and lock. The
	// lock is then on a file without a name, which no other process sees.
	opened, err := f.Stat()
	if err == nil {
		var named os.FileInfo
		if named, err = os.Lstat(path); err == nil && !os.SameFile(opened, named) {
			err = errLocked
		} else if errors.Is(err, os.ErrNotExist) {
			err = errLocked
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &FileLock{f}, nil
}

// Locked reports whether err means that another process holds the lock.
func Locked(err error) bool { return errors.Is(err, errLocked) }

// File returns the open lock file. A child process that inherits it holds the
// lock, too.
func (l *FileLock) File() *os.File { return l.file }

// Close closes the file without removing it: a child may still hold the lock.
func (l *FileLock) Close() { l.file.Close() }

// Unlock removes the file and releases the lock.
func (l *FileLock) Unlock() {
	os.Remove(l.file.Name())
	l.file.Close()
}
