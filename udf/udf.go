// Package udf lets a program bring its own functions to Spark: Go functions,
// typed, that SQL and DataFrames of its sessions know by name. Spark's
// executors run them in this very program, which the session ships to them.
//
//	var shout = udf.Func("shout", func(ctx context.Context, in []string) ([]string, error) {
//		out := make([]string, len(in))
//		for i, text := range in {
//			out[i] = strings.ToUpper(text) + "!"
//		}
//		return out, nil
//	})
//
//	func main() {
//		worker.Main() // on an executor the program ends here
//		session, err := spark.Connect(ctx, remote, spark.WithProgram())
//		df, err := session.SQL(ctx, "SELECT shout(name) FROM people")
//
// Functions are declared where the program starts, in package variables or
// before worker.Main: executors must know the same ones.
//
// # Types
//
//	BOOLEAN bool, TINYINT int8, SMALLINT int16, INT int32, BIGINT int and
//	int64, FLOAT float32, DOUBLE float64, DECIMAL spark.Decimal, STRING
//	string, BINARY []byte, TIMESTAMP time.Time, DATE udf.Date, INTERVAL DAY TO
//	SECOND time.Duration, ARRAY a slice, MAP a map, STRUCT a struct
//
// A pointer to any of them, a slice and a map can be nil, which is NULL. An
// argument is accepted if its values fit: BIGINT for an int32 as long as the
// number is small enough, any number for a float64, DATE and TIMESTAMP_NTZ for
// a time.Time. A struct's fields are columns under their own names or that of
// the tag `spark:"name"`; `spark:"-"` leaves one out.
//
// # NULL
//
// A row with NULL where the function's type cannot hold it is left out of what
// the function gets, and its result is NULL; of an aggregate, if no row of the
// group is left. To see such rows, take a pointer.
//
// # Several rows
//
// A table function is a function whose result is a slice of structs, under
// Spark's inline: SELECT inline(words(text)) FROM t, or LATERAL VIEW
// inline(words(text)). Aggregate is for functions of a group: SELECT
// longest(text) FROM t GROUP BY author. Map is for functions that keep
// something from row to row.
//
// # Failing
//
// An error or a panic fails the task; when Spark has tried it again, the query
// ends with that text and, for a panic, with the Go stack. A panic in a
// goroutine that the function has started ends the whole worker instead. A
// single bad row is better answered by NULL: return pointers.
package udf

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/registry"
)

// Kind says what a function makes of rows.
type Kind int

const (
	// KindScalar gives a value for each row.
	KindScalar Kind = iota
	// KindMap turns the batches of a partition into others.
	KindMap
	// KindAggregate gives a value for each group of rows.
	KindAggregate
)

func (k Kind) String() string {
	switch k {
	case KindMap:
		return "a function from rows to rows"
	case KindAggregate:
		return "a function of one value for each group"
	}
	return "a function of one value for each row"
}

// Function is a function that this program has declared.
type Function struct {
	name     string
	kind     Kind
	inputs   []input
	params   []param // of all inputs
	returns  reflect.Type
	volatile bool

	scalar    scalarCall
	batches   batchesCall
	aggregate aggregateCall
}

// Name is what SQL calls the function by.
func (f *Function) Name() string { return f.name }

// Kind says what the function makes of rows.
func (f *Function) Kind() Kind { return f.kind }

// Volatile says that the function may answer the same arguments differently:
// Spark then calls it exactly where the query has it.
func (f *Function) Volatile() *Function {
	f.volatile = true
	return f
}

// Deterministic reports whether Volatile was not called.
func (f *Function) Deterministic() bool { return !f.volatile }

// Params names the parameters, for calls such as f(text => 'a'). It is nil if
// they have no names, as only a struct's fields have.
func (f *Function) Params() []string {
	var names []string
	for _, p := range f.params {
		if p.name != "" {
			names = append(names, p.name)
		}
	}
	return names
}

// Signature is what a call of the function must match.
func (f *Function) Signature() ai.Signature {
	s := ai.Signature{Function: f.name, Form: f.String()}
	for _, p := range f.params {
		s.Params = append(s.Params, ai.Param{Name: p.name})
	}
	return s
}

// Returns is the SQL type of the result; of a map function it is a STRUCT of
// the rows' columns.
func (f *Function) Returns() string { return sqlOf(f.returns) }

// String writes the function as it is called, with types.
func (f *Function) String() string {
	params := make([]string, len(f.params))
	for i, p := range f.params {
		params[i] = strings.TrimSpace(p.name + " " + sqlOf(p.of))
	}
	return fmt.Sprintf("%s(%s): %s", f.name, strings.Join(params, ", "), f.Returns())
}

var nameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// declare checks a function and makes it known. What is wrong is the program's
// author's to mend, so it panics.
func declare(f *Function) *Function {
	wrong := func(format string, args ...any) {
		panic(fmt.Sprintf("udf: function %q: %s", f.name, fmt.Sprintf(format, args...)))
	}
	lower := strings.ToLower(f.name)
	switch {
	case !nameForm.MatchString(f.name):
		wrong("a name has letters, digits and _ only")
	case strings.HasPrefix(lower, "firesteel_"), strings.HasPrefix(lower, "ai_"), strings.HasPrefix(lower, "try_ai_"):
		wrong("names that begin with firesteel_, ai_ or try_ai_ are taken")
	}
	for _, in := range f.inputs {
		f.params = append(f.params, in.params...)
	}
	for i, p := range f.params {
		if _, err := arrowType(p.of, Settings{}, 0); err != nil {
			wrong("parameter %d: %v", i+1, err)
		}
	}
	if _, err := arrowType(f.returns, Settings{}, 0); err != nil {
		wrong("its result: %v", err)
	}
	if f.kind == KindMap && !isRow(f.returns) {
		wrong("the rows it gives are of type %s, but must be structs: their fields are the columns", f.returns)
	}
	if f.kind == KindMap && f.inputs[0].row == nil {
		wrong("the rows it takes are of type %s, but must be structs: their fields are the columns", f.inputs[0].elem)
	}
	if err := registry.Functions.Add(registry.Entry{Name: f.name, Function: f}); err != nil {
		wrong("%v", err)
	}
	return f
}

// Lookup finds a declared function by its name, in any case.
func Lookup(name string) (*Function, bool) {
	return registry.Lookup[*Function](&registry.Functions, name)
}

// All lists the declared functions by name.
func All() []*Function { return registry.All[*Function](&registry.Functions) }
