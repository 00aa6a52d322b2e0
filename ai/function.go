// Package ai holds the AI functions: for each one its signature, its prompt,
// and how its answer is read. It knows the contract of package llm only: no
// Arrow, no Spark, no engine.
package ai

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

// Type is the type of an argument or a result, as Spark SQL writes it.
type Type string

const (
	String      Type = "STRING"
	StringArray Type = "ARRAY<STRING>"
)

// Param is one parameter of a Function.
type Param struct {
	Name string
	Type Type
}

// Row holds one row's arguments in parameter order: nil for NULL, otherwise
// string for String and []string for StringArray (a NULL element is left out).
type Row []any

// Answer is one row's result: a nil Value is NULL. Err is that row's failure
// and never its neighbours'.
type Answer struct {
	Value any // string for String
	Err   error
	// Cut: the input was longer than the model can read, and was cut.
	Cut bool
}

// Source gives the model. It may take as long as loading one does, and is
// called only when there is something to ask.
type Source func(context.Context) (llm.Model, error)

// Function is a transformation of columns by a language model.
type Function struct {
	Name    string
	Params  []Param
	Returns Type
	Summary string // one line of help
	Detail  string // NULL, empty and error behaviour, for help and docs
	Example string // a statement that runs as it is
	// Eval answers the rows in order. Its error means that none of them could
	// be answered (cancelled, model not loaded or lost).
	Eval func(ctx context.Context, model Source, rows []Row) ([]Answer, error)
}

// Signature is the function as it is written in SQL: name(param, ...).
func (f *Function) Signature() string {
	s := f.Name + "("
	for i, p := range f.Params {
		if i > 0 {
			s += ", "
		}
		s += p.Name
	}
	return s + ")"
}

var functions = map[string]*Function{}

func register(f *Function) *Function {
	if functions[f.Name] != nil {
		panic("ai: two functions named " + f.Name)
	}
	functions[f.Name] = f
	return f
}

// Lookup finds a function by its SQL name.
func Lookup(name string) (*Function, error) {
	if f := functions[name]; f != nil {
		return f, nil
	}
	names := make([]string, 0, len(functions))
	for _, f := range All() {
		names = append(names, f.Name)
	}
	return nil, fmt.Errorf("there is no AI function %q; there are %s", name, strings.Join(names, ", "))
}

// All lists the functions by name.
func All() []*Function {
	all := make([]*Function, 0, len(functions))
	for _, f := range functions {
		all = append(all, f)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}
