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

// A task computes several groups concurrently, because a function that asks a
// model sends the requests of one group only. All of these groups are in memory,
// so that their number of rows is bounded too.
const (
	maxGroups    = 16
	maxGroupRows = 100_000
)

// group is a group whose result is being computed.
type group struct {
	rows  int64
	value chan groupValue // has capacity 1
}

type groupValue struct {
	row arrow.RecordBatch
	err error
}

// runAggregate computes aggregates: one row for each group, in a batch of its
// own, as Spark requires, in the order of the groups.
func (t *task) runAggregate(ctx context.Context, in source, out sink) error {
	ctx, cancel := context.WithCancel(ctx)
	var pending []group
	var rows int64 // of the pending groups
	writeFirst := func() error {
		g := pending[0]
		pending, rows = pending[1:], rows-g.rows
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
	defer func() { // after an error some groups are left
		cancel()
		for _, g := range pending {
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
		for len(pending) > 0 && (err == io.EOF || len(pending) == maxGroups || rows+n > maxGroupRows) {
			if err := writeFirst(); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		g := group{n, make(chan groupValue, 1)}
		pending, rows = append(pending, g), rows+n
		go func() {
			defer panics.Handle("computing a group", func(err error) { g.value <- groupValue{err: err} })
			row, err := t.aggregate(ctx, gathered)
			g.value <- groupValue{row, err}
		}()
	}
}

// gather reads one group into a udf.Group for each aggregate, and returns its
// number of rows.
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
		args, err := c.arguments(batch)
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

// aggregate computes a group's row, with a column for each aggregate. It is safe
// for concurrent use on different groups.
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
