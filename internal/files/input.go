package files

import (
	"bufio"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"

	"github.com/firesteel/firesteel/internal/suggest"
)

// maxWindow is the largest window of zstd in bytes, which is held in memory.
const maxWindow = 128 << 20

// input is the decompressed content of a text file. A seekable input can be read
// from the beginning several times. The bytes read from another input are kept,
// so that they can be read once more.
type input struct {
	name     string // for errors
	path     string
	packed   compression
	waits    *waiting // wraps a file that is not regular
	stdin    io.Reader
	seekable bool
	file     *os.File // nil for standard input
	total    int64
	done     atomic.Int64
	reader   io.Reader
	unpack   io.Closer
	ahead    *bufio.Reader // of the bytes before decompression
	kept     *keptBytes    // bytes of an input that is not seekable
	spooled  bool          // file is a temporary copy
}

func openInput(ctx context.Context, path string, packed compression, stdin io.Reader) (*input, error) {
	in := &input{name: path, path: path, packed: packed, stdin: &waiting{ctx: ctx, r: stdin}}
	if path == "-" {
		in.name = "standard input"
	} else {
		f, info, err := openFile(ctx, path)
		if err != nil {
			return nil, err
		}
		in.file = f
		if info.Mode().IsRegular() {
			in.seekable, in.total = true, info.Size()
		} else {
			in.waits = &waiting{ctx: ctx, r: f}
		}
	}
	return in, nil
}

// begin returns a reader of the content from the beginning.
func (in *input) begin() (io.Reader, error) {
	if in.kept != nil {
		in.kept.again = true
		return io.MultiReader(in.kept, in), nil
	}
	if in.seekable {
		if _, err := in.file.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("reading %s: %w", in.name, err)
		}
	}
	if err := in.open(); err != nil {
		return nil, err
	}
	if !in.seekable {
		in.kept = &keptBytes{r: in}
		return in.kept, nil
	}
	return in, nil
}

// open sets up decompression by the file's name or first bytes.
func (in *input) open() error {
	raw := in.stdin
	switch {
	case in.waits != nil:
		raw = in.waits
	case in.file != nil:
		raw = in.file
	}
	in.closeUnpack()
	in.done.Store(0)
	counted := bufio.NewReaderSize(countedReader{raw, &in.done}, 64<<10)
	in.ahead = counted
	packed := in.packed
	if head, _ := counted.Peek(4); packed == "" { // Read returns the same error again
		packed = detectCompression(head)
	}
	switch packed {
	case gzipped:
		z, err := newGunzip(counted)
		if err != nil {
			return fmt.Errorf("%s is not a gzip file, although its name ends with .gz: %w", in.name, in.decompressionError(err))
		}
		in.reader, in.unpack = z, z
	case zstded:
		z, err := zstd.NewReader(counted, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return fmt.Errorf("%s: %w", in.name, err)
		}
		in.reader, in.unpack = z, z.IOReadCloser()
	case bzipped:
		z := bzip2.NewReader(counted) // it takes at most 4 MB, whatever the file says
		in.reader, in.unpack = z, io.NopCloser(z)
	case xzed:
		z, err := newUnxz(counted)
		if err != nil {
			return fmt.Errorf("decompressing %s: %w", in.name, in.decompressionError(err))
		}
		in.reader, in.unpack = z, z
	default:
		in.reader = counted
	}
	return nil
}

func (in *input) closeUnpack() {
	if in.unpack != nil {
		in.unpack.Close() // only frees memory
		in.unpack = nil
	}
}

// decompressionError adds to an error how many bytes of the compressed data were
// read before it, and replaces io.EOF within it by an error that says so.
func (in *input) decompressionError(err error) error {
	at := in.done.Load() - int64(in.ahead.Buffered())
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("after %d bytes: it is truncated; download or copy it again", at)
	}
	return fmt.Errorf("after %d bytes: %w", at, err)
}

// Read returns io.EOF only at the end of the content.
func (in *input) Read(b []byte) (int, error) {
	n, err := in.reader.Read(b)
	if err != nil && err != io.EOF {
		if in.unpack != nil {
			err = fmt.Errorf("decompressing %s: %w", in.name, in.decompressionError(err))
		} else {
			err = fmt.Errorf("reading %s: %w", in.name, err)
		}
	}
	return n, err
}

func (in *input) Close() error {
	in.closeUnpack()
	if in.file == nil {
		return nil
	}
	err := in.file.Close()
	if in.spooled {
		os.Remove(in.file.Name()) // on most systems it is already removed
	}
	return err
}

// keptBytes records the bytes that are read and then returns them again.
type keptBytes struct {
	r     io.Reader
	kept  []byte
	again bool
}

func (k *keptBytes) Read(b []byte) (int, error) {
	if k.again {
		if len(k.kept) == 0 {
			return 0, io.EOF
		}
		n := copy(b, k.kept)
		k.kept = k.kept[n:]
		return n, nil
	}
	n, err := k.r.Read(b)
	k.kept = append(k.kept, b[:n]...)
	return n, err
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

// openFile opens a file that CheckExists has found.
func openFile(ctx context.Context, path string) (*os.File, fs.FileInfo, error) {
	c := await(ctx, func() result { // opening a pipe blocks until it has a writer
		f, err := os.Open(path)
		return result{file: f, err: err}
	})
	f, err := c.file, c.err
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
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

// CheckExists returns an error with suggestions if path is not a file. Standard
// input, "-", always exists.
func CheckExists(path string) error {
	if path == "-" {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no file %s%s", path, suggestion(path))
	case err != nil:
		return unreadable(path, err)
	case info.IsDir():
		return fmt.Errorf("%s is a folder; name a file in it%s", path, tables(path))
	}
	return nil
}

func unreadable(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("no permission to read %s: %w; its owner can run chmod a+r", path, err)
	}
	return err
}

// suggestion returns a hint for a file that does not exist: a file with the same
// name and another extension, a file with a similar name, some readable files of
// the folder, or that there is no such folder.
func suggestion(path string) string {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Sprintf(": the folder %s does not exist", dir)
	}
	if err != nil {
		return fmt.Sprintf(": the folder %s cannot be read", dir)
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
		meant, ok = suggest.Nearest(wanted, names)
	}
	if ok {
		return "; did you mean " + suggest.Visible(filepath.Join(dir, meant)) + "?"
	}
	return tables(dir)
}

// tables returns a hint that names some files of a folder with a known format.
func tables(dir string) string {
	entries, _ := os.ReadDir(dir) // without a listing there is no hint
	var names []string
	for _, e := range entries {
		if _, _, err := formatOf(e.Name(), "", false); err == nil && !e.IsDir() {
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
