package worker

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/udf"
)

// A task asks for several groups at a time, so that a function that asks a
// model, and so asks for one group only, keeps it busy. All of these are in
// memory: a large group is not joined by others.
const (
	groupsAtOnce = 16
	rowsAtOnce   = 100_000
)

// group is a group under way.
type group struct {
	rows  int64
	value chan groupValue // has room for the one
}

type groupValue struct {
	row arrow.RecordBatch
	err error
}

// runAggregate computes with aggregates: a row for each group, in a batch of
// its own, as Spark wants it, in the order of the groups.
func (t *task) runAggregate(ctx context.Context, in source, out sink) error {
	ctx, cancel := context.WithCancel(ctx)
	var asked []group
	var rows int64 // of all that are asked for
	answer := func() error {
		g := asked[0]
		asked, rows = asked[1:], rows-g.rows
		value := <-g.value
		if value.err != nil {
			return value.err
		}
		defer value.row.Release()
		for _, c := range value.row.Columns() {
			t.scope.stats.nulls += int64(c.NullN())
		}
		if err := out.write(value.row); err != nil {
			return fmt.Errorf("sending results to Spark: %w", err)
		}
		return nil
	}
	defer func() { // of those that an error has left
		cancel()
		for _, g := range asked {
			if value := <-g.value; value.err == nil {
				value.row.Release()
			}
		}
	}()
	for {
		gathered, n, err := t.gather(ctx, in)
		if err != nil && err != io.EOF {
			return err
		}
		for len(asked) > 0 && (err == io.EOF || len(asked) == groupsAtOnce || rows+n > rowsAtOnce) {
			if err := answer(); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		g := group{n, make(chan groupValue, 1)}
		asked, rows = append(asked, g), rows+n
		go func() {
			defer panics.Handle("computing a group", func(err error) { g.value <- groupValue{err: err} })
			row, err := t.aggregate(ctx, gathered)
			g.value <- groupValue{row, err}
		}()
	}
}

// gather reads a group of rows rows, once for each aggregate.
func (t *task) gather(ctx context.Context, in source) (groups []*udf.Group, rows int64, err error) {
	groups = make([]*udf.Group, len(t.columns))
	for i, c := range t.columns {
		groups[i] = c.last().(userFunction).NewGroup()
	}
	for {
		batch, err := in.next(ctx)
		if err == errEndOfGroup {
			return groups, rows, nil
		}
		if err != nil {
			return nil, 0, err
		}
		rows += batch.NumRows()
		t.scope.stats.batches++
		t.scope.stats.rows += batch.NumRows()
		err = t.add(ctx, groups, batch)
		batch.Release()
		if err != nil {
			return nil, 0, err
		}
	}
}

func (t *task) add(ctx context.Context, groups []*udf.Group, batch arrow.RecordBatch) error {
	for i, c := range t.columns {
		args, err := c.from(batch)
		if err != nil {
			return err
		}
		err = guarded(ctx, c.last(), func() error { return groups[i].Add(args, int(batch.NumRows())) })
		if err != nil {
			return err
		}
	}
	return nil
}

// aggregate answers a group: with one row, a column for each aggregate. It is
// called for several groups at once.
func (t *task) aggregate(ctx context.Context, groups []*udf.Group) (arrow.RecordBatch, error) {
	values := make([]arrow.Array, 0, len(groups))
	defer func() {
		for _, v := range values {
			v.Release()
		}
	}()
	fields := make([]arrow.Field, len(groups))
	for i, c := range t.columns {
		err := guarded(ctx, c.last(), func() error {
			value, err := groups[i].Eval(udf.WithModels(ctx, t.scope.model), t.scope.settings())
			if err == nil {
				values = append(values, value)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		fields[i] = resultField(i, values[i].DataType())
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), values, 1), nil
}
