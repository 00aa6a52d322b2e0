package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/files/parquet"
)

// parquetReader adds the name of the file to the errors of a parquet.Reader.
type parquetReader struct {
	*parquet.Reader
	name  string
	file  *os.File
	read  int64 // rows so far
	bytes int64
}

func openParquet(ctx context.Context, path string, o ReadOptions) (Reader, error) {
	if path == "-" {
		return nil, errors.New("Parquet cannot be read from standard input, since reading begins at its end: save it to a file")
	}
	f, info, err := openFile(ctx, path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		f.Close()
		return nil, fmt.Errorf("%s is not a regular file, and Parquet cannot be read from it: save it to a file", path)
	}
	r := &parquetReader{name: path, file: f, bytes: info.Size()}
	if err := r.open(o); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *parquetReader) open(o ReadOptions) error {
	magic := make([]byte, 4)
	if _, err := r.file.ReadAt(magic, 0); err != nil || string(magic) != "PAR1" && string(magic) != "PARE" {
		return &WrongFormatError{r.name, "is not a Parquet file: it does not begin with PAR1"}
	}
	var err error
	r.Reader, err = parquet.Open(r.file, r.bytes, parquet.ReadOptions{Rows: o.Rows, Bytes: o.Bytes, Allocator: o.Allocator})
	return r.explain(err)
}

// explain adds to an error the name of the file and whether it is damaged.
func (r *parquetReader) explain(err error) error {
	var damaged *parquet.Damaged
	switch {
	case err == nil, err == io.EOF, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &damaged) && r.read > 0:
		return fmt.Errorf("%s is a damaged Parquet file after row %d: %w; copy or create it again", r.name, r.read, err)
	case errors.As(err, &damaged):
		return fmt.Errorf("%s is a damaged or incomplete Parquet file: %w; copy or create it again", r.name, err)
	}
	return fmt.Errorf("reading the Parquet file %s: %w", r.name, err)
}

func (r *parquetReader) Progress() (done, total int64) {
	_, _, skipped := r.Skipped()
	rows, done := r.Rows(), r.read+skipped
	if rows == 0 || done >= rows {
		return r.bytes, r.bytes
	}
	return int64(float64(r.bytes) * float64(done) / float64(rows)), r.bytes
}

func (r *parquetReader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	batch, err := r.Reader.Next(ctx)
	if err != nil {
		return nil, r.explain(err)
	}
	r.read += batch.NumRows()
	return batch, nil
}

func (r *parquetReader) Close() error {
	var err error
	if r.Reader != nil {
		err = r.Reader.Close()
	}
	return errors.Join(err, r.file.Close())
}
