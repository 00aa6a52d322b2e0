// Package parquet reads and writes Parquet files as streams of Arrow batches,
// such that what is read and written again stays as it is in the file: physical
// and logical types, also those that Arrow or this program does not know, ids
// of fields, names of lists' parts, and metadata. A batch's schema has it (see
// Origin).
//
// Pages, encodings and compression are those of Arrow's library; how levels
// become columns, and what types values are of, is decided here.
package parquet

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	pq "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
)

// Bounds of a page's bytes.
const maxPage = 256 << 20

// ReadOptions bound batches; no field may be 0.
type ReadOptions struct {
	// A batch ends with the row that reaches one of them.
	Rows, Bytes int
	Allocator   memory.Allocator
}

// Reader gives a file's rows in their order.
type Reader struct {
	o       ReadOptions
	schema  *arrow.Schema
	columns []*column
	leaves  []*leafReader
	rows    int64
	err     error
}

// Open reads a file's metadata. It does not close f.
func Open(f pq.ReaderAtSeeker, size int64, o ReadOptions) (r *Reader, err error) {
	r = &Reader{o: o}
	err = guarded(func() error { return r.open(f, size) })
	return r, err
}

// guarded makes an error of a panic of the library over a damaged file.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = damaged("%v", p)
		}
	}()
	return f()
}

// notCloser hides that a file can be closed.
type notCloser struct{ pq.ReaderAtSeeker }

func (r *Reader) open(f pq.ReaderAtSeeker, size int64) error {
	foot, err := readFooter(f, size)
	if err != nil {
		return err
	}
	if r.columns, err = columnsOf(foot.root); err != nil {
		return err
	}
	meta, err := metadata.NewFileMetaData(foot.plain, nil)
	if err != nil {
		return damaged("%w", err)
	}
	meta.SetSourceFileSize(size)
	props := pq.NewReaderProperties(r.o.Allocator)
	props.BufferedStreamEnabled = true // not a whole column chunk in memory
	props.MaxCompressedPageSize, props.MaxUncompressedPageSize = maxPage, maxPage
	in, err := file.NewParquetReader(notCloser{f}, file.WithReadProps(props), file.WithMetadata(meta))
	if err != nil {
		return damaged("%w", err)
	}
	r.rows = foot.allRows()
	groups := make([]int64, len(foot.rows))
	for i := range groups {
		groups[i] = -1
	}
	for _, n := range foot.leaves {
		r.leaves = append(r.leaves, newLeafReader(n, in, groups, foot.rows))
	}
	for _, c := range r.columns {
		if err := c.retype(func(leaf *column) error { return int96Leaf(leaf, in, groups) }); err != nil {
			return err
		}
	}
	return r.setSchema(foot)
}

func int96Leaf(c *column, in *file.Reader, groups []int64) (err error) {
	if c.node.physical == pq.Types.Int96 {
		c.leaf, err = int96Type(c.node, in, groups)
	}
	return err
}

// Schema is that of all batches.
func (r *Reader) Schema() *arrow.Schema { return r.schema }

// Rows is how many the file has by its metadata, if it is right.
func (r *Reader) Rows() int64 { return r.rows }

// Next gives the next rows, which the caller releases, and io.EOF after the
// last. After an error it gives that again.
func (r *Reader) Next(ctx context.Context) (batch arrow.RecordBatch, err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if r.err != nil {
		return nil, r.err
	}
	r.err = guarded(func() error { batch, err = r.next(); return err })
	return batch, r.err
}

func (r *Reader) next() (arrow.RecordBatch, error) {
	rows, left := r.o.Rows, r.o.Bytes
	for i, l := range r.leaves {
		n, err := l.fill(rows, left)
		if err != nil {
			return nil, err
		}
		if n == 0 && i > 0 && rows > 0 {
			return nil, damaged("%s ends before other columns", l.node.title())
		}
		rows = min(rows, n)
		left -= l.size()
	}
	if rows == 0 {
		return nil, r.end()
	}
	a := assembly{mem: r.o.Allocator, leaves: r.leaves, levels: make([]int, len(r.leaves))}
	values := make([]int, len(r.leaves))
	for i, l := range r.leaves {
		a.levels[i], values[i] = l.extent(rows)
	}
	arrays := make([]arrow.Array, 0, len(r.columns))
	defer func() {
		for _, c := range arrays {
			c.Release()
		}
	}()
	for _, c := range r.columns {
		data, err := a.build(c, rows)
		if err != nil {
			return nil, err
		}
		arrays = append(arrays, array.MakeFromData(data))
		data.Release()
	}
	for i, l := range r.leaves {
		l.drop(rows, a.levels[i], values[i])
	}
	return array.NewRecordBatch(r.schema, arrays, int64(rows)), nil
}

// end is what follows the last row of the first leaf.
func (r *Reader) end() error {
	for _, l := range r.leaves {
		n, err := l.fill(1, 1)
		if err != nil {
			return err
		}
		if n > 0 {
			return damaged("%s goes on where other columns end", l.node.title())
		}
	}
	return io.EOF
}

// Close frees memory.
func (r *Reader) Close() error {
	return guarded(func() error {
		var first error
		for _, l := range r.leaves {
			if err := l.release(); err != nil && first == nil {
				first = err
			}
		}
		r.leaves = nil
		r.err = fmt.Errorf("the reader is closed")
		return first
	})
}
