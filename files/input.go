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

// openFile opens a file to read, and helps where it is not there.
func openFile(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("there is no file %s%s", path, similar(path))
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a folder; name one of the files in it", path)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// similar names a file that may be meant: of the same name but for its ending
// or its capitals. Without one, it says whether the folder is there.
func similar(path string) string {
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
	for _, same := range []func(name string) bool{
		func(name string) bool { return strings.EqualFold(name, wanted) },
		func(name string) bool { return stem(name) == stem(wanted) && stem(name) != "" },
	} {
		for _, e := range entries {
			if !e.IsDir() && same(e.Name()) {
				return "; did you mean " + filepath.Join(dir, e.Name()) + "?"
			}
		}
	}
	return ""
}
