package worker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/udf"
)

// Func is a function of Arrow columns that a program registers for its own
// queries; package udf is for functions of Go types. It answers
// rows rows at once: args are the columns of one batch, each of that length,
// and the result must have that length too. The args are borrowed: Retain what
// outlives the call; the result is handed over. An error fails the task (Spark
// tries it again, then gives the query that text); a single bad row is better
// answered with NULL. ctx ends when Spark gives the task up.
//
// Functions are called by several tasks at the same time.
type Func func(ctx context.Context, args []arrow.Array, rows int) (arrow.Array, error)

// hostFunction is a registered Func.
type hostFunction struct {
	label  string
	call   Func
	params []string
}

var host = struct {
	sync.RWMutex
	functions map[string]hostFunction
}{functions: map[string]hostFunction{}}

// Register names a function of this program. It is called before Main, so that
// the same program knows it when Spark starts it as a worker. params are the
// parameters' names, for calls with named arguments (f(x => 1)); they may be
// left out. It panics if the name is taken, which only a program's author can
// bring about.
func Register(name string, f Func, params ...string) {
	host.Lock()
	defer host.Unlock()
	_, taken := host.functions[name]
	if !taken {
		_, taken = udf.Lookup(name)
	}
	if taken || f == nil || name == "" || strings.HasPrefix(name, builtinPrefix) {
		panic(fmt.Sprintf("worker.Register(%q): the name is empty, taken or starts with %q, or the function is nil", name, builtinPrefix))
	}
	host.functions[name] = hostFunction{label: name, call: f, params: params}
}

func lookupHost(name string) (evaluator, error) {
	host.RLock()
	defer host.RUnlock()
	if f, ok := host.functions[name]; ok {
		return f, nil
	}
	if f, ok := udf.Lookup(name); ok {
		return userFunction{f}, nil
	}
	names := make([]string, 0, len(host.functions))
	for n := range host.functions {
		names = append(names, n)
	}
	for _, f := range udf.All() {
		names = append(names, f.Name())
	}
	slices.Sort(names)
	have := "it has none"
	if len(names) > 0 {
		have = "it has " + strings.Join(names, ", ")
	}
	return nil, fmt.Errorf("the program on the executor has no function %q: %s (declare it before worker.Main runs)", name, have)
}

func (f hostFunction) name() string { return f.label }

func (f hostFunction) bind(args []argument) ([]int, error) {
	return bindArguments(f.label, f.params, args)
}

func (f hostFunction) returns(*scope) arrow.DataType { return nil }

func (f hostFunction) eval(ctx context.Context, _ *scope, args []arrow.Array, rows int) (arrow.Array, error) {
	return f.call(ctx, args, rows)
}

// bindArguments gives the columns in parameter order. Without named arguments
// it accepts any number: the function itself knows how many it takes.
func bindArguments(function string, params []string, args []argument) ([]int, error) {
	columns := make([]int, 0, len(args))
	for i, a := range args {
		if a.name != "" {
			return bindNamed(function, params, args, columns, i)
		}
		columns = append(columns, a.column)
	}
	return columns, nil
}

// bindNamed goes on where the first named argument stands: Spark allows no
// positional argument after it.
func bindNamed(function string, params []string, args []argument, columns []int, first int) ([]int, error) {
	if len(params) == 0 {
		return nil, fmt.Errorf("%s: the argument %q is named, but this function's parameters have no names; pass it by position", function, args[first].name)
	}
	for len(columns) < len(params) {
		columns = append(columns, -1)
	}
	if err := placeNamed(function, params, args[first:], columns); err != nil {
		return nil, err
	}
	for i, c := range columns {
		if c < 0 {
			return nil, fmt.Errorf("%s: the argument %q is missing", function, params[i])
		}
	}
	return columns, nil
}

// placeNamed puts named arguments into the columns of their parameters.
func placeNamed(function string, params []string, args []argument, columns []int) error {
	for _, a := range args {
		i := slices.IndexFunc(params, func(p string) bool { return strings.EqualFold(p, a.name) })
		switch {
		case a.name == "":
			return fmt.Errorf("%s: an argument without a name stands after named ones", function)
		case i < 0:
			return fmt.Errorf("%s: it has no parameter %q; it has %s", function, a.name, strings.Join(params, ", "))
		case columns[i] >= 0:
			return fmt.Errorf("%s: the parameter %q is given twice", function, a.name)
		}
		columns[i] = a.column
	}
	return nil
}
