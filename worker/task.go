package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/columns"
	"github.com/firesteel/firesteel/udf"
)

// This file computes the result batches of a task from its input batches. It is
// independent of the protocol.

// errEndOfGroup is returned by source.next after the last batch of a group.
var errEndOfGroup = errors.New("the end of a group")

// source returns batches, which the caller releases, and io.EOF after the last.
type source interface {
	next(ctx context.Context) (arrow.RecordBatch, error)
}

// sink writes batches and does not retain them.
type sink interface {
	write(arrow.RecordBatch) error
}

// evaluator evaluates a function over Arrow columns.
type evaluator interface {
	name() string
	// bind returns the input columns in the order of the parameters.
	bind(args []argument) ([]int, error)
	// returns is the type of the result, or nil if it is known only from a
	// result.
	returns(*scope) arrow.DataType
	// eval returns the results for rows rows. It borrows args; the caller
	// releases the result.
	eval(ctx context.Context, s *scope, args []arrow.Array, rows int) (arrow.Array, error)
}

// scope holds the parts of a task that its functions use.
type scope struct {
	mem   memory.Allocator
	log   *slog.Logger
	model ai.Source
	info  func() processInfo
	// install installs this worker on the node for streaming queries.
	install func(ctx context.Context, folder string) (string, error)
	// ledger is nil if the session keeps no answers; query is that of the task.
	ledger *ledgerScope
	// results holds the Arrow types of results, as the session requires them.
	results columns.Types
	stats   stats
	// logContent allows errors and the log to quote rows and answers.
	logContent bool
}

// stats counts the work of a task for its line in the log.
type stats struct {
	batches int
	rows    int64 // of the batches before the current one
	nulls   int64 // NULL results, over all result columns
	errors  int64 // rows that are NULL because of an error
	skipped int64 // rows that are NULL because a budget is used up
	cut     int64 // inputs that were shortened to the model's context
	model   time.Duration
}

// column is one column of the result. The first function of the chain takes
// args, each later one the result of the function before it.
type column struct {
	args  []int
	chain []evaluator
}

// task computes a result batch from each input batch.
type task struct {
	kind    udf.Kind // of all its functions
	columns []column
	scope   scope
	// types are the types of the result columns, set by the first batch.
	types []arrow.DataType
}

// plan resolves the functions of an init message.
func plan(calls []functionCall, resolve func(command []byte) (evaluator, error)) ([]column, error) {
	if len(calls) == 0 {
		return nil, errors.New("task from Spark: it has no functions")
	}
	columns := make([]column, len(calls))
	for i, call := range calls {
		if len(call.commands) == 0 {
			return nil, fmt.Errorf("task from Spark: function %d of %d has no command", i+1, len(calls))
		}
		for _, command := range call.commands {
			f, err := resolve(command)
			if err != nil {
				return nil, err
			}
			columns[i].chain = append(columns[i].chain, f)
		}
		var err error
		if columns[i].args, err = columns[i].chain[0].bind(call.args); err != nil {
			return nil, err
		}
		for _, f := range columns[i].chain[1:] {
			if _, err := f.bind(make([]argument, 1)); err != nil {
				return nil, err
			}
		}
	}
	return columns, nil
}

// run computes the results of all batches of in and writes them to out.
func (t *task) run(ctx context.Context, in source, out sink) error {
	switch t.kind {
	case udf.KindMap:
		return t.runMap(ctx, in, out)
	case udf.KindAggregate:
		return t.runAggregate(ctx, in, out)
	}
	for {
		batch, err := in.next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		result, err := t.compute(ctx, batch)
		batch.Release()
		if err != nil {
			return err
		}
		err = out.write(result)
		result.Release()
		if err != nil {
			return fmt.Errorf("sending results to Spark: %w", err)
		}
	}
}

// compute returns the result batch of one input batch.
func (t *task) compute(ctx context.Context, batch arrow.RecordBatch) (arrow.RecordBatch, error) {
	rows := int(batch.NumRows())
	results := make([]arrow.Array, 0, len(t.columns))
	defer func() {
		for _, r := range results {
			r.Release()
		}
	}()
	fields := make([]arrow.Field, len(t.columns))
	for i := range t.columns {
		r, err := t.column(ctx, i, batch)
		if err != nil {
			return nil, err
		}
		results = append(results, r)
		t.scope.stats.nulls += int64(r.NullN())
		fields[i] = resultField(i, r.DataType())
		if len(t.types) == i {
			t.types = append(t.types, r.DataType())
		} else if !arrow.TypeEqual(t.types[i], r.DataType()) {
			return nil, fmt.Errorf("%s: the result has type %s, but had type %s in an earlier batch", t.columns[i].last().name(), r.DataType(), t.types[i])
		}
	}
	t.scope.stats.batches++
	t.scope.stats.rows += int64(rows)
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), results, int64(rows)), nil
}

// resultField describes result column i with the name that Spark expects.
func resultField(i int, of arrow.DataType) arrow.Field {
	return arrow.Field{Name: fmt.Sprintf("_%d", i), Type: of, Nullable: true}
}

func (c column) last() evaluator { return c.chain[len(c.chain)-1] }

// arguments returns the columns of a batch that are the arguments.
func (c column) arguments(batch arrow.RecordBatch) ([]arrow.Array, error) {
	args := make([]arrow.Array, len(c.args))
	for k, index := range c.args {
		if index < 0 || int64(index) >= batch.NumCols() {
			return nil, fmt.Errorf("%s: argument %d is column %d, but the batch from Spark has %d columns", c.chain[0].name(), k+1, index, batch.NumCols())
		}
		args[k] = batch.Column(index)
	}
	return args, nil
}

// column computes one result column.
func (t *task) column(ctx context.Context, i int, batch arrow.RecordBatch) (arrow.Array, error) {
	c := t.columns[i]
	args, err := c.arguments(batch)
	if err != nil {
		return nil, err
	}
	var result arrow.Array
	for k, f := range c.chain {
		next, err := t.call(ctx, f, args, int(batch.NumRows()))
		if k > 0 {
			result.Release()
		}
		if err != nil {
			return nil, err
		}
		result = next
		args = []arrow.Array{result}
	}
	return result, nil
}

// guarded calls a function. It returns a panic in it as an error, so that other
// tasks go on.
func guarded(ctx context.Context, f evaluator, call func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: panic: %v\n\n%s", f.name(), r, debug.Stack())
		}
	}()
	var wrong *ai.CallError
	switch err = call(); {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx) // more precise than "context canceled"
	case errors.As(err, &wrong):
		return err // the message names the function
	case err != nil:
		return fmt.Errorf("%s: %w", f.name(), err)
	}
	return nil
}

// call evaluates one function over one batch and checks its result.
func (t *task) call(ctx context.Context, f evaluator, args []arrow.Array, rows int) (result arrow.Array, err error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	err = guarded(ctx, f, func() (err error) {
		result, err = f.eval(ctx, &t.scope, args, rows)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case result == nil:
		return nil, fmt.Errorf("%s: the function returned neither a result nor an error", f.name())
	case result.Len() != rows:
		defer result.Release()
		return nil, fmt.Errorf("%s: the function returned %d results for %d rows", f.name(), result.Len(), rows)
	}
	return result, nil
}
