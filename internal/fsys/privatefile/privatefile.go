// Package privatefile creates and opens firesteel's own files: downloads,
// programs, ledgers, locks, logs. No other user of the machine can plant,
// replace or redirect them.
//
// A directory is trusted if this process's user or root owns it, no other user
// can write in it, and the same holds for every directory above it and every
// link on its path. A parent directory that everyone can write (/tmp) is
// accepted if its sticky bit is set. These are the rules of StrictModes in
// OpenSSH, applied up to the root.
//
// TrustVariable makes exceptions. On Windows links are checked, but not owners
// and access lists.
package privatefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// TrustVariable is the environment variable that lists directories, separated
// as in PATH, whose contents are trusted without a check of owners and modes.
const TrustVariable = "FIRESTEEL_TRUST_DIRECTORY"

// Modes of new directories and files.
const (
	dirMode  = 0o700
	fileMode = 0o600
)

// UntrustedError reports a file or directory that another user could change.
type UntrustedError struct {
	Path string // the file or directory that was asked for
	At   string // the unsafe one: Path, or a directory or link on its way
	Why  string // "belongs to bob (user 1001)"
	Do   string // what this user can do, "run chmod o-w /x"; may be empty
}

func (e *UntrustedError) Error() string {
	text := e.Path + " is not trusted"
	if e.At == e.Path {
		text += ": it " + e.Why
	} else {
		text += ": " + e.At + " " + e.Why
	}
	text += ", so another user could change its contents"
	if e.Do != "" {
		text += "; " + e.Do
	}
	return text + fmt.Sprintf("; to trust it anyway, set %s=%s", TrustVariable, e.Directory())
}

// Directory returns the directory to list in TrustVariable.
func (e *UntrustedError) Directory() string {
	if info, err := os.Stat(e.Path); err == nil && !info.IsDir() {
		return filepath.Dir(e.Path)
	}
	return e.Path
}

// MakeDir creates a directory and its missing parents with mode 0700, and checks
// it like Check.
func MakeDir(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if trusted(path) {
		return os.MkdirAll(path, dirMode)
	}
	for range 1000 { // more than the directories to create and the races to lose
		w := walk(path)
		if err := w.result(path); err != nil {
			return err
		}
		if len(w.missing) == 0 {
			return nil
		}
		if err := os.Mkdir(filepath.Join(w.real, w.missing[0]), dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return fmt.Errorf("creating the directory %s: its path has a cycle", path)
}

// Check returns an *UntrustedError for a directory in which another user could
// plant or replace files, and fs.ErrNotExist if it does not exist.
func Check(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if trusted(path) {
		_, err := os.Stat(path)
		return err
	}
	w := walk(path)
	if err := w.result(path); err != nil {
		return err
	}
	if len(w.missing) > 0 {
		return &fs.PathError{Op: "open", Path: path, Err: syscall.ENOENT}
	}
	return nil
}

// walked is the result of walk.
type walked struct {
	real    string          // the part of the path that exists, without links
	missing []string        // the components below real that do not exist
	fault   *UntrustedError // the first one
	err     error
}

// result returns nil if the existing part of path is trusted.
func (w walked) result(path string) error {
	switch {
	case w.err != nil:
		return w.err
	case w.fault == nil || trusted(w.real):
		return nil
	}
	w.fault.Path = path
	return w.fault
}

// trusted reports whether TrustVariable lists path or a directory above it.
func trusted(path string) bool {
	for _, dir := range filepath.SplitList(os.Getenv(TrustVariable)) {
		dir, err := filepath.Abs(strings.TrimSpace(dir))
		if err != nil {
			continue
		}
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			real = dir
		}
		if below(path, dir) || below(path, real) {
			return true
		}
	}
	return false
}

func below(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && (rel == "." || filepath.IsLocal(rel))
}

// OpenFile opens a file with the flags of os.OpenFile. A new file gets mode
// 0600. OpenFile refuses links, files that are not regular, files that belong to
// another user than this one and root, and files that others can write. The
// caller has checked the directory.
func OpenFile(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, flag&^os.O_TRUNC|noFollow, fileMode)
	if err != nil {
		if isLink(path) {
			err = &UntrustedError{Path: path, At: path, Why: "is a link", Do: "remove it"}
		}
		return nil, err
	}
	if err := checkFile(f, path); err != nil {
		f.Close()
		return nil, err
	}
	if flag&os.O_TRUNC != 0 {
		if err := f.Truncate(0); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

// Open opens a file for reading; see OpenFile.
func Open(path string) (*os.File, error) { return OpenFile(path, os.O_RDONLY) }

// Create creates a file for reading and writing. It must not exist.
func Create(path string) (*os.File, error) {
	return OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

// OpenLog opens for appending a file that the user named. In a directory where
// another user could have planted it (/tmp) the rules of OpenFile hold;
// elsewhere it may be a link or a device.
func OpenLog(path string) (*os.File, error) {
	const flag = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if Check(filepath.Dir(path)) == nil {
		return os.OpenFile(path, flag, fileMode)
	}
	return OpenFile(path, flag)
}

// ReadFile reads a file of at most max bytes; see OpenFile.
func ReadFile(path string, max int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(b)) > max {
		err = fmt.Errorf("%s has more than %d bytes", path, max)
	}
	return b, err
}

// Replace atomically replaces the content of a file.
func Replace(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".new-") // with O_EXCL, 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// OwnedByUser reports whether a file or a link belongs to this user or to root.
// On Windows it returns true.
func OwnedByUser(info fs.FileInfo) bool { return ownedByUser(info) }

// checkFile checks the type, owner and mode of an open file.
func checkFile(f *os.File, path string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &UntrustedError{Path: path, At: path, Why: "is not a regular file", Do: "remove it"}
	}
	if noFollow == 0 && isLink(path) { // the system has no O_NOFOLLOW
		return &UntrustedError{Path: path, At: path, Why: "is a link", Do: "remove it"}
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	why, do := unsafe(path, info)
	if why == "" || trusted(absolute) {
		return nil
	}
	return &UntrustedError{Path: path, At: path, Why: why, Do: do}
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}
