package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/firesteel/firesteel/internal/similar"
)

// maxWindow bounds what zstd may keep in memory to look back to.
const maxWindow = 128 << 20

// input is the bytes of a text file, unpacked.
type input struct {
	name  string // for errors
	again bool   // it can be opened again and gives the same
	file  io.Closer
	total int64
	done  atomic.Int64
	io.Reader
	unpack io.Closer
}

func openInput(path string, packed compression, stdin io.Reader) (*input, error) {
	in := &input{name: path}
	var raw io.Reader
	if path == "-" {
		in.name, raw = "standard input", stdin
	} else {
		f, info, err := openFile(path)
		if err != nil {
			return nil, err
		}
		in.file, raw = f, f
		if info.Mode().IsRegular() {
			in.again, in.total = true, info.Size()
		}
	}
	counted := countedReader{raw, &in.done}
	switch packed {
	case gzipped:
		z, err := gzip.NewReader(counted)
		if err != nil {
			in.Close()
			return nil, fmt.Errorf("%s is no gzip file, although its name ends with .gz: %w", in.name, unpacked(err))
		}
		in.Reader, in.unpack = z, z
	case zstded:
		z, err := zstd.NewReader(counted, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			in.Close()
			return nil, fmt.Errorf("%s: %w", in.name, err)
		}
		in.Reader, in.unpack = z, z.IOReadCloser()
	default:
		in.Reader = counted
	}
	return in, nil
}

// unpacked tells a file that ends too early from the end of a file.
func unpacked(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends too early; get it again")
	}
	return err
}

// Read gives io.EOF only where the content ends.
func (in *input) Read(b []byte) (int, error) {
	n, err := in.Reader.Read(b)
	if err != nil && err != io.EOF {
		if in.unpack != nil {
			err = fmt.Errorf("%s cannot be unpacked: %w", in.name, unpacked(err))
		} else {
			err = fmt.Errorf("reading %s: %w", in.name, err)
		}
	}
	return n, err
}

func (in *input) Close() error {
	if in.unpack != nil {
		in.unpack.Close() // only frees memory
	}
	if in.file != nil {
		return in.file.Close()
	}
	return nil
}

type countedReader struct {
	io.Reader
	n *atomic.Int64
}

func (c countedReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// openFile opens a file to read, of which Look has said that there is one.
func openFile(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// Look says whether there is a file to read, and helps where there is not.
// Standard input, "-", always is.
func Look(path string) error {
	if path == "-" {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no file %s%s", path, beside(path))
	case err != nil:
		return unreadable(path, err)
	case info.IsDir():
		return fmt.Errorf("%s is a folder; name one file%s", path, tables(path))
	}
	return nil
}

func unreadable(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s may not be read by you: %w; its owner allows it by chmod a+r", path, err)
	}
	return err
}

// beside names a file that may be meant: of the same name but for its ending,
// or of a name much like it; or else some that could be read. Without a folder
// it says so.
func beside(path string) string {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Sprintf(": there is no folder %s that can be read", dir)
	}
	stem := func(name string) string {
		name, _, _ = strings.Cut(strings.ToLower(name), ".")
		return name
	}
	wanted := filepath.Base(path)
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		names = append(names, e.Name())
	}
	meant, ok := "", false
	for _, name := range names {
		if stem(name) == stem(wanted) && stem(name) != "" && (!ok || strings.EqualFold(name, wanted)) {
			meant, ok = name, true
		}
	}
	if !ok {
		meant, ok = similar.Nearest(wanted, names)
	}
	if ok {
		return "; did you mean " + similar.Visible(filepath.Join(dir, meant)) + "?"
	}
	return tables(dir)
}

// tables names some files of a folder that could be read.
func tables(dir string) string {
	entries, _ := os.ReadDir(dir) // what cannot be listed helps nobody
	var names []string
	for _, e := range entries {
		if _, _, err := formatOf(e.Name(), "", ""); err == nil && !e.IsDir() {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	const most = 5
	switch {
	case len(names) == 0:
		return ""
	case len(names) == 1:
		return "; there is " + names[0]
	case len(names) > most:
		names = append(names[:most], "...")
	}
	return "; there are " + strings.Join(names, ", ")
}
