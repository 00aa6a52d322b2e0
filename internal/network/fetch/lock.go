package fetch

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
)

// FileLock is held between processes. The system lets go of it when its
// holder dies, so a crash blocks nobody.
type FileLock struct{ file *os.File }

var errLocked = errors.New("locked by another process")

// Lock waits for the lock file at path, which it creates and which Unlock
// removes.
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

// TryLock takes the lock if nobody has it; see Locked.
func TryLock(path string) (*FileLock, error) {
	f, err := privatefile.OpenFile(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		f.Close()
		return nil, err
	}
	// The holder before us may have removed the file between our opening and
	// locking: then we hold a lock that nobody else can see.
	ours, err := f.Stat()
	if err == nil {
		var there os.FileInfo
		if there, err = os.Lstat(path); err == nil && !os.SameFile(ours, there) {
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

// Locked reports whether err says that another process has the lock.
func Locked(err error) bool { return errors.Is(err, errLocked) }

// File is the open lock file. A child process that inherits it keeps the lock.
func (l *FileLock) File() *os.File { return l.file }

// Close lets go without removing the file: a child may still hold it.
func (l *FileLock) Close() { l.file.Close() }

// Unlock removes the file and lets go.
func (l *FileLock) Unlock() {
	os.Remove(l.file.Name())
	l.file.Close()
}
