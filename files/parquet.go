package files

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/firesteel/firesteel/internal/arrowipc"
)

// parquetReader reads row group by row group, and of these page by page.
type parquetReader struct {
	name   string
	file   *file.Reader
	rows   pqarrow.RecordReader // nil for a file without rows
	schema *arrow.Schema
	bad    error
	read   int64 // rows so far
	total  int64
	bytes  int64
}

// guarded turns a panic over a damaged file into an error.
func guarded(name string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s is a damaged Parquet file: %v", name, r)
		}
	}()
	return f()
}

func openParquet(ctx context.Context, path string, o ReadOptions) (Reader, error) {
	if path == "-" {
		return nil, errors.New("Parquet cannot be read from standard input, as its end is read first: save it to a file")
	}
	f, info, err := openFile(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		f.Close()
		return nil, fmt.Errorf("%s is no file that can be read from its end, as Parquet needs: save it to one", path)
	}
	r := &parquetReader{name: path, bytes: info.Size()}
	if err := guarded(path, func() error { return r.open(ctx, f, o) }); err != nil {
		if r.file != nil {
			r.Close()
		}
		f.Close()
		return nil, err
	}
	return r, nil
}

func (r *parquetReader) open(ctx context.Context, f *os.File, o ReadOptions) error {
	magic := make([]byte, 4)
	if _, err := f.ReadAt(magic, 0); err != nil || string(magic) != "PAR1" && string(magic) != "PARE" {
		return fmt.Errorf("%s is no Parquet file: it does not begin with PAR1; if it is another format, say which by %s", r.name, readFlag)
	}
	if err := checkFooter(f, r.bytes); err != nil {
		return fmt.Errorf("%s is a damaged Parquet file, or was not written to its end: %w; make it again", r.name, err)
	}
	props := parquet.NewReaderProperties(o.Allocator)
	props.BufferedStreamEnabled = true // not a whole column chunk in memory
	var err error
	if r.file, err = file.NewParquetReader(f, file.WithReadProps(props)); err != nil {
		return fmt.Errorf("%s is a damaged Parquet file: %w", r.name, err)
	}
	if r.total = r.file.NumRows(); r.total < 0 {
		return fmt.Errorf("%s is a damaged Parquet file: it says that it has %d rows", r.name, r.total)
	}
	arrowProps := pqarrow.ArrowReadProperties{BatchSize: int64(batchRows(r.file, o))}
	if err := checkStored(r.file.MetaData().KeyValueMetadata().FindValue("ARROW:schema")); err != nil {
		return fmt.Errorf("%s is a damaged Parquet file: its schema of Arrow: %w", r.name, err)
	}
	reader, err := pqarrow.NewFileReader(r.file, arrowProps, o.Allocator)
	if err == nil {
		r.schema, err = reader.Schema()
	}
	if err != nil {
		return fmt.Errorf("%s has columns that cannot be read: %w", r.name, err)
	}
	if r.total == 0 {
		return nil
	}
	// Reading may not end with Open's context, but with that of each Next.
	if r.rows, err = reader.GetRecordReader(context.WithoutCancel(ctx), nil, nil); err != nil {
		return fmt.Errorf("%s is a damaged Parquet file: %w", r.name, err)
	}
	r.schema = r.rows.Schema()
	return nil
}

// checkStored checks the schema that Arrow keeps in Parquet files, before it
// reads it.
func checkStored(text *string) error {
	if text == nil {
		return nil
	}
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(*text, "="))
	if err != nil {
		return err
	}
	return arrowipc.CheckSchema(b)
}

// batchRows is how many rows are about as large as a batch may be.
func batchRows(f *file.Reader, o ReadOptions) int {
	rows := o.Rows
	for i := range f.NumRowGroups() {
		g := f.MetaData().RowGroup(i)
		if n, size := g.NumRows(), g.TotalByteSize(); n > 0 && size/n > 0 {
			rows = min(rows, max(1, o.Bytes/int(size/n)))
		}
	}
	return rows
}

func (r *parquetReader) Schema() *arrow.Schema { return r.schema }

func (r *parquetReader) Progress() (done, total int64) {
	if r.total == 0 {
		return r.bytes, r.bytes
	}
	return int64(float64(r.bytes) * float64(r.read) / float64(r.total)), r.bytes
}

func (r *parquetReader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if r.bad != nil {
		return nil, r.bad
	}
	var batch arrow.RecordBatch
	r.bad = guarded(r.name, func() (err error) {
		if r.rows == nil || r.read >= r.total {
			return io.EOF
		}
		if batch, err = r.rows.Read(); err == io.EOF {
			return fmt.Errorf("%s is a damaged Parquet file: it has %d rows, but says %d", r.name, r.read, r.total)
		}
		if err != nil {
			return fmt.Errorf("%s is a damaged Parquet file, after row %d: %w", r.name, r.read, err)
		}
		return nil
	})
	if r.bad != nil {
		return nil, r.bad
	}
	batch.Retain() // the reader lets go of it with its next one
	r.read += batch.NumRows()
	return batch, nil
}

func (r *parquetReader) Close() error {
	return guarded(r.name, func() error {
		if r.rows != nil {
			r.rows.Release()
			r.rows = nil
		}
		return r.file.Close()
	})
}
