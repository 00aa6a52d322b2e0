package ai

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/suggest"
	"github.com/firesteel/firesteel/llm"
)

// Signature is what a call of a function must match.
type Signature struct {
	Function string
	Params   []Param
	// Variadic functions take any number of arguments by position. A call with
	// arguments by name must give all parameters.
	Variadic bool
	// Form writes the call for errors; empty stands for String.
	Form string
}

// Argument is an argument of a call.
type Argument struct {
	// Name is the name of the parameter, in any case. It is empty if the argument
	// is given by position.
	Name string
	// Values are the values of the argument. If nil, the type is checked when
	// Binding.Rows gets the values.
	Values Values
	// Constant means that row 0 of Values is the value in all rows.
	Constant bool
}

// Values are the values of one argument in the form of their source: an Arrow
// column, JSON or Go values.
type Values interface {
	// SQLType is the type of the values for errors, such as BIGINT.
	SQLType() string
	// Reader returns a function that converts the value of a row to the Go value
	// of a type (see Type), which is nil for NULL. The error is ErrType if values
	// of this type do not convert.
	Reader(to Type) (func(row int) any, error)
}

// ErrType reports that the values of an argument do not convert to the type of
// its parameter.
var ErrType = errors.New("the values do not convert to the type of the parameter")

// Binding assigns the arguments of a call to the parameters of a function.
type Binding struct {
	signature Signature
	params    []int // the parameter of each argument
	varying   []int // the arguments that are not constant
	constants Row   // by parameter; nil for others
}

// Bind checks the number, names and types of arguments. Its error is a
// *CallError.
func (s Signature) Bind(args ...Argument) (*Binding, error) {
	b := &Binding{signature: s, constants: make(Row, len(s.Params))}
	bound := make([]bool, len(s.Params))
	named := false
	for i, a := range args {
		p, err := s.param(i, a, named, len(args))
		if err != nil {
			return nil, err
		}
		named = named || a.Name != ""
		b.params = append(b.params, p)
		if !a.Constant {
			b.varying = append(b.varying, i)
		}
		if p >= len(bound) {
			continue // a further argument of a variadic function
		}
		if bound[p] {
			return nil, s.wrong(i, s.Params[p].Name, "the argument %s is given twice; call it as %s", s.Params[p].Name, s.form())
		}
		bound[p] = true
		if a.Values == nil {
			continue
		}
		read, err := b.reader(i, a.Values)
		if err != nil {
			return nil, err
		}
		if a.Constant {
			b.constants[p] = read(0)
		}
	}
	for p, param := range s.Params {
		if !bound[p] && !param.Optional && (named || !s.Variadic) {
			return nil, s.missing(param, len(args))
		}
	}
	return b, nil
}

// param finds the parameter of argument i of n. named means that an argument
// before it has a name.
func (s Signature) param(i int, a Argument, named bool, n int) (int, error) {
	switch {
	case a.Name == "" && named:
		return 0, s.wrong(i, "", "argument %d is given by position after an argument by name; write NAME => before it", i+1)
	case a.Name == "" && i >= len(s.Params) && !s.Variadic:
		return 0, s.wrong(i, "", "it takes %s, not %d; call it as %s", s.count(), n, s.form())
	case a.Name == "":
		return i, nil
	}
	var names []string
	for p, param := range s.Params {
		if strings.EqualFold(param.Name, a.Name) {
			return p, nil
		}
		if param.Name != "" {
			names = append(names, param.Name)
		}
	}
	if len(names) == 0 {
		return 0, s.wrong(i, "", "the argument %s is given by name, but the parameters have no names; give it by position", a.Name)
	}
	return 0, s.wrong(i, a.Name, "it has no parameter %s%s", suggest.Visible(a.Name), nearest(a.Name, names))
}

func (s Signature) form() string {
	if s.Form != "" {
		return s.Form
	}
	return s.String()
}

// String writes the signature as in SQL: name(param[, optional]).
func (s Signature) String() string {
	var b strings.Builder
	b.WriteString(s.Function + "(")
	open := 0
	for i, p := range s.Params {
		if p.Optional {
			b.WriteByte('[')
			open++
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.Name)
	}
	return b.String() + strings.Repeat("]", open) + ")"
}

// required is the number of parameters that every call must give.
func (s Signature) required() int {
	n := 0
	for _, p := range s.Params {
		if !p.Optional {
			n++
		}
	}
	return n
}

// Param is the index of the parameter of argument i.
func (b *Binding) Param(i int) int { return b.params[i] }

// Varying lists the parameters whose arguments are not constant, in the order
// of the arguments.
func (b *Binding) Varying() []int {
	var params []int
	for _, i := range b.varying {
		params = append(params, b.params[i])
	}
	return params
}

// Constants are the values of the constant arguments by parameter. The values
// of all other parameters are nil.
func (b *Binding) Constants() Row { return slices.Clone(b.constants) }

// Arguments gives the index of the argument for each parameter, -1 for one that
// is left out. Further arguments of a variadic function follow.
func (b *Binding) Arguments() []int {
	args := make([]int, max(len(b.signature.Params), len(b.params)))
	for p := range args {
		args[p] = slices.Index(b.params, p)
	}
	return args
}

// Rows returns n rows of arguments. values are those of the arguments that are
// not constant, in the order of the arguments. Its error is a *CallError.
func (b *Binding) Rows(n int, values ...Values) ([]Row, error) {
	if len(values) != len(b.varying) {
		return nil, fmt.Errorf("%s: there are values of %d arguments, want %d", b.signature.Function, len(values), len(b.varying))
	}
	k := len(b.constants)
	all := make([]any, n*k)
	for r := range n {
		copy(all[r*k:], b.constants)
	}
	for i, v := range values {
		read, err := b.reader(b.varying[i], v)
		if err != nil {
			return nil, err
		}
		p := b.params[b.varying[i]]
		for r := range n {
			all[r*k+p] = read(r)
		}
	}
	rows := make([]Row, n)
	for r := range rows {
		rows[r] = Row(all[r*k : (r+1)*k : (r+1)*k])
	}
	return rows, nil
}

// reader converts the values of argument i.
func (b *Binding) reader(i int, v Values) (func(row int) any, error) {
	param := b.signature.Params[b.params[i]]
	read, err := v.Reader(param.Type)
	if errors.Is(err, ErrType) {
		return nil, &CallError{Function: b.signature.Function, Argument: i, Param: param.Name, Expected: param.Type.String(), Given: v.SQLType(),
			Problem: fmt.Sprintf("the argument %s is %s, but must be %s: write %s", param.Name, v.SQLType(), param.Type, conversion(param, v.SQLType()))}
	}
	if err != nil {
		return nil, &CallError{Function: b.signature.Function, Argument: i, Param: param.Name, Given: v.SQLType(),
			Problem: fmt.Sprintf("the argument %s: %v", param.Name, err), Err: err}
	}
	return read, nil
}

// Bind checks the number, names and types of arguments, and the values of those
// that are constant. Its error is a *CallError.
//
// A try_ function reports a wrong value as the error of each row, so Bind does
// not check its values.
func (f *Function) Bind(args ...Argument) (*Binding, error) {
	b, err := f.signature().Bind(args...)
	if err != nil {
		return nil, err
	}
	if err := f.checkConstants(b); err != nil {
		i := slices.IndexFunc(b.params, func(p int) bool { return f.Params[p].Name == err.Param })
		return nil, &CallError{Function: f.Name, Argument: i, Param: err.Param, Problem: err.Error(), Err: err}
	}
	return b, nil
}

func (f *Function) signature() Signature { return Signature{Function: f.Name, Params: f.Params} }

var errNoModel = errors.New("no model is available")

// checkConstants calls the function with the constant arguments and without a
// model. The values of other arguments are not known, so errors about them are
// ignored.
func (f *Function) checkConstants(b *Binding) *ArgumentError {
	if f.Of != nil || len(b.varying) == len(b.params) {
		return nil
	}
	row := b.Constants()
	for _, p := range b.Varying() {
		if f.Params[p].Type == String {
			row[p] = "a text"
		}
	}
	noModel := func(context.Context, llm.ModelRole, string) (llm.Model, error) { return nil, errNoModel }
	_, err := f.Eval(context.Background(), noModel, []Row{row})
	var wrong *ArgumentError
	if !errors.As(err, &wrong) || slices.ContainsFunc(b.Varying(), func(p int) bool { return f.Params[p].Name == wrong.Param }) {
		return nil
	}
	return wrong
}
