package files

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// output is a file that appears under its name when it is whole. Until then it
// is beside it, under a name of its own that is always the same, so that what
// a killed process leaves is taken away by the next one.
type output struct {
	path   string   // as the user wrote it
	target string   // where the file goes; "" for what is no file
	file   *os.File // nil for standard output
	buffer *bufio.Writer
	pack   io.WriteCloser
	io.Writer
	err  error
	done bool
}

// createOutput opens an output. Without replace, there must be no file yet.
func createOutput(path string, packed compression, replace bool, stdout io.Writer) (*output, error) {
	o := &output{path: path}
	var raw io.Writer = stdout
	if path == "-" {
		o.path = "standard output"
	} else {
		if err := o.open(path, replace); err != nil {
			return nil, err
		}
		raw = o.file
	}
	o.buffer = bufio.NewWriterSize(raw, 256<<10)
	o.Writer = o.buffer
	switch packed {
	case gzipped:
		o.pack = gzip.NewWriter(o.buffer)
	case zstded:
		z, err := zstd.NewWriter(o.buffer, zstd.WithEncoderConcurrency(1))
		if err != nil {
			o.abort()
			return nil, fmt.Errorf("%s: %w", o.path, err)
		}
		o.pack = z
	}
	if o.pack != nil {
		o.Writer = o.pack
	}
	return o, nil
}

func (o *output) open(path string, replace bool) error {
	target := path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		target = real // the link stays one
	}
	info, err := os.Stat(target)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a folder; name a file in it", path)
	case err == nil && !info.Mode().IsRegular(): // a device or a pipe
		o.file, err = os.OpenFile(target, os.O_WRONLY, 0)
		return err
	case err == nil && !replace:
		return fmt.Errorf("there is a file %s already: remove it, or choose another name", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	dir := filepath.Dir(target)
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return fmt.Errorf("%s cannot be written: there is no folder %s; make it with mkdir -p %[2]s", path, dir)
	}
	partial := filepath.Join(dir, "."+filepath.Base(target)+".firesteel-part")
	if o.file, err = openAlone(partial, path); err != nil {
		return o.explain(err)
	}
	if info != nil {
		err = o.file.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = o.file.Truncate(0)
	}
	if err != nil {
		o.abort()
		return o.explain(err)
	}
	o.target = target
	return nil
}

// openAlone opens a file that no other process has open this way.
func openAlone(partial, path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(partial, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, err
		}
		if err := lock(f); err != nil {
			f.Close()
			if errors.Is(err, errLocked) {
				return nil, fmt.Errorf("another process is writing %s now: wait for it, or choose another name", path)
			}
			return nil, err
		}
		// The one that held the lock may have put the file to its place since.
		mine, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if there, err := os.Stat(partial); err == nil && os.SameFile(mine, there) {
			return f, nil
		}
		f.Close()
	}
}

var errLocked = errors.New("locked")

// Write remembers the first error, and explains it.
func (o *output) Write(b []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.Writer.Write(b)
	if err != nil {
		o.err = o.explain(err)
	}
	return n, o.err
}

func (o *output) explain(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("writing %s: no space is left there: make room, or choose a place on another disk (%w)", o.path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("writing %s: its folder may not be written to: choose another place (%w)", o.path, err)
	}
	return fmt.Errorf("writing %s: %w", o.path, err)
}

// close finishes the file and puts it to its place. On an error there is
// nothing at that place that was not there before.
func (o *output) close() error {
	if o.done {
		return o.err
	}
	step := func(f func() error) {
		if o.err != nil {
			return
		}
		if err := f(); err != nil {
			o.err = o.explain(err)
		}
	}
	if o.pack != nil {
		step(o.pack.Close)
	}
	step(o.buffer.Flush)
	if o.target == "" {
		if o.file != nil {
			step(o.file.Close)
		}
		o.done = o.err == nil
		return o.err
	}
	step(o.file.Sync)
	step(func() error { return os.Rename(o.file.Name(), o.target) })
	if o.err != nil {
		o.abort()
		return o.err
	}
	o.done = true
	step(func() error { return syncFolder(filepath.Dir(o.target)) })
	o.file.Close() // which unlocks it; it is on the disk
	return o.err
}

// abort takes away what was written. After close it does nothing.
func (o *output) abort() {
	if o.done || o.file == nil {
		return
	}
	o.done = true
	if o.err == nil {
		o.err = fmt.Errorf("writing %s: it was given up", o.path)
	}
	if o.target != "" {
		os.Remove(o.file.Name())
	}
	o.file.Close()
}
