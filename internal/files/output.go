package files

import (
	"bufio"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/firesteel/firesteel/internal/fsys/atomicfile"
)

// output is a file or standard output with a buffer and optional compression.
type output struct {
	path   string
	file   *atomicfile.File // nil for standard output
	buffer *bufio.Writer
	pack   io.WriteCloser // nil without compression
	io.Writer
	err  error // first error
	done bool
}

// createOutput opens an output.
func createOutput(path string, packed compression, o WriteOptions) (*output, error) {
	out := &output{path: path}
	raw := o.Stdout
	if path == "-" {
		out.path = "standard output"
		if err := atomicfile.CheckStream(o.Stdout, o.Inputs); err != nil {
			return nil, err
		}
	} else {
		var err error
		if out.file, err = atomicfile.Create(path, atomicfile.Options{Overwrite: o.Replace, Inputs: o.Inputs}); err != nil {
			return nil, err
		}
		raw = out.file
	}
	out.buffer = bufio.NewWriterSize(raw, 256<<10)
	out.Writer = out.buffer
	switch packed {
	case gzipped:
		out.pack = gzip.NewWriter(out.buffer)
	case zstded:
		z, err := zstd.NewWriter(out.buffer, zstd.WithEncoderConcurrency(1))
		if err != nil {
			out.abort()
			return nil, fmt.Errorf("%s: %w", out.path, err)
		}
		out.pack = z
	}
	if out.pack != nil {
		out.Writer = out.pack
	}
	return out, nil
}

// Write writes b. After an error it always returns that error.
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

// explain adds the name of standard output to an error; errors of files have it.
func (o *output) explain(err error) error {
	if o.file == nil {
		return fmt.Errorf("writing %s: %w", o.path, err)
	}
	return err
}

// close completes the file and gives it its name. After an error the file of that
// name is unchanged.
func (o *output) close() error {
	if o.done {
		return o.err
	}
	if o.pack != nil && o.err == nil {
		if err := o.pack.Close(); err != nil {
			o.err = o.explain(err)
		}
	}
	if o.err == nil {
		if err := o.buffer.Flush(); err != nil {
			o.err = o.explain(err)
		}
	}
	if o.err != nil {
		o.abort()
		return o.err
	}
	o.done = true
	if o.file != nil {
		o.err = o.file.Commit()
	}
	return o.err
}

// abort discards the output. After close it does nothing.
func (o *output) abort() {
	if o.done {
		return
	}
	o.done = true
	if o.err == nil {
		o.err = fmt.Errorf("writing %s: aborted", o.path)
	}
	if o.file != nil {
		o.file.Abort()
	}
}
