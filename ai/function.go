// Package ai defines the AI functions: for each one its signature, its prompt, and
// the reading of its answers. It uses only the contract of package llm: no Arrow, no
// Spark, no engine.
package ai

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/registry"
	"github.com/firesteel/firesteel/llm"
)

// Param is a parameter of a Function.
type Param struct {
	Name     string
	Type     Type
	About    string // description for help and docs
	Optional bool   // a call may omit it; its value is then nil
}

// Row holds the arguments of one row in the order of the parameters. An argument is
// nil if it is NULL or omitted, and otherwise a Go value of its Type.
type Row []any

// Answer is the result of one row.
type Answer struct {
	Value any // a Go value of the function's result type; nil is NULL
	// Err is the error of this row only. Value is then nil, except that of a try_
	// function, which contains the error.
	Err error
	// Cut means that the input was cut to what the model can read.
	Cut bool
	// Note is a remark on Value, such as which part of a long input was read. A
	// try_ function returns it as the error of a row that has a result.
	Note string
	// Raw is the text of the model from which Value was read, if any.
	Raw string
	// Stage says which model of a cascade was asked last.
	Stage Stage

	fatal bool // Err fails the query
}

// Source returns the model with a name, or an *llm.UnknownModelError. An empty name stands for the
// default model of the role. It may load the model. Functions call it only if they have something to
// ask, with a role and a name that Function.Asks returns for the row.
type Source func(ctx context.Context, role llm.ModelRole, name string) (llm.Model, error)

// Function is an AI function.
type Function struct {
	Name    string
	Params  []Param
	Returns Type
	Summary string // one line of help
	Detail  string // behaviour for NULL, blank text and errors, for help and docs
	Example string // a complete SQL statement
	Sample  Row    // the arguments in Example
	// Differs describes the differences from the function of Databricks with the
	// same name and their reasons. It is empty if there are none.
	Differs string
	// Measured describes the measured quality of answers, with model and data.
	Measured string
	// Weakness describes the limits of answers of a small model.
	Weakness string
	// Answers lists all possible answers, if they are the same for all rows.
	Answers []string
	// Prompts lists the files of prompts/ that the function uses.
	Prompts []string
	// Version counts the changes of the code that changed the answer of any row,
	// so that a ledger does not reuse old answers. Prompts have their own versions.
	Version int
	// Direct means that an answer costs less than to find equal rows or a stored
	// answer, so that callers compute each row and store none.
	Direct bool
	// Of is the function that a try_ function calls, and nil for others.
	Of *Function
	// rewrites means that the answer is a changed input, so that the answer to a
	// blank text is the text.
	rewrites bool
	// exact means that no model answers better than another.
	exact bool
	// asks implements Asks for a row with all parameters; nil stands for the default model of the
	// role Text.
	asks func(row Row) []Ask
	// keyed implements Keyed for a row with all parameters; nil stands for no.
	keyed func(fixed Row, varying []int) bool
	// eval implements Eval. With try, the error of a row does not fail the query.
	eval func(ctx context.Context, model Source, rows []Row, try bool) ([]Answer, error)
	// Eval answers rows in order. It returns an error if it answered no row: an
	// *ArgumentError for a wrong argument, found before a model is opened; the error
	// of ctx; or an error of the model.
	Eval func(ctx context.Context, model Source, rows []Row) ([]Answer, error)
}

// Keyed reports whether answers may depend on the key of pseudonyms of the machine that computes them.
// fixed holds the arguments that are equal in all rows, and varying the other parameters.
func (f *Function) Keyed(fixed Row, varying []int) bool {
	return f.keyed != nil && f.keyed(padRow(fixed, len(f.Params)), varying)
}

// OverGroups reports whether the first argument is a list of the texts of a group, which an
// aggregation collects.
func (f *Function) OverGroups() bool { return f.Params[0].Type == StringArray }

// Signature writes the function as in SQL: name(param[, optional]).
func (f *Function) Signature() string { return f.signature().String() }

// Required returns the number of parameters that every call must give.
func (f *Function) Required() int { return f.signature().required() }

// register adds a function and its try_ function to a registry, or neither if a
// name is taken.
func register(r *registry.Registry, f *Function) error {
	f.Eval = func(ctx context.Context, model Source, rows []Row) ([]Answer, error) {
		return f.eval(ctx, model, rows, false)
	}
	try := tryFunction(f)
	return r.Add(registry.Entry{Name: f.Name, Function: f}, registry.Entry{Name: try.Name, Function: try})
}

// Lookup returns the function with a SQL name, in any case.
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
	return nil, fmt.Errorf("there is no AI function %q; the functions are %s, and each of them with the prefix try_", name, strings.Join(names, ", "))
}

// All returns the functions, sorted by name.
func All() []*Function { return registry.All[*Function](&registry.Functions) }
