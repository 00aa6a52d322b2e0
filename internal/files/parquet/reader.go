// Package parquet reads and writes Parquet files as streams of Arrow batches.
// A file that is read and written again keeps its schema and metadata: physical
// and logical types (unknown ones included), field ids, the names of list
// elements, and key-value pairs. The metadata of a batch's schema and fields
// carries them from the Reader to the Writer (see columnKey).
//
// The Arrow library handles pages, encodings and compression. This package
// converts levels to columns and chooses the Arrow type of each column.
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

// maxPage is the largest size of a page, compressed or not, in bytes.
const maxPage = 256 << 20

// ReadOptions sets the size of a Reader's batches. Every field is required.
type ReadOptions struct {
	// Rows and Bytes bound a batch. A batch ends with the row that reaches
	// either bound.
	Rows, Bytes int
	Allocator   memory.Allocator
}

// Reader reads the rows of a file in order.
type Reader struct {
	o       ReadOptions
	schema  *arrow.Schema
	columns []*column
	leaves  []*leafReader // nil for leaves that are not read
	rows    int64
	err     error

	plan      *groupPlan
	foot      *footer // until the first batch, for Prune
	createdBy string
	unread    []bool        // columns that Prune left out
	blank     []arrow.Array // NULLs of the unread columns
}

// Open reads the metadata of a file of size bytes. The Reader never closes f.
func Open(f pq.ReaderAtSeeker, size int64, o ReadOptions) (r *Reader, err error) {
	r = &Reader{o: o}
	err = recovered(func() error { return r.open(f, size) })
	return r, err
}

// recovered calls f and returns a panic of the Arrow library as a Damaged error.
// The library panics on some damaged files.
func recovered(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = damaged("%v", p)
		}
	}()
	return f()
}

// notCloser hides the Close method of a file from the Arrow library.
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
	props.BufferedStreamEnabled = true // do not hold a whole column chunk in memory
	props.MaxCompressedPageSize, props.MaxUncompressedPageSize = maxPage, maxPage
	in, err := file.NewParquetReader(notCloser{f}, file.WithReadProps(props), file.WithMetadata(meta))
	if err != nil {
		return damaged("%w", err)
	}
	r.rows, r.foot, r.createdBy = foot.allRows(), foot, foot.createdBy
	r.plan = newGroupPlan(foot.rows)
	for _, n := range foot.leaves {
		r.leaves = append(r.leaves, newLeafReader(n, in, r.plan))
	}
	for _, c := range r.columns {
		if err := c.retype(func(leaf *column) error { return int96Leaf(leaf, in, foot.rows) }); err != nil {
			return err
		}
	}
	return r.setSchema(foot)
}

func int96Leaf(c *column, in *file.Reader, rows []int64) (err error) {
	if c.node.physical == pq.Types.Int96 {
		c.leaf, err = int96Type(c.node, in, rows)
	}
	return err
}

// Schema returns the schema of every batch.
func (r *Reader) Schema() *arrow.Schema { return r.schema }

// Rows returns the number of rows that the file's metadata states. A damaged
// file may hold a different number.
func (r *Reader) Rows() int64 { return r.rows }

// Next returns the next batch, or io.EOF after the last one. The caller
// releases the batch. After an error, every call returns the same error.
func (r *Reader) Next(ctx context.Context) (batch arrow.RecordBatch, err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if r.err != nil {
		return nil, r.err
	}
	r.err = recovered(func() error { batch, err = r.next(); return err })
	return batch, r.err
}

func (r *Reader) next() (arrow.RecordBatch, error) {
	r.foot = nil
	rows, left, first := r.o.Rows, r.o.Bytes, true
	for _, l := range r.leaves {
		if l == nil {
			continue
		}
		n, err := l.fill(rows, left)
		if err != nil {
			return nil, err
		}
		if n == 0 && !first && rows > 0 {
			return nil, damaged("%s has fewer rows than other columns", l.node.title())
		}
		rows, first = min(rows, n), false
		left -= l.size()
	}
	if rows == 0 {
		return nil, r.end()
	}
	a := assembly{mem: r.o.Allocator, leaves: r.leaves, levels: make([]int, len(r.leaves))}
	values := make([]int, len(r.leaves))
	for i, l := range r.leaves {
		if l != nil {
			a.levels[i], values[i] = l.extent(rows)
		}
	}
	arrays := make([]arrow.Array, 0, len(r.columns))
	defer func() {
		for _, c := range arrays {
			c.Release()
		}
	}()
	for i, c := range r.columns {
		if r.unread != nil && r.unread[i] {
			arrays = append(arrays, r.blanks(i, rows))
			continue
		}
		data, err := a.build(c, rows)
		if err != nil {
			return nil, err
		}
		arrays = append(arrays, array.MakeFromData(data))
		data.Release()
	}
	for i, l := range r.leaves {
		if l != nil {
			l.drop(rows, a.levels[i], values[i])
		}
	}
	return array.NewRecordBatch(r.schema, arrays, int64(rows)), nil
}

// end returns io.EOF if every leaf has been read to its end, and an error if a
// leaf has more rows than the first one.
func (r *Reader) end() error {
	for _, l := range r.leaves {
		if l == nil {
			continue
		}
		n, err := l.fill(1, 1)
		if err != nil {
			return err
		}
		if n > 0 {
			return damaged("%s has more rows than other columns", l.node.title())
		}
	}
	return io.EOF
}

// Close releases the Reader's memory.
func (r *Reader) Close() error {
	return recovered(func() error {
		var first error
		for _, l := range r.leaves {
			if l == nil {
				continue
			}
			if err := l.release(); err != nil && first == nil {
				first = err
			}
		}
		for _, a := range r.blank {
			if a != nil {
				a.Release()
			}
		}
		r.leaves, r.blank = nil, nil
		r.err = fmt.Errorf("the reader is closed")
		return first
	})
}
