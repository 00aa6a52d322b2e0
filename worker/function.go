package worker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/registry"
	"github.com/firesteel/firesteel/udf"
)

// Func is a function of Arrow columns that a program registers for its own
// queries. For functions of Go types see package udf.
//
// args are the columns of one batch, each with the given number of rows. The
// result must have the same number of rows. The caller keeps args: call Retain for
// a column that outlives the call. The caller releases the result. An error fails
// the task; Spark retries it, and then fails the query with the text of the error.
// To report one bad row, return NULL for it. ctx ends when Spark cancels the task.
//
// Several tasks call a function at the same time.
type Func func(ctx context.Context, args []arrow.Array, rows int) (arrow.Array, error)

// hostFunction is a registered Func.
type hostFunction struct {
	call      Func
	signature ai.Signature
}

// Register names a function of this program. Call it before Main, so that the
// program has the function when Spark starts it as a worker. A call may have any
// number of arguments by position. params are the names of the parameters for
// calls such as f(x => 1), which must give all of them.
//
// Register panics if the function is nil, or if its name is empty, taken or
// begins with firesteel_.
func Register(name string, f Func, params ...string) {
	if f == nil || name == "" || strings.HasPrefix(strings.ToLower(name), builtinPrefix) {
		panic(fmt.Sprintf("worker.Register(%q): the name is empty or starts with %q, or the function is nil", name, builtinPrefix))
	}
	s := ai.Signature{Function: name, Variadic: true}
	for _, p := range params {
		s.Params = append(s.Params, ai.Param{Name: p})
	}
	if err := registry.Functions.Add(registry.Entry{Name: name, Function: hostFunction{f, s}}); err != nil {
		panic(fmt.Sprintf("worker.Register: %v", err))
	}
}

// lookupHost finds a function that is not an AI function.
func lookupHost(name string) (evaluator, error) {
	if f, ok := registry.Lookup[evaluator](&registry.Functions, name); ok {
		return f, nil
	}
	if f, ok := udf.Lookup(name); ok {
		return userFunction{f}, nil
	}
	names := append(registry.Names[hostFunction](&registry.Functions), registry.Names[*udf.Function](&registry.Functions)...)
	slices.Sort(names)
	have := "it has none"
	if len(names) > 0 {
		have = "it has " + strings.Join(names, ", ")
	}
	return nil, fmt.Errorf("the program on the executor has no function %q: %s (declare it before worker.Main runs)", name, have)
}

func (f hostFunction) name() string { return f.signature.Function }

func (f hostFunction) bind(args []argument) ([]int, error) { return bindColumns(f.signature, args) }

func (f hostFunction) returns(*scope) arrow.DataType { return nil }

func (f hostFunction) eval(ctx context.Context, _ *scope, args []arrow.Array, rows int) (arrow.Array, error) {
	return f.call(ctx, args, rows)
}

// bindColumns returns the columns of the arguments in the order of the
// parameters.
func bindColumns(s ai.Signature, args []argument) ([]int, error) {
	binding, err := s.Bind(unread(args)...)
	if err != nil {
		return nil, err
	}
	var columns []int
	for _, i := range binding.Arguments() {
		if i >= 0 {
			columns = append(columns, args[i].column)
		}
	}
	return columns, nil
}

// unread gives arguments to a binder before their values are read.
func unread(args []argument) []ai.Argument {
	all := make([]ai.Argument, len(args))
	for i, a := range args {
		all[i].Name = a.name
	}
	return all
}
