package files

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// concat reads the rows of several files in turn.
type concat struct {
	inputs  []Input
	fields  []arrow.Field
	options ReadOptions
	schema  *arrow.Schema
	current Reader
	order   []int // columns of the current file in the order of the schema; nil if they are in it
	next    int   // index of the file after the current one
	rows    int64 // of the files before the current one
	here    int64 // rows of the current one
	read    int64 // bytes of the files before the current one
	total   int64
	needed  []string
	pruning Pruning
	skips   Skips // of the files before the current one
}

// OpenAll opens files with the same columns, whose order may differ, as one table: the rows of each file in the order of the files, with the
// partition columns of the names of folders. Bad.Row counts the rows of all files.
func OpenAll(ctx context.Context, inputs []Input, o ReadOptions) (Reader, error) {
	if len(inputs) == 0 {
		return nil, errors.New("there are no files to read")
	}
	c := &concat{inputs: inputs, fields: PartitionFields(inputs), options: o}
	for _, in := range inputs {
		if info, err := os.Stat(in.Path); err == nil {
			c.total += info.Size()
		}
	}
	if bad := o.Bad; bad != nil {
		c.options.Bad = func(b Bad) {
			b.Row += c.rows
			bad(b)
		}
	}
	return c, c.open(ctx)
}

// open opens the next file.
func (c *concat) open(ctx context.Context) error {
	in := c.inputs[c.next]
	r, err := Open(ctx, in.Path, c.options)
	if err != nil {
		return err
	}
	if c.current, err = WithPartitions(r, in, c.fields); err != nil {
		r.Close()
		return err
	}
	Need(c.current, c.needed)
	if c.pruning.Columns != nil || c.pruning.Skip != nil {
		if err := Prune(c.current, c.pruning); err != nil {
			return err
		}
	}
	c.order = nil
	if c.schema == nil {
		c.schema = c.current.Schema()
	} else if err := SameColumns(c.inputs[0].Path, in.Path, c.schema, c.current.Schema()); err != nil {
		return err
	}
	for i, f := range c.schema.Fields() {
		at := c.current.Schema().FieldIndices(f.Name)[0]
		if at != i && c.order == nil {
			c.order = make([]int, c.schema.NumFields())
			for k := range i {
				c.order[k] = k
			}
		}
		if c.order != nil {
			c.order[i] = at
		}
	}
	c.next++
	return nil
}

func (c *concat) Schema() *arrow.Schema { return c.schema }

func (c *concat) Next(ctx context.Context) (arrow.RecordBatch, error) {
	for {
		batch, err := c.current.Next(ctx)
		switch {
		case errors.Is(err, io.EOF) && c.next < len(c.inputs):
			if err := c.advance(ctx); err != nil {
				return nil, err
			}
			continue
		case err != nil:
			return nil, err
		}
		c.here += batch.NumRows()
		if c.order == nil {
			return batch, nil
		}
		defer batch.Release()
		columns := make([]arrow.Array, len(c.order))
		for i, at := range c.order {
			columns[i] = batch.Column(at)
		}
		return array.NewRecordBatch(c.schema, columns, batch.NumRows()), nil
	}
}

// advance opens the next file with rows that are needed, or the last one.
func (c *concat) advance(ctx context.Context) error {
	_, size := c.current.Progress()
	skips := Skipped(c.current)
	if err := c.current.Close(); err != nil {
		return err
	}
	c.rows, c.here, c.read, c.skips = c.rows+c.here+skips.Rows, 0, c.read+size, c.skips.plus(skips)
	for c.next < len(c.inputs)-1 && c.skipsNext() {
		if info, err := os.Stat(c.inputs[c.next].Path); err == nil {
			c.read += info.Size()
		}
		c.skips = c.skips.plus(Skips{Files: 1, OfFiles: 1})
		c.next++
	}
	return c.open(ctx)
}

func (c *concat) Progress() (done, total int64) {
	done, _ = c.current.Progress()
	return c.read + done, c.total
}

func (c *concat) Close() error {
	if c.current == nil {
		return nil
	}
	return c.current.Close()
}
