// Package atomicfile writes files that appear under their names only when they
// are complete. Until then the data is in a part file in the same folder. Inputs
// are never overwritten, and existing files only on request.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
)

// Options say which files an output may replace.
type Options struct {
	// Overwrite makes Commit replace an existing file. Without it an existing
	// file is an error of Create, or of Commit if it was created in between.
	Overwrite bool
	// Inputs are files and folders that the same command reads. The output must
	// not be one of them, nor an existing file in one of the folders, under any
	// link or spelling. Empty names and names that do not exist are ignored.
	Inputs []string
	// Private makes a new file readable by its owner only.
	Private bool
}

// File is an output file. Commit gives it its name, Abort discards it.
type File struct {
	path    string // as given by the user
	target  string // the final path without links; "" for a device or a pipe, which has no part file
	file    *os.File
	replace bool
	err     error // the first one
	done    bool
}

// Create opens an output. Its errors are *InputError, *ExistsError, or those of
// the operating system.
func Create(path string, o Options) (*File, error) {
	if err := CheckInputs(path, o.Inputs); err != nil {
		return nil, err
	}
	f := &File{path: path, replace: o.Overwrite}
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 && !privatefile.OwnedByUser(info) {
		return nil, fmt.Errorf("%s is a link that belongs to another user: it could point to any file of yours; name another file", path)
	}
	target := path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		target = real // the link stays
	} else if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return nil, fmt.Errorf("%s is a symbolic link to a file that does not exist; remove the link, or name another file", path)
	}
	info, err := os.Stat(target)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s is a folder; name a file in it", path)
	case err == nil && !info.Mode().IsRegular():
		f.file, err = os.OpenFile(target, os.O_WRONLY, 0)
		return f, err
	case err == nil && !o.Overwrite:
		return nil, &ExistsError{path}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	dir := filepath.Dir(target)
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s cannot be written: the folder %s does not exist; create it with mkdir -p %[2]s", path, dir)
	}
	mode := fs.FileMode(0o666)
	if o.Private {
		mode = 0o600
	}
	// The name is always the same, so that the next run replaces the part file of
	// a killed process.
	partial := filepath.Join(dir, "."+filepath.Base(target)+".firesteel-part")
	if err := CheckInputs(partial, o.Inputs); err != nil {
		return nil, err
	}
	if f.file, err = openPart(partial, path, mode); err != nil {
		return nil, f.explain(err)
	}
	f.target = target
	if info != nil {
		err = f.file.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = f.file.Truncate(0)
	}
	if err != nil {
		f.Abort()
		return nil, f.explain(err)
	}
	return f, nil
}

// InputError reports an output that would overwrite an input of the same command.
type InputError struct{ Path, Input string }

func (e *InputError) Error() string {
	if e.Path == e.Input {
		return fmt.Sprintf("%s is the input; write to another file", e.Path)
	}
	return fmt.Sprintf("%s is the same file as the input %s, or lies in it; write to another file", e.Path, e.Input)
}

// ExistsError reports an output whose file exists.
type ExistsError struct{ Path string }

func (e *ExistsError) Error() string {
	return fmt.Sprintf("the file %s exists; remove it, or choose another name", e.Path)
}

// Is reports whether target is fs.ErrExist.
func (e *ExistsError) Is(target error) bool { return target == fs.ErrExist }

// CheckInputs returns an *InputError if an output of this path would overwrite
// one of the inputs, or an existing file below one that is a folder.
func CheckInputs(path string, inputs []string) error {
	out, err := os.Stat(path)
	if err != nil || !out.Mode().IsRegular() {
		return nil
	}
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return err
	}
	for _, input := range inputs {
		in, err := os.Stat(input)
		if err != nil {
			continue
		}
		same := os.SameFile(in, out)
		// Parents are compared by identity, since names may differ in case.
		for dir := filepath.Dir(real); in.IsDir() && !same; dir = filepath.Dir(dir) {
			parent, err := os.Stat(dir)
			same = err == nil && os.SameFile(in, parent)
			if dir == filepath.Dir(dir) {
				break
			}
		}
		if same {
			return &InputError{path, input}
		}
	}
	return nil
}

// CheckStream returns an *InputError if w is a regular file that is one of the
// inputs: the standard output of a command that is redirected to its input.
func CheckStream(w io.Writer, inputs []string) error {
	file, ok := w.(*os.File)
	if !ok {
		return nil
	}
	out, err := file.Stat()
	if err != nil || !out.Mode().IsRegular() {
		return nil
	}
	for _, input := range inputs {
		if in, err := os.Stat(input); err == nil && os.SameFile(in, out) {
			return &InputError{"standard output", input}
		}
	}
	return nil
}

// openPart opens and locks a part file.
func openPart(partial, path string, mode fs.FileMode) (*os.File, error) {
	for {
		f, err := os.OpenFile(partial, os.O_RDWR|os.O_CREATE|os.O_EXCL|noFollow, mode)
		created := err == nil // network file systems may report another owner for a new file
		if errors.Is(err, fs.ErrExist) {
			f, err = os.OpenFile(partial, os.O_RDWR|noFollow, 0)
			if errors.Is(err, fs.ErrNotExist) { // removed since
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		if err := lock(f); err != nil {
			f.Close()
			if errors.Is(err, errLocked) {
				return nil, fmt.Errorf("%s is being written by another process, or by another output of this command: wait for it, or choose another name", path)
			}
			return nil, err
		}
		opened, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if !opened.Mode().IsRegular() || !created && !privatefile.OwnedByUser(opened) {
			f.Close()
			return nil, fmt.Errorf("%s is not a part file of firesteel; remove it", partial)
		}
		if links(opened) > 1 { // a hard link to another file, whose content must stay
			err := os.Remove(partial)
			f.Close()
			if err != nil {
				return nil, err
			}
			continue
		}
		// The process that held the lock may have renamed the file.
		if current, err := os.Lstat(partial); err == nil && os.SameFile(opened, current) {
			return f, nil
		}
		f.Close()
	}
}

var errLocked = errors.New("locked")

// Write writes to the file. After an error it always returns that error.
func (f *File) Write(b []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.file.Write(b)
	if err != nil {
		f.err = f.explain(err)
	}
	return n, f.err
}

// explain adds to an error the file and what to do.
func (f *File) explain(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("writing %s: no space left on the disk: free some, or choose a folder on another disk (%w)", f.path, err)
	case errors.Is(err, syscall.ELOOP):
		return fmt.Errorf("writing %s: its part file is a symbolic link, which firesteel did not create; remove it (%w)", f.path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("writing %s: no permission to write in its folder: choose another folder (%w)", f.path, err)
	}
	return fmt.Errorf("writing %s: %w", f.path, err)
}

// Commit completes the file and gives it its name. After an error the file of
// that name is unchanged.
func (f *File) Commit() error {
	if f.done {
		return f.err
	}
	step := func(do func() error) {
		if f.err != nil {
			return
		}
		if err := do(); err != nil {
			f.err = f.explain(err)
		}
	}
	if f.target == "" {
		step(f.file.Close)
		f.done = true
		return f.err
	}
	step(f.file.Sync)
	step(f.rename)
	if f.err != nil {
		f.Abort()
		return f.err
	}
	f.done = true
	step(func() error { return syncFolder(filepath.Dir(f.target)) })
	f.file.Close() // releases the lock; the data is on the disk
	return f.err
}

// rename gives the part file its final name.
func (f *File) rename() error {
	if f.replace {
		return os.Rename(f.file.Name(), f.target)
	}
	// os.Link fails if the file exists, unlike os.Rename.
	err := os.Link(f.file.Name(), f.target)
	if errors.Is(err, fs.ErrExist) {
		return &ExistsError{f.path}
	}
	if err == nil {
		os.Remove(f.file.Name())
		return nil
	}
	// A file system without hard links.
	if _, err := os.Lstat(f.target); err == nil {
		return &ExistsError{f.path}
	}
	return os.Rename(f.file.Name(), f.target)
}

// Abort discards the file. After Commit it does nothing.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	if f.err == nil {
		f.err = fmt.Errorf("writing %s: aborted", f.path)
	}
	if f.target != "" {
		os.Remove(f.file.Name())
	}
	f.file.Close()
}
