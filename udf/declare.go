package udf

import (
	"context"
	"iter"
	"reflect"
)

// Func declares a scalar function: one value for each row. in has one element for
// each row, and the result must have the same number of elements in the same
// order. If In is a struct other than time.Time, Date and Decimal, its fields are
// the parameters, with their names. Otherwise In is the type of the one parameter.
//
// A call gets a batch of rows, by default up to 10,000
// (spark.sql.execution.arrow.maxRecordsPerBatch). Several tasks call the function
// at the same time. ctx ends when Spark cancels the task. The function may keep
// its arguments.
func Func[In, Out any](name string, f func(ctx context.Context, in []In) ([]Out, error)) *Function {
	return declare(&Function{
		name: name, kind: KindScalar, inputs: []input{parametersOf[In]()}, returns: reflect.TypeFor[Out](),
		scalar: func(ctx context.Context, in []reflect.Value) (reflect.Value, error) {
			out, err := f(ctx, in[0].Interface().([]In))
			return reflect.ValueOf(out), err
		},
	})
}

// Func2 declares a scalar function of two parameters without names. It is called
// like that of Func, with one slice for each parameter.
func Func2[A, B, Out any](name string, f func(ctx context.Context, a []A, b []B) ([]Out, error)) *Function {
	return declare(&Function{
		name: name, kind: KindScalar, inputs: []input{parameterOf[A](), parameterOf[B]()}, returns: reflect.TypeFor[Out](),
		scalar: func(ctx context.Context, in []reflect.Value) (reflect.Value, error) {
			out, err := f(ctx, in[0].Interface().([]A), in[1].Interface().([]B))
			return reflect.ValueOf(out), err
		},
	})
}

// Func3 declares a scalar function of three parameters without names. It is called
// like that of Func, with one slice for each parameter.
func Func3[A, B, C, Out any](name string, f func(ctx context.Context, a []A, b []B, c []C) ([]Out, error)) *Function {
	return declare(&Function{
		name: name, kind: KindScalar, inputs: []input{parameterOf[A](), parameterOf[B](), parameterOf[C]()}, returns: reflect.TypeFor[Out](),
		scalar: func(ctx context.Context, in []reflect.Value) (reflect.Value, error) {
			out, err := f(ctx, in[0].Interface().([]A), in[1].Interface().([]B), in[2].Interface().([]C))
			return reflect.ValueOf(out), err
		},
	})
}

// Map declares a map function, for DataFrame.MapBatches: it converts the rows of a
// partition to any number of other rows. In and Out are structs, and their fields
// are the columns. in yields batches of rows. It ends early if Spark cancels the
// task. emit adds rows to the result. A NULL that In cannot hold is an error.
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

// Aggregate declares an aggregate function: one value for each group, as in SELECT
// f(x) FROM t GROUP BY y, or one value for all rows without GROUP BY. group has the
// rows of the group, at least one, in any order, all in memory. In is the same as
// for Func. Several groups are computed at the same time.
//
// A query may have several such functions, but Spark does not compute them
// together with its own aggregates (count, max), over a window, or with DISTINCT or
// FILTER. For these, and for rows in an order, use a Func whose In is a slice, and
// call it with collect_list.
func Aggregate[In, Out any](name string, f func(ctx context.Context, group []In) (Out, error)) *Function {
	return declare(&Function{
		name: name, kind: KindAggregate, inputs: []input{parametersOf[In]()}, returns: reflect.TypeFor[Out](),
		aggregate: func(ctx context.Context, group reflect.Value) (reflect.Value, error) {
			out, err := f(ctx, group.Interface().([]In))
			return reflect.ValueOf([]Out{out}), err
		},
	})
}

// Types of the declared functions without type parameters. Values are slices of
// rows.
type (
	scalarCall    func(ctx context.Context, in []reflect.Value) (reflect.Value, error)
	batchesCall   func(ctx context.Context, in iter.Seq[reflect.Value], emit func(reflect.Value) error) error
	aggregateCall func(ctx context.Context, group reflect.Value) (reflect.Value, error)
)
