// Package udf declares functions of a Go program for Spark. SQL and DataFrames of the
// program's sessions call them by name. Spark's executors run them in the same
// program, which the session ships to them.
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
//		worker.Main() // does not return on an executor
//		session, err := spark.Connect(ctx, remote, spark.WithProgram())
//		df, err := session.SQL(ctx, "SELECT shout(name) FROM people")
//
// Declare functions in package variables or before worker.Main, so that they are
// declared on executors too.
//
// # Types
//
//	BOOLEAN bool, TINYINT int8, SMALLINT int16, INT int32, BIGINT int and
//	int64, FLOAT float32, DOUBLE float64, DECIMAL spark.Decimal, STRING
//	string, BINARY []byte, TIMESTAMP time.Time, DATE udf.Date, INTERVAL DAY TO
//	SECOND time.Duration, ARRAY a slice, MAP a map, STRUCT a struct
//
// A pointer to any of them, a slice and a map can be nil, which stands for NULL. The
// values of an argument are converted if they fit: BIGINT to an int32 if the number
// is in its range, any number to a float64, DATE and TIMESTAMP_NTZ to a time.Time.
// The fields of a struct are columns with the name of the field or of the tag
// `spark:"name"`. `spark:"-"` excludes a field.
//
// # NULL
//
// A function does not get rows with a NULL that its parameters cannot hold. The
// result of such a row is NULL. An aggregate is NULL if it gets no row of the group.
// To get these rows, declare the parameter as a pointer.
//
// # Several rows
//
// A table function is a function whose result is a slice of structs, called through
// Spark's inline: SELECT inline(words(text)) FROM t, or LATERAL VIEW
// inline(words(text)). Aggregate declares functions of a group: SELECT
// longest(text) FROM t GROUP BY author. Map declares functions that keep state
// between rows.
//
// # Errors
//
// An error or a panic fails the task. Spark retries it, and then fails the query with
// the text of the error and, for a panic, the Go stack. A panic in another goroutine
// ends the whole worker. To report one bad row, return NULL for it: declare the
// result as a pointer.
package udf

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/registry"
)

// Kind is the kind of a function.
type Kind int

const (
	// KindScalar is a function of Func: one value for each row.
	KindScalar Kind = iota
	// KindMap is a function of Map: from rows of a partition to other rows.
	KindMap
	// KindAggregate is a function of Aggregate: one value for each group.
	KindAggregate
)

func (k Kind) String() string {
	switch k {
	case KindMap:
		return "a map function"
	case KindAggregate:
		return "an aggregate function"
	}
	return "a scalar function"
}

// Function is a declared function.
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

// Name is the name of the function in SQL.
func (f *Function) Name() string { return f.name }

// Kind is the kind of the function.
func (f *Function) Kind() Kind { return f.kind }

// Volatile declares that the function may return different results for equal
// arguments. Spark then does not move, repeat or remove its calls. It returns f.
func (f *Function) Volatile() *Function {
	f.volatile = true
	return f
}

// Deterministic reports whether Volatile was not called.
func (f *Function) Deterministic() bool { return !f.volatile }

// Params are the names of the parameters, for calls such as f(text => 'a'). It is nil
// if they have no names. Only parameters that are fields of a struct have names.
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

// Returns is the SQL type of the result. For a map function it is a STRUCT of the
// columns.
func (f *Function) Returns() string { return sqlOf(f.returns) }

// String writes the signature of the function with types.
func (f *Function) String() string {
	params := make([]string, len(f.params))
	for i, p := range f.params {
		params[i] = strings.TrimSpace(p.name + " " + sqlOf(p.of))
	}
	return fmt.Sprintf("%s(%s): %s", f.name, strings.Join(params, ", "), f.Returns())
}

var nameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// declare checks a function and registers it. It panics if the declaration is wrong.
func declare(f *Function) *Function {
	wrong := func(format string, args ...any) {
		panic(fmt.Sprintf("udf: function %q: %s", f.name, fmt.Sprintf(format, args...)))
	}
	lower := strings.ToLower(f.name)
	switch {
	case !nameForm.MatchString(f.name):
		wrong("a name consists of letters, digits and _, and does not begin with a digit")
	case strings.HasPrefix(lower, "firesteel_"), strings.HasPrefix(lower, "ai_"), strings.HasPrefix(lower, "try_ai_"):
		wrong("names that begin with firesteel_, ai_ or try_ai_ are reserved")
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
		wrong("the result: %v", err)
	}
	if f.kind == KindMap && !isRow(f.returns) {
		wrong("the result rows are of type %s, but must be structs, whose fields are the columns", f.returns)
	}
	if f.kind == KindMap && f.inputs[0].fields == nil {
		wrong("the rows are of type %s, but must be structs, whose fields are the columns", f.inputs[0].elem)
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
