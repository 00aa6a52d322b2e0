// Package ai holds the AI functions: for each one its signature, its prompt,
// and how its answer is read. It knows the contract of package llm only: no
// Arrow, no Spark, no engine.
package ai

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/registry"
	"github.com/firesteel/firesteel/llm"
)

// Param is one parameter of a Function.
type Param struct {
	Name     string
	Type     Type
	About    string // what it is, for help and docs
	Optional bool   // it may be left out, and its value is nil then
}

// Row holds one row's arguments in parameter order, each nil for NULL or left
// out, and otherwise as its Type says.
type Row []any

// Answer is one row's result: a nil Value is NULL.
type Answer struct {
	Value any
	// Err is that row's failure and never its neighbours'. Value is NULL then,
	// but for a try_ function's, which tells the error.
	Err error
	// Cut: the input was longer than the model can read, and was cut.
	Cut bool
	// Note says what is to know about a Value: what of a long input it is of,
	// say. A try_ function gives it as its error, beside the result.
	Note string
	// Raw is what the model said, where Value is read from it.
	Raw string

	fatal bool // Err is to fail the query
}

// Source returns the model of a name, or an *llm.UnknownModelError. It may take as long
// as loading one does, and is called only when there is something to ask.
type Source func(ctx context.Context, name string) (llm.Model, error)

// Function is a transformation of columns by a language model.
type Function struct {
	Name    string
	Params  []Param
	Returns Type
	Summary string // one line of help
	Detail  string // NULL, empty and error behaviour, for help and docs
	Example string // a statement that runs as it is
	Sample  Row    // the arguments in Example
	// Differs says how it differs from Databricks' function of that name, and
	// why; empty if it does not, or if there is none.
	Differs string
	// Measured says how good its answers were, with which model and data.
	Measured string
	// Weakness says what to expect of it with a small model.
	Weakness string
	// Answers are all that it can answer, where they are the same for all rows.
	Answers []string
	// Prompts names the files of prompts/ that it asks with.
	Prompts []string
	// Version counts the changes of its code since the first one, 0, that gave
	// any row another answer, so that a ledger's older answers are not taken for
	// today's. Its prompts have versions of their own.
	Version int
	// Of is the function that a try_ function tries, and nil for others.
	Of *Function
	// rewrites: the answer is the text itself, changed, so that a blank text
	// is its own answer.
	rewrites bool
	// byRules is ByRules; nil is never.
	byRules func(fixed Row) bool
	// eval is Eval; with try, no row's error fails the query.
	eval func(ctx context.Context, model Source, rows []Row, try bool) ([]Answer, error)
	// Eval answers the rows in order. Its error means that none of them could
	// be answered: an argument is wrong (ArgumentError; the model has not been
	// asked for then), it was cancelled, the model was not loaded or was lost.
	Eval func(ctx context.Context, model Source, rows []Row) ([]Answer, error)
}

// Signature writes the function as in SQL: name(param[, optional]).
func (f *Function) Signature() string { return f.signature().String() }

// ByRules reports whether calls are answered by rules alone, so that no model is
// asked. fixed holds the arguments that are the same in all rows, and nil for
// the others.
func (f *Function) ByRules(fixed Row) bool {
	if f.Of != nil {
		f = f.Of
	}
	return f.byRules != nil && f.byRules(full(fixed, len(f.Params)))
}

// Required is the number of parameters that every call must give.
func (f *Function) Required() int { return f.signature().required() }

// register adds a function and its try_ function to a registry, or neither if a
// name is taken.
func register(r *registry.Registry, f *Function) error {
	f.Eval = func(ctx context.Context, model Source, rows []Row) ([]Answer, error) {
		return f.eval(ctx, model, rows, false)
	}
	try := tried(f)
	return r.Add(registry.Entry{Name: f.Name, Function: f}, registry.Entry{Name: try.Name, Function: try})
}

// Lookup finds a function by its SQL name, in any case.
func Lookup(name string) (*Function, error) {
	if f, ok := registry.Lookup[*Function](&registry.Functions, name); ok {
		return f, nil
	}
	var names []string
	for _, f := range All() {
		if f.Of == nil {
			names = append(names, f.Name)
		}
	}
	return nil, fmt.Errorf("there is no AI function %q; there are %s, and each with try_ before its name", name, strings.Join(names, ", "))
}

// All lists the functions by name.
func All() []*Function { return registry.All[*Function](&registry.Functions) }
