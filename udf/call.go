package udf

import (
	"context"
	"fmt"
	"iter"
	"reflect"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// A worker calls a function with Arrow columns through the methods in this file.
// The caller releases the arguments and the result.

// ArrowType is the type of the column of results.
func (f *Function) ArrowType(s Settings) arrow.DataType {
	t, err := arrowType(f.returns, s, 0)
	if err != nil {
		panic(err) // declare checks the type
	}
	return t
}

// Eval calls a scalar function. args are columns of the given number of rows, and so
// is the result.
func (f *Function) Eval(ctx context.Context, s Settings, args []arrow.Array, rows int) (arrow.Array, error) {
	in, row, err := f.decode(args, rows, skipNulls)
	if err != nil {
		return nil, err
	}
	n := in[0].Len()
	if n == 0 {
		return f.columnOf(s, reflect.MakeSlice(reflect.SliceOf(f.returns), 0, 0), rows, row)
	}
	out, err := f.scalar(ctx, in)
	if err != nil {
		return nil, err
	}
	if out.Len() != n {
		return nil, fmt.Errorf("it returned %d results for %d rows", out.Len(), n)
	}
	return f.columnOf(s, out, rows, row)
}

// EvalBatches calls a map function. Each batch is a column of structs. in returns
// false after the last batch. write does not keep its argument. An error of in or
// write is the error of EvalBatches, even if the function ignores it.
func (f *Function) EvalBatches(ctx context.Context, s Settings, in func() (*array.Struct, bool, error), write func(arrow.Array) error) error {
	var failed error
	batches := iter.Seq[reflect.Value](func(yield func(reflect.Value) bool) {
		for failed == nil {
			batch, more, err := in()
			if err != nil {
				failed = err
			}
			if err != nil || !more {
				return
			}
			slice, err := f.decodeStruct(batch)
			batch.Release()
			if err != nil {
				failed = err
				return
			}
			if !yield(slice) {
				return
			}
		}
	})
	emit := func(rows reflect.Value) error {
		if failed != nil || rows.Len() == 0 {
			return failed
		}
		column, err := f.columnOf(s, rows, rows.Len(), nil)
		if err == nil {
			err = write(column)
			column.Release()
		}
		failed = err
		return err
	}
	err := f.batches(ctx, batches, emit)
	if failed != nil {
		return failed
	}
	return err
}

func (f *Function) decodeStruct(batch *array.Struct) (reflect.Value, error) {
	args, err := f.fields(batch)
	if err != nil {
		return reflect.Value{}, err
	}
	in, _, err := f.decode(args, batch.Len(), refuseNulls)
	if err != nil {
		return reflect.Value{}, err
	}
	return in[0], nil
}
