package udf

import (
	"context"
	"iter"
	"reflect"
)

// Func declares a function of one value for each row. in holds one element a
// row, and the result must have as many, in order. If In is a struct (other
// than time.Time, Date and Decimal), its fields are the function's parameters,
// by name; otherwise In is the type of the one parameter.
//
// The function is called with a batch of rows at a time (10,000 unless
// spark.sql.execution.arrow.maxRecordsPerBatch says otherwise), by several
// tasks at once. ctx ends when Spark gives the task up. What it gets is its
// own to keep.
func Func[In, Out any](name string, f func(ctx context.Context, in []In) ([]Out, error)) *Function {
	return declare(&Function{
		name: name, kind: KindScalar, inputs: []input{parametersOf[In]()}, returns: reflect.TypeFor[Out](),
		scalar: func(ctx context.Context, in []reflect.Value) (reflect.Value, error) {
			out, err := f(ctx, in[0].Interface().([]In))
			return reflect.ValueOf(out), err
		},
	})
}

// Func2 is Func with two parameters, each in a slice of its own.
func Func2[A, B, Out any](name string, f func(ctx context.Context, a []A, b []B) ([]Out, error)) *Function {
	return declare(&Function{
		name: name, kind: KindScalar, inputs: []input{parameterOf[A](), parameterOf[B]()}, returns: reflect.TypeFor[Out](),
		scalar: func(ctx context.Context, in []reflect.Value) (reflect.Value, error) {
			out, err := f(ctx, in[0].Interface().([]A), in[1].Interface().([]B))
			return reflect.ValueOf(out), err
		},
	})
}

// Func3 is Func with three parameters, each in a slice of its own.
func Func3[A, B, C, Out any](name string, f func(ctx context.Context, a []A, b []B, c []C) ([]Out, error)) *Function {
	return declare(&Function{
		name: name, kind: KindScalar, inputs: []input{parameterOf[A](), parameterOf[B](), parameterOf[C]()}, returns: reflect.TypeFor[Out](),
		scalar: func(ctx context.Context, in []reflect.Value) (reflect.Value, error) {
			out, err := f(ctx, in[0].Interface().([]A), in[1].Interface().([]B), in[2].Interface().([]C))
			return reflect.ValueOf(out), err
		},
	})
}

// Map declares a function that turns the rows of a partition into others, of
// any number, for DataFrame.MapBatches. In and Out are structs, whose fields
// are the columns. in gives batches of rows, and ends early if the task does;
// emit takes rows at any time before the function returns. A NULL that In
// cannot hold is an error.
func Map[In, Out any](name string, f func(ctx context.Context, in iter.Seq[[]In], emit func([]Out) error) error) *Function {
	return declare(&Function{
		name: name, kind: KindMap, inputs: []input{parametersOf[In]()}, returns: reflect.TypeFor[Out](),
		batches: func(ctx context.Context, in iter.Seq[reflect.Value], emit func(reflect.Value) error) error {
			return f(ctx, func(yield func([]In) bool) {
				for rows := range in {
					if !yield(rows.Interface().([]In)) {
						return
					}
				}
			}, func(rows []Out) error { return emit(reflect.ValueOf(rows)) })
		},
	})
}

// Aggregate declares a function of one value for each group: SELECT f(x) FROM t
// GROUP BY y, or without GROUP BY for all rows. group holds the group's rows,
// at least one, in no order of meaning; all of it is in memory. In is as for
// Func. The function is called for several groups at once.
//
// Spark computes such functions of one query together, but not beside its own
// aggregates (count, max), over a window, or with DISTINCT or FILTER. For
// those, and where rows come in an order, a Func whose In is a slice takes a
// group that collect_list has made.
func Aggregate[In, Out any](name string, f func(ctx context.Context, group []In) (Out, error)) *Function {
	return declare(&Function{
		name: name, kind: KindAggregate, inputs: []input{parametersOf[In]()}, returns: reflect.TypeFor[Out](),
		aggregate: func(ctx context.Context, group reflect.Value) (reflect.Value, error) {
			out, err := f(ctx, group.Interface().([]In))
			return reflect.ValueOf([]Out{out}), err
		},
	})
}

// The functions as they are called: with slices of the rows, and giving slices.
type (
	scalarCall    func(ctx context.Context, in []reflect.Value) (reflect.Value, error)
	batchesCall   func(ctx context.Context, in iter.Seq[reflect.Value], emit func(reflect.Value) error) error
	aggregateCall func(ctx context.Context, group reflect.Value) (reflect.Value, error)
)
