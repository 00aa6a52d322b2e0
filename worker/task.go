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

// A task is batches in, batches out. Nothing here knows by which protocol they
// come and go.

// errEndOfGroup follows the batches of a group, where they come in groups.
var errEndOfGroup = errors.New("the end of a group")

// source gives batches that the caller releases, and io.EOF after the last.
type source interface {
	next(ctx context.Context) (arrow.RecordBatch, error)
}

// sink takes batches; it does not keep them.
type sink interface {
	write(arrow.RecordBatch) error
}

// evaluator is a function as a task uses it.
type evaluator interface {
	name() string
	// bind gives the input columns in the order of the parameters.
	bind(args []argument) ([]int, error)
	// returns is the type of its result, or nil if only a result can tell.
	returns(*scope) arrow.DataType
	// eval answers rows rows. It borrows args and hands its result over.
	eval(ctx context.Context, s *scope, args []arrow.Array, rows int) (arrow.Array, error)
}

// scope is what functions may use of the task they run in.
type scope struct {
	mem   memory.Allocator
	log   *slog.Logger
	model ai.Source
	info  func() processInfo
	// install puts this worker where streams find it.
	install func(ctx context.Context, folder string) (string, error)
	// results are of the types that the session asks for.
	results columns.Types
	stats   stats
	// logContent: errors and log may quote what rows and answers say.
	logContent bool
}

// stats counts what a task did, for its line in the log.
type stats struct {
	batches int
	rows    int64 // and so far: the number of the current batch's first row
	nulls   int64 // NULL results, over all result columns
	errors  int64 // rows that are NULL because of an error
	cut     int64 // inputs longer than the model can read
	model   time.Duration
}

// column is one column of the result: the first of the chain is called with
// args, each further one with the result of the one before.
type column struct {
	args  []int
	chain []evaluator
}

// task is what to compute for each batch.
type task struct {
	kind    udf.Kind // of all its functions
	columns []column
	scope   scope
	// types are the result columns' types, fixed by the first batch.
	types []arrow.DataType
}

// plan resolves the functions of an init message.
func plan(calls []functionCall, resolve func(command []byte) (evaluator, error)) ([]column, error) {
	if len(calls) == 0 {
		return nil, errors.New("Spark asks for no function at all")
	}
	columns := make([]column, len(calls))
	for i, call := range calls {
		if len(call.commands) == 0 {
			return nil, fmt.Errorf("Spark's function %d of %d has no command", i+1, len(calls))
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

// run computes batch by batch until the source ends.
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

// compute answers one batch.
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
			return nil, fmt.Errorf("%s: its result is of type %s, and was %s in an earlier batch", t.columns[i].last().name(), r.DataType(), t.types[i])
		}
	}
	t.scope.stats.batches++
	t.scope.stats.rows += int64(rows)
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), results, int64(rows)), nil
}

// resultField is a result column as Spark expects it.
func resultField(i int, of arrow.DataType) arrow.Field {
	return arrow.Field{Name: fmt.Sprintf("_%d", i), Type: of, Nullable: true}
}

func (c column) last() evaluator { return c.chain[len(c.chain)-1] }

// from gives a batch's columns that are the arguments.
func (c column) from(batch arrow.RecordBatch) ([]arrow.Array, error) {
	args := make([]arrow.Array, len(c.args))
	for k, from := range c.args {
		if from < 0 || int64(from) >= batch.NumCols() {
			return nil, fmt.Errorf("%s: its argument %d is Spark's column %d, but the batch has %d columns", c.chain[0].name(), k+1, from, batch.NumCols())
		}
		args[k] = batch.Column(from)
	}
	return args, nil
}

// column computes one result column.
func (t *task) column(ctx context.Context, i int, batch arrow.RecordBatch) (arrow.Array, error) {
	c := t.columns[i]
	args, err := c.from(batch)
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

// guarded calls a function; a panic in it is this task's error only.
func guarded(ctx context.Context, f evaluator, call func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: panic: %v\n\n%s", f.name(), r, debug.Stack())
		}
	}()
	var wrong *ai.CallError
	switch err = call(); {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx) // says more than a function's "context canceled"
	case errors.As(err, &wrong):
		return err // names the function
	case err != nil:
		return fmt.Errorf("%s: %w", f.name(), err)
	}
	return nil
}

// call runs one function over one batch.
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
		return nil, fmt.Errorf("%s: it returned neither a result nor an error", f.name())
	case result.Len() != rows:
		defer result.Release()
		return nil, fmt.Errorf("%s: it returned %d results for %d rows", f.name(), result.Len(), rows)
	}
	return result, nil
}
