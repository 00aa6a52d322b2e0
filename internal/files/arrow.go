package files

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/firesteel/firesteel/internal/arrowipc"
)

// An Arrow file is a stream of Arrow IPC between a head of arrowHead and a footer,
// which only readers that go to one batch need.
//
// Source: Apache Arrow, "Columnar format", "IPC File Format".
const arrowHead = "ARROW1\x00\x00"

// maxArrowRows bounds the rows of a batch: those of a batch without columns take no
// bytes.
const maxArrowRows = 1 << 31

// arrowReader reads Arrow's IPC, both the stream and the file.
type arrowReader struct {
	in     *input
	stream *arrowipc.Reader
	schema *arrow.Schema
	o      ReadOptions
	batch  arrow.RecordBatch // of the stream; nil if the next one is due
	from   int64             // its next row
	rows   int64             // of it that Next returns
	read   int64             // rows so far
}

func openArrow(ctx context.Context, path string, o ReadOptions) (Reader, error) {
	in, err := openInput(ctx, path, "", o.Stdin)
	if err != nil {
		return nil, err
	}
	r := &arrowReader{in: in, o: o}
	if err := r.open(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *arrowReader) open() error {
	if err := r.in.open(); err != nil {
		return err
	}
	from := bufio.NewReader(r.in)
	head, err := from.Peek(len(arrowHead))
	if err != nil && err != io.EOF {
		return err
	}
	switch {
	case len(head) == 0:
		return fmt.Errorf("%s is empty; an Arrow stream begins with its columns, also if it has no rows", r.in.name)
	case string(head) == arrowHead:
		from.Discard(len(head)) // it is buffered
	case strings.HasPrefix(string(head), "FEA1"):
		return &WrongFormatError{r.in.name, "is a Feather file of version 1, which pandas wrote before 2020: write it again"}
	case strings.HasPrefix(string(head), "PAR1"):
		return &WrongFormatError{r.in.name, "is a Parquet file"}
	}
	r.stream = arrowipc.NewReader(from, arrowipc.Options{Allocator: r.o.Allocator, MaxRows: maxArrowRows, AnyTypes: true})
	if r.schema, err = r.stream.Schema(); err != nil {
		return r.explain(err)
	}
	for _, f := range r.schema.Fields() {
		if hasDenseUnion(f.Type) {
			return fmt.Errorf("%s: column %s is a dense union, whose rows cannot be divided into batches: write it as a sparse union, or leave it out", r.in.name, f.Name)
		}
	}
	return nil
}

// hasDenseUnion reports whether the type is or contains a dense union. Arrow's
// library fails to write slices of it.
func hasDenseUnion(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.DenseUnionType:
		return true
	case *arrow.DictionaryType:
		return hasDenseUnion(t.ValueType)
	case arrow.ExtensionType:
		return hasDenseUnion(t.StorageType())
	case arrow.NestedType:
		return slices.ContainsFunc(t.Fields(), func(f arrow.Field) bool { return hasDenseUnion(f.Type) })
	}
	return false
}

// explain adds to an error the name of the file.
func (r *arrowReader) explain(err error) error {
	switch {
	case err == nil, err == io.EOF, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case r.schema == nil:
		return fmt.Errorf("%s is not Arrow, or damaged: %w", r.in.name, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s is truncated after row %d: %w; write it again", r.in.name, r.read, err)
	}
	return fmt.Errorf("%s is damaged after row %d: %w; write it again", r.in.name, r.read, err)
}

func (r *arrowReader) Schema() *arrow.Schema { return r.schema }

func (r *arrowReader) Progress() (done, total int64) { return r.in.done.Load(), r.in.total }

func (r *arrowReader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for r.batch == nil {
		if err := r.explain(r.advance()); err != nil {
			return nil, err
		}
	}
	n := min(r.rows, r.batch.NumRows()-r.from)
	part := r.batch.NewSlice(r.from, r.from+n)
	r.from += n
	r.read += n
	if r.from == r.batch.NumRows() {
		r.batch.Release()
		r.batch = nil
	}
	return part, nil
}

// advance reads the next batch of the stream, unless it has no rows.
func (r *arrowReader) advance() error {
	batch, err := r.stream.Next()
	if err != nil {
		return err
	}
	if err := arrowipc.CheckValues(batch, maxArrowRows); err != nil {
		batch.Release()
		return err
	}
	n := batch.NumRows()
	if n == 0 {
		batch.Release()
		return nil
	}
	r.batch, r.from = batch, 0
	r.rows = max(1, min(int64(r.o.Rows), int64(r.o.Bytes)*n/max(sizeOf(batch), 1)))
	return nil
}

func (r *arrowReader) Close() error {
	if r.batch != nil {
		r.batch.Release()
		r.batch = nil
	}
	if r.stream != nil {
		r.stream.Release()
	}
	return r.in.Close()
}

// arrowWriter writes Arrow's IPC.
type arrowWriter struct {
	to     interface{ Write(arrow.RecordBatch) error }
	end    func() error
	out    *output
	schema *arrow.Schema
	closed bool
}

// createArrow writes a file to a path, and a stream to standard output and to the
// name of a stream.
func createArrow(out *output, path string, schema *arrow.Schema, o WriteOptions) (Writer, error) {
	w := &arrowWriter{out: out, schema: schema}
	if path == "-" || strings.EqualFold(filepath.Ext(path), ".arrows") {
		stream := ipc.NewWriter(out, ipc.WithSchema(schema), ipc.WithAllocator(o.Allocator))
		w.to, w.end = stream, stream.Close
		return w, nil
	}
	file, err := ipc.NewFileWriter(out, ipc.WithSchema(schema), ipc.WithAllocator(o.Allocator))
	if err != nil {
		out.abort()
		return nil, fmt.Errorf("%s: Arrow cannot store these columns: %w", out.path, err)
	}
	w.to, w.end = file, file.Close
	return w, nil
}

func (w *arrowWriter) Write(batch arrow.RecordBatch) error {
	if !batch.Schema().Equal(w.schema) {
		return w.explain(fmt.Errorf("the batch has the columns %s, but the file %s", describe(batch.Schema()), describe(w.schema)))
	}
	err := w.to.Write(batch)
	if err != nil && strings.Contains(err.Error(), "Dictionary replacement") {
		err = errors.New("the rows have several dictionaries of one column, and an Arrow file holds one; write a stream (.arrows)")
	}
	return w.explain(err)
}

// explain adds the name of the file to an error.
func (w *arrowWriter) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case w.out.err != nil:
		return w.out.err // the cause
	}
	return fmt.Errorf("writing %s: %w", w.out.path, err)
}

func (w *arrowWriter) Close() error {
	if !w.closed {
		w.closed = true
		if err := w.explain(w.end()); err != nil {
			w.out.abort()
			return err
		}
	}
	return w.out.close()
}

func (w *arrowWriter) Abort() {
	if !w.closed {
		w.closed = true
		if w.out.err == nil {
			w.out.err = fmt.Errorf("writing %s: aborted", w.out.path)
		}
		w.end() // releases memory; nothing more is written
	}
	w.out.abort()
}
