// Package job describes jobs: which rows of a table to take, which columns to
// compute for them, and what bounds the work. A Spec holds a job as text. Bind
// checks it against the columns of the input and returns a Plan, which package
// inprocess runs over files in this process and package onspark runs as queries
// on Spark.
package job

import (
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/sqlexpr"
)

// Spec is a job as text, before the columns of its input are known.
type Spec struct {
	Where string   // condition for the rows to keep; empty keeps all rows
	Add   []string // columns to compute, each as name=expression
	// Errors is the name of a column that holds, for each row without an answer,
	// the reason. Empty adds no such column.
	Errors string
	// Select lists the columns of the input that are in the output, in their order; nil stands for all. Drop lists
	// columns of the input that are not in the output. Expressions may use all columns.
	Select, Drop []string
	Sample       *Sample // nil takes all rows
	Limit        *int64  // maximum number of rows; nil sets none
	Budget       Budget
	Price        Price
}

// Plan is a job whose expressions are bound to the columns of its input.
// The rows of the sample come first, then those that meet the condition, then
// the limit.
type Plan struct {
	Input  *arrow.Schema
	Output *arrow.Schema // the columns of Input in Pass, the computed columns, the column of errors
	Pass   []int         // columns of Input
	Where  *sqlexpr.Bound
	Add    []Column
	// Hidden are columns of Input that are not in Output because an added column masks them; Spec.Select keeps them.
	Hidden []string
	Errors string
	Sample *Sampler // nil takes all rows
	Limit  *int64
	Budget Budget
	Price  Price
}

// Column is a computed column.
type Column struct {
	Name string
	Expr *sqlexpr.Bound
}

type parsed struct {
	where *sqlexpr.Expr
	add   []sqlexpr.Added
}

func (s Spec) parse() (p parsed, err error) {
	if s.Where != "" {
		e, err := sqlexpr.Parse(s.Where)
		if err != nil {
			return p, &ExpressionError{Condition, err}
		}
		p.where = &e
	}
	for _, text := range s.Add {
		a, err := sqlexpr.ParseAdd(text)
		if err != nil {
			return p, &ExpressionError{AddedColumn, err}
		}
		p.add = append(p.add, a)
	}
	return p, nil
}

// Check reports the first syntax error. The columns are not known yet, so that
// Bind may find more errors. The error is an *ExpressionError.
func (s Spec) Check() error {
	_, err := s.parse()
	return err
}

// Bind checks the job against the columns of its input: names, types, functions
// and constant arguments. The error is an *ExpressionError, a
// *DuplicateColumnError or a *SampleError.
func (s Spec) Bind(input *arrow.Schema) (*Plan, error) {
	texts, err := s.parse()
	if err != nil {
		return nil, err
	}
	p := &Plan{Input: input, Errors: s.Errors, Limit: s.Limit, Budget: s.Budget, Price: s.Price}
	if texts.where != nil {
		if p.Where, err = sqlexpr.BindCondition(*texts.where, input); err != nil {
			return nil, &ExpressionError{Condition, err}
		}
	}
	for _, a := range texts.add {
		bound, err := sqlexpr.Bind(a.Expr, input)
		if err != nil {
			return nil, &ExpressionError{AddedColumn, err}
		}
		p.Add = append(p.Add, Column{a.Name, bound})
	}
	if s.Select == nil {
		p.Hidden = p.masked()
	}
	s.Drop = append(slices.Clone(s.Drop), p.Hidden...)
	if p.Pass, err = s.pass(input); err != nil {
		return nil, err
	}
	if p.Output, err = p.output(); err != nil {
		return nil, err
	}
	if s.Sample != nil {
		if p.Sample, err = s.Sample.bind(input); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// masks are the functions whose result is written in place of their first argument.
var masks = []string{"ai_mask", "try_ai_mask", "ai_redact", "try_ai_redact"}

// Masks reports whether the result of a function hides parts of its first argument.
func Masks(f *ai.Function) bool { return slices.Contains(masks, f.Name) }

// masked lists the columns that added columns mask.
func (p *Plan) masked() (names []string) {
	for _, a := range p.Add {
		for _, c := range a.Expr.Calls() {
			for _, name := range c.Columns {
				if Masks(c.Function) && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// pass lists the columns of the input that are in the output.
func (s Spec) pass(input *arrow.Schema) (pass []int, err error) {
	if s.Select != nil {
		for _, name := range s.Select {
			i, err := column(input, name)
			if err != nil {
				return nil, err
			}
			pass = append(pass, i)
		}
	} else {
		for i := range input.Fields() {
			pass = append(pass, i)
		}
	}
	for _, name := range s.Drop {
		i, err := column(input, name)
		if err != nil {
			return nil, err
		}
		pass = slices.DeleteFunc(pass, func(at int) bool { return at == i })
	}
	return pass, nil
}

// column is the index of a column: of the exact name, or in another case.
func column(input *arrow.Schema, name string) (int, error) {
	names := make([]string, input.NumFields())
	for i, f := range input.Fields() {
		names[i] = f.Name
	}
	if i := slices.Index(names, name); i >= 0 {
		return i, nil
	}
	if i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) }); i >= 0 {
		return i, nil
	}
	return 0, &ColumnError{name, names}
}

func (p *Plan) output() (*arrow.Schema, error) {
	var fields []arrow.Field
	for _, i := range p.Pass {
		fields = append(fields, p.Input.Field(i))
	}
	add := func(name string, t arrow.DataType) error {
		for _, f := range fields {
			if strings.EqualFold(f.Name, name) {
				return &DuplicateColumnError{f.Name}
			}
		}
		fields = append(fields, arrow.Field{Name: name, Type: t, Nullable: true})
		return nil
	}
	for _, a := range p.Add {
		if err := add(a.Name, a.Expr.Type); err != nil {
			return nil, err
		}
	}
	if p.Errors != "" {
		if err := add(p.Errors, arrow.BinaryTypes.String); err != nil {
			return nil, err
		}
	}
	for i := range fields {
		fields[i].Nullable = true // values that cannot be read become NULL
	}
	metadata := p.Input.Metadata()
	return arrow.NewSchema(fields, &metadata), nil
}

// Expressions returns the condition, if there is one, and the expressions of
// the computed columns.
func (p *Plan) Expressions() []*sqlexpr.Bound {
	var all []*sqlexpr.Bound
	if p.Where != nil {
		all = append(all, p.Where)
	}
	for _, a := range p.Add {
		all = append(all, a.Expr)
	}
	return all
}

// Calls returns the calls of AI functions, those of the condition first.
func (p *Plan) Calls() []*sqlexpr.Call {
	var calls []*sqlexpr.Call
	for _, e := range p.Expressions() {
		calls = append(calls, e.Calls()...)
	}
	return calls
}

// Asks returns the models that the calls may ask, each once.
func (p *Plan) Asks() []ai.Ask {
	var all []ai.Ask
	for _, c := range p.Calls() {
		for _, a := range c.Asks() {
			if !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
	}
	return all
}

// ModelCalls returns the calls that need a model.
func (p *Plan) ModelCalls() []*sqlexpr.Call {
	return slices.DeleteFunc(p.Calls(), func(c *sqlexpr.Call) bool { return len(c.Asks()) == 0 })
}
