// Package privatefile makes and opens the files that firesteel keeps for itself:
// downloads, programs, ledgers, locks, logs. Another user of the machine must
// not be able to plant, replace or redirect them.
//
// A directory is trusted if it belongs to this process's user or to root, if
// no other user can write in it, and if the same holds for every directory
// above it and for every link on the way. Above it, a directory that everyone
// may write is allowed where its sticky bit keeps others from replacing what
// is ours (/tmp). This is what OpenSSH's StrictModes asks for, up to the root.
//
// Whoever wants a directory all the same names it in TrustVariable.
//
// On Windows neither owners nor access lists are checked; links are.
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

// TrustVariable lists directories, separated as in PATH. What lies in them or
// below is used whoever owns or may write it.
const TrustVariable = "FIRESTEEL_TRUST_DIRECTORY"

// Modes of what is made.
const (
	dirMode  = 0o700
	fileMode = 0o600
)

// UntrustedError says why a file or directory is not used.
type UntrustedError struct {
	Path string // that was to be used
	At   string // Path, or what is above it, that is not safe
	Why  string // "belongs to bob (user 1001)"
	Do   string // what this user can do: "run chmod o-w /x"; may be empty
}

func (e *UntrustedError) Error() string {
	text := e.Path + " is not trusted"
	if e.At == e.Path {
		text += ": it " + e.Why
	} else {
		text += ": " + e.At + " " + e.Why
	}
	text += ", and another user could change what is kept there"
	if e.Do != "" {
		text += "; " + e.Do
	}
	return text + fmt.Sprintf("; if you trust it all the same, set %s=%s", TrustVariable, e.Directory())
}

// Directory is what a person who means it names as trusted.
func (e *UntrustedError) Directory() string {
	if info, err := os.Stat(e.Path); err == nil && !info.IsDir() {
		return filepath.Dir(e.Path)
	}
	return e.Path
}

// MakeDir makes a directory and those above it that are not there, for this
// user alone, and checks it as Check does.
func MakeDir(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if trusted(path) {
		return os.MkdirAll(path, dirMode)
	}
	for range 1000 { // as many as there are directories to make, and races
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
	return fmt.Errorf("the directory %s cannot be made: its path goes in circles", path)
}

// Check refuses a directory in which another user could plant or replace
// files, by an UntrustedError. fs.ErrNotExist says that there is none.
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

// walked is what walk found.
type walked struct {
	real    string          // the path so far, without links
	missing []string        // what is not there, from real on
	fault   *UntrustedError // the first one
	err     error
}

// result is nil for a path that is trusted as far as it exists.
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

// trusted tells whether a user has named the path or a directory above it.
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

// OpenFile opens a file, with a flag as os.OpenFile's. A new one is for this
// user alone. It follows no link in the file's place, and refuses what is not
// a regular file, or belongs to another user than this one and root, or can be
// written by others. The directory must have been checked.
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

// Open opens a file to be read; see OpenFile.
func Open(path string) (*os.File, error) { return OpenFile(path, os.O_RDONLY) }

// Create makes a file that is not there, to be read and written.
func Create(path string) (*os.File, error) {
	return OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

// OpenLog opens a file that a person named, to append to it. Where another user
// could have planted it, as in /tmp, OpenFile's rules hold; elsewhere it may be
// a link or a device.
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

// Replace puts a file in its place, as a whole or not at all, over what is
// there.
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

// Mine tells whether a file, or a link, belongs to this user or to root. On
// Windows all do.
func Mine(info fs.FileInfo) bool { return mine(info) }

// checkFile looks at what was opened.
func checkFile(f *os.File, path string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &UntrustedError{Path: path, At: path, Why: "is not a regular file", Do: "remove it"}
	}
	if noFollow == 0 && isLink(path) { // where the system cannot be asked not to follow
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
