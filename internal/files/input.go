package files

import (
	"bufio"
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

// maxWindow bounds what zstd may keep in memory to look back to.
const maxWindow = 128 << 20

// input is the bytes of a text file, unpacked. It can be read from its begin
// more than once if again holds; otherwise what was read is kept for one more
// time.
type input struct {
	name   string // for errors
	path   string
	packed compression
	waits  *waiting // around file, where it is no regular one
	stdin  io.Reader
	again  bool
	file   *os.File // nil for standard input
	total  int64
	done   atomic.Int64
	reader io.Reader
	unpack io.Closer
	kept   *keptBytes // of what is read once only
	// spooled: file is a temporary copy.
	spooled bool
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
			in.again, in.total = true, info.Size()
		} else {
			in.waits = &waiting{ctx: ctx, r: f}
		}
	}
	return in, nil
}

// begin gives the content from its begin.
func (in *input) begin() (io.Reader, error) {
	if in.kept != nil {
		in.kept.again = true
		return io.MultiReader(in.kept, in), nil
	}
	if in.again {
		if _, err := in.file.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("reading %s: %w", in.name, err)
		}
	}
	if err := in.open(); err != nil {
		return nil, err
	}
	if !in.again {
		in.kept = &keptBytes{r: in}
		return in.kept, nil
	}
	return in, nil
}

// open unpacks the file, whose name or first bytes say how it is packed.
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
	packed := in.packed
	if head, _ := counted.Peek(4); packed == "" { // an error comes again with the first Read
		packed = packedAs(head)
	}
	switch packed {
	case gzipped:
		z, err := newGunzip(counted)
		if err != nil {
			return fmt.Errorf("%s is no gzip file, although its name ends with .gz: %w", in.name, unpacked(err))
		}
		in.reader, in.unpack = z, z
	case zstded:
		z, err := zstd.NewReader(counted, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return fmt.Errorf("%s: %w", in.name, err)
		}
		in.reader, in.unpack = z, z.IOReadCloser()
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

// unpacked tells a file that ends too early from the end of a file.
func unpacked(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends too early; get it again")
	}
	return err
}

// Read gives io.EOF only where the content ends.
func (in *input) Read(b []byte) (int, error) {
	n, err := in.reader.Read(b)
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
	in.closeUnpack()
	if in.file == nil {
		return nil
	}
	err := in.file.Close()
	if in.spooled {
		os.Remove(in.file.Name()) // as a rule it is removed already
	}
	return err
}

// keptBytes keeps what is read, and then gives it again.
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

// openFile opens a file to read, of which Look has said that there is one.
func openFile(ctx context.Context, path string) (*os.File, fs.FileInfo, error) {
	c := await(ctx, func() came { // a pipe that nobody has opened yet
		f, err := os.Open(path)
		return came{file: f, err: err}
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
		meant, ok = suggest.Nearest(wanted, names)
	}
	if ok {
		return "; did you mean " + suggest.Visible(filepath.Join(dir, meant)) + "?"
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
