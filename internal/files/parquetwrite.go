package files

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/files/parquet"
	"github.com/firesteel/firesteel/internal/version"
)

type parquetWriter struct {
	*parquet.Writer
	out    *output
	schema *arrow.Schema
	closed bool
}

func createParquet(out *output, schema *arrow.Schema, o WriteOptions) (Writer, error) {
	w := &parquetWriter{out: out, schema: schema}
	var err error
	// Readers expect the version in this form.
	by := fmt.Sprintf("firesteel version %s (build %[1]s)", version.String())
	w.Writer, err = parquet.NewWriter(out, schema, parquet.WriteOptions{RowGroup: o.RowGroup, Allocator: o.Allocator, CreatedBy: by})
	if err != nil {
		out.abort()
		return nil, fmt.Errorf("%s: Parquet cannot store these columns: %w; write .jsonl", out.path, err)
	}
	return w, nil
}

func (w *parquetWriter) Write(batch arrow.RecordBatch) error {
	if !batch.Schema().Equal(w.schema) {
		return w.explain(fmt.Errorf("the batch has the columns %s, but the file %s", describe(batch.Schema()), describe(w.schema)))
	}
	return w.explain(w.Writer.Write(batch, sizeOf(batch)))
}

// explain adds the name of the file to an error.
func (w *parquetWriter) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case w.out.err != nil:
		return w.out.err // the cause
	}
	return fmt.Errorf("writing %s: %w", w.out.path, err)
}

func (w *parquetWriter) Close() error {
	if !w.closed {
		w.closed = true
		if err := w.explain(w.Writer.Close()); err != nil {
			w.out.abort()
			return err
		}
	}
	return w.out.close()
}

func (w *parquetWriter) Abort() {
	if !w.closed {
		w.closed = true
		if w.out.err == nil {
			w.out.err = fmt.Errorf("writing %s: aborted", w.out.path)
		}
		w.Writer.Close() // releases memory; nothing more is written
	}
	w.out.abort()
}
