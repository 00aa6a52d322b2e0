package worker

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/udf"
)

// userFunction is a function that the program declares with package udf.
type userFunction struct{ *udf.Function }

func (u userFunction) name() string { return u.Name() }

// bind returns the one column of rows of a map function, whose fields are its
// parameters, and the columns of the arguments of others.
func (u userFunction) bind(args []argument) ([]int, error) {
	if u.Kind() == udf.KindMap {
		return bindColumns(ai.Signature{Function: u.Name(), Params: []ai.Param{{Name: "rows"}}}, args)
	}
	return bindColumns(u.Signature(), args)
}

func (u userFunction) returns(s *scope) arrow.DataType { return u.ArrowType(s.settings()) }

func (u userFunction) eval(ctx context.Context, s *scope, args []arrow.Array, rows int) (arrow.Array, error) {
	return u.Eval(udf.WithModels(ctx, s.model), s.settings(), args, rows)
}

func (s *scope) settings() udf.Settings {
	return udf.Settings{Allocator: s.mem, LargeTypes: s.results.LargeStrings}
}

// kindOf is the kind of a function. Functions without a kind are scalar.
func kindOf(e evaluator) udf.Kind {
	if u, ok := e.(userFunction); ok {
		return u.Kind()
	}
	return udf.KindScalar
}

// runMap runs a map function. Spark sends and expects each row as a struct.
func (t *task) runMap(ctx context.Context, in source, out sink) error {
	f := t.columns[0].chain[0].(userFunction)
	next := func() (*array.Struct, bool, error) {
		batch, err := in.next(ctx)
		if err == io.EOF {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		defer batch.Release()
		if batch.NumCols() != 1 {
			return nil, false, fmt.Errorf("Spark sent %d columns instead of one column of rows", batch.NumCols())
		}
		rows, ok := batch.Column(0).(*array.Struct)
		if !ok {
			return nil, false, fmt.Errorf("Spark sent a column of %s instead of a column of rows", batch.Column(0).DataType())
		}
		t.scope.stats.batches++
		t.scope.stats.rows += int64(rows.Len())
		rows.Retain()
		return rows, true, nil
	}
	write := func(rows arrow.Array) error { return t.send(rows, out) }
	err := guarded(ctx, f, func() error {
		return f.EvalBatches(udf.WithModels(ctx, t.scope.model), t.scope.settings(), next, write)
	})
	// The function may return before it has read all rows. Read the rest, because
	// Spark waits until it has sent all.
	for err == nil {
		rows, more, readErr := next()
		if readErr != nil || !more {
			return readErr
		}
		rows.Release()
	}
	return err
}

// send writes a batch of one column.
func (t *task) send(column arrow.Array, out sink) error {
	schema := arrow.NewSchema([]arrow.Field{resultField(0, column.DataType())}, nil)
	batch := array.NewRecordBatch(schema, []arrow.Array{column}, int64(column.Len()))
	defer batch.Release()
	if err := out.write(batch); err != nil {
		return fmt.Errorf("sending results to Spark: %w", err)
	}
	return nil
}
