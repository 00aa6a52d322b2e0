package sqlexpr

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/columns"
	"github.com/firesteel/firesteel/internal/suggest"
	"github.com/firesteel/firesteel/llm"
)

// Call is a call of a function of package ai.
type Call struct {
	Function *ai.Function
	// Text is the call as it was written.
	Text string
	// Columns are the schema's columns that its arguments read, those of calls
	// within them left out: these get answers only.
	Columns []string

	// Args are the arguments as they were written.
	Args []Arg
	// Quoted is a column whose name is given, as a text, for the first
	// parameter. That is not wrong, but the column is meant: Spark reads
	// f("text") as f('text').
	Quoted string

	params []int // of all arguments
	given  []int // of those that vary
	args   []term
	fixed  ai.Row // the values of the arguments that are constant
}

// Arg is an argument as it was written.
type Arg struct {
	Name     string // empty for one by position
	Constant bool   // the same in all rows
	part
}

// ByRules reports whether the call is answered without a model.
func (c *Call) ByRules() bool { return c.Function.ByRules(c.fixed) }

// Param is the parameter that argument i is given for.
func (c *Call) Param(i int) int { return c.params[i] }

// Scope names what is the same in all rows that are asked: Identity of the
// arguments that are constant, and which ones vary.
func (c *Call) Scope(model llm.Info) string {
	return fmt.Sprint(c.Function.Identity(model, c.fixed), c.given)
}

// call binds a function of package ai, or one of Spark's own.
func (b *binder) call(n call) (term, error) {
	lower := strings.ToLower(n.name)
	if f, err := ai.Lookup(lower); err == nil {
		return b.aiCall(n, f)
	}
	p, ok := plainFunctions[lower]
	if !ok {
		return term{}, b.wrong(n.at(), "there is no function %s here%s", n.name, b.functionHint(lower))
	}
	for _, a := range n.args {
		if a.name != "" {
			return term{}, b.wrong(a.at(), "the arguments of %s have no names; leave %s => out", n.name, a.name)
		}
	}
	if len(n.args) < p.least || p.most >= 0 && len(n.args) > p.most {
		return term{}, b.wrong(n.at(), "%s is called with %d arguments; it is written %s", n.name, len(n.args), p.form)
	}
	nodes := make([]node, len(n.args))
	for i, a := range n.args {
		nodes[i] = a.value
	}
	terms, err := b.all(nodes)
	if err != nil {
		return term{}, err
	}
	return p.bind(b, n, terms)
}

func (b *binder) functionHint(name string) string {
	var names []string
	for _, f := range ai.All() {
		names = append(names, f.Name)
	}
	for f := range plainFunctions {
		names = append(names, f)
	}
	if near, ok := suggest.Nearest(name, names); ok {
		return meant(near)
	}
	for _, f := range ai.All() { // as in sentiment(text)
		if f.Of == nil && len(name) > 3 && strings.Contains(f.Name, name) {
			return meant(f.Name)
		}
	}
	return "; 'firesteel functions' lists the AI functions, and of Spark's own there are " + plainNames()
}

func (b *binder) aiCall(n call, f *ai.Function) (term, error) {
	written := b.text[n.at():n.to]
	b.places[n.at()] = n.to
	c := b.byText[written]
	if c == nil {
		var err error
		if c, err = b.newCall(n, f); err != nil {
			return term{}, err
		}
		c.Text = written
		b.byText[written] = c
		b.calls = append(b.calls, c)
	}
	return term{at: n.at(), t: columns.Types{}.Of(f.Returns), calls: true,
		values: func(r *run) values { return read(r.answers[c]) },
		array: func(r *run) arrow.Array {
			a := r.answers[c]
			a.Retain()
			return a
		}}, nil
}

func (b *binder) newCall(n call, f *ai.Function) (*Call, error) {
	c := &Call{Function: f, fixed: make(ai.Row, len(f.Params))}
	outer := b.direct
	b.direct = nil
	places := map[string]int{} // of the arguments, by parameter
	for i, a := range n.args {
		p, err := b.parameter(f, i, a)
		if err != nil {
			return nil, err
		}
		param := f.Params[p]
		if _, taken := places[param.Name]; taken {
			return nil, b.wrong(a.at(), "%s is given twice; it is called as %s", param.Name, f.Signature())
		}
		places[param.Name] = a.value.at()
		t, err := b.bind(a.value)
		if err != nil {
			return nil, err
		}
		c.params = append(c.params, p)
		c.Args = append(c.Args, Arg{a.name, t.constant, part{b, a.from, a.to}})
		if err := c.place(param, p, t); err != nil {
			return nil, b.wrong(a.value.at(), "%s: %v", f.Name, err)
		}
	}
	for _, p := range f.Params {
		if _, given := places[p.Name]; !given && !p.Optional {
			return nil, b.wrong(n.at(), "the argument %s is missing: %s; it is called as %s", p.Name, p.About, f.Signature())
		}
	}
	c.Columns, b.direct = b.direct, outer
	for _, field := range b.schema.Fields() {
		if c.fixed[0] == field.Name {
			c.Quoted = field.Name
		}
	}
	if err := c.check(); err != nil {
		return nil, b.wrong(places[err.Param], "%s: %v", f.Name, err)
	}
	return c, nil
}

// parameter says which one an argument is.
func (b *binder) parameter(f *ai.Function, i int, a argument) (int, error) {
	if a.name == "" {
		if i >= len(f.Params) {
			return 0, b.wrong(a.at(), "%s has %d parameters only; it is called as %s", f.Name, len(f.Params), f.Signature())
		}
		return i, nil
	}
	var names []string
	for p, param := range f.Params {
		if strings.EqualFold(param.Name, a.name) {
			return p, nil
		}
		names = append(names, param.Name)
	}
	return 0, b.wrong(a.at(), "%s has no parameter %s%s", f.Name, a.name, didYouMean(a.name, names))
}

// place puts a term in a parameter's place, which must take its type.
func (c *Call) place(param ai.Param, p int, t term) error {
	mem := memory.NewGoAllocator()
	if !t.constant {
		empty := array.MakeArrayOfNull(mem, t.t, 0)
		defer empty.Release()
		if _, err := columns.Reader(param, empty); err != nil {
			return err
		}
		c.given, c.args = append(c.given, p), append(c.args, t)
		return nil
	}
	one, err := build(mem, t.t, 1, t.values(nil))
	if err != nil {
		return err
	}
	defer one.Release()
	read, err := columns.Reader(param, one)
	if err == nil && !columns.IsNull(one, 0) {
		c.fixed[p] = read(0)
	}
	return err
}

// errAsked says that there is something to ask a model.
var errAsked = errors.New("the model is asked")

// check finds what is wrong with the constant arguments before there is a
// model. With try_ a wrong argument is the rows' error, as on Spark.
func (c *Call) check() *ai.ArgumentError {
	if c.Function.Of != nil {
		return nil
	}
	row := append(ai.Row{}, c.fixed...)
	for _, p := range c.given {
		if c.Function.Params[p].Type == ai.String {
			row[p] = "a text"
		}
	}
	noModel := func(context.Context, string) (llm.Model, error) { return nil, errAsked }
	_, err := c.Function.Eval(context.Background(), noModel, []ai.Row{row})
	var wrong *ai.ArgumentError
	errors.As(err, &wrong)
	for _, p := range c.given {
		if wrong != nil && wrong.Param == c.Function.Params[p].Name {
			return nil // is not known before there are rows
		}
	}
	return wrong
}

// rows are the call's arguments in rows of the batch.
func (c *Call) rows(r *run, at []int) ([]ai.Row, error) {
	n := int(r.batch.NumRows())
	rows := make([]ai.Row, len(at))
	for k := range rows {
		rows[k] = append(ai.Row{}, c.fixed...)
	}
	for i, a := range c.args {
		column, err := a.made(r, n)
		if err != nil {
			return nil, err
		}
		value, err := columns.Reader(c.Function.Params[c.given[i]], column)
		if err != nil {
			column.Release()
			return nil, err
		}
		for k, row := range at {
			if !columns.IsNull(column, row) {
				rows[k][c.given[i]] = value(row)
			}
		}
		column.Release()
	}
	return rows, nil
}

// made is the term as an array, which the caller releases.
func (t term) made(r *run, n int) (arrow.Array, error) {
	if t.array != nil {
		return t.array(r), nil
	}
	return build(r.mem, t.t, n, t.values(r))
}
