package sqlexpr

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"

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
	// Text is the text of the call.
	Text string
	// Columns are the columns that its arguments read, without those that only
	// calls in the arguments read.
	Columns []string

	// Args are the arguments in the order of the text.
	Args []Arg
	// Quoted is the name of a column that is given as a text for the first
	// parameter. This is valid, but probably a mistake: Spark reads f("text") as
	// f('text').
	Quoted string

	binding *ai.Binding
	args    []term // the arguments that are not constant
}

// Arg is an argument of a call.
type Arg struct {
	Name     string // empty for an argument by position
	Constant bool   // has the same value in all rows
	part
}

// Asks returns the models that the call may ask, or nil if rules answer it; see
// ai.Function.Asks.
func (c *Call) Asks() []ai.Ask { return c.Function.Asks(c.binding.Constants()) }

// Param returns the index of the parameter of argument i.
func (c *Call) Param(i int) int { return c.binding.Param(i) }

// Scope identifies what all rows of the call share: the function, the models (those of Asks), the
// constant arguments, and which arguments vary. It is another one in each process if answers depend on a
// key of the executors, which is not known here.
func (c *Call) Scope(asked []llm.Info) string {
	if c.Function.Keyed(c.binding.Constants(), c.binding.Varying()) {
		return processScope() + fmt.Sprint(c.Function.Name, c.binding.Constants(), c.binding.Varying())
	}
	return fmt.Sprint(c.Function.Identity(asked, c.binding.Constants()), c.binding.Varying())
}

// processScope is a text that no other process has.
var processScope = sync.OnceValue(rand.Text)

// call binds a function of package ai or one of Spark's own functions.
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
			return term{}, b.wrong(a.at(), "the arguments of %s have no names; remove %s =>", n.name, a.name)
		}
	}
	if len(n.args) < p.least || p.most >= 0 && len(n.args) > p.most {
		return term{}, b.wrong(n.at(), "%s has %d arguments here; write %s", n.name, len(n.args), p.form)
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
	return "; 'firesteel functions' lists the AI functions; the other functions are " + plainNames()
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
	c := &Call{Function: f}
	outer := b.direct
	b.direct = nil
	args := make([]ai.Argument, len(n.args))
	for i, a := range n.args {
		t, err := b.bind(a.value)
		if err != nil {
			return nil, err
		}
		column, err := t.sample()
		if err != nil {
			return nil, b.wrong(a.value.at(), "%s: %v", f.Name, err)
		}
		defer column.Release()
		args[i] = ai.Argument{Name: a.name, Values: columns.Values{Array: column}, Constant: t.constant}
		c.Args = append(c.Args, Arg{a.name, t.constant, part{b, a.from, a.to}})
		if !t.constant {
			c.args = append(c.args, t)
		}
	}
	var err error
	if c.binding, err = f.Bind(args...); err != nil {
		return nil, b.wrong(callErrorAt(n, err), "%v", err)
	}
	c.Columns, b.direct = b.direct, outer
	first := c.binding.Constants()[0]
	for _, field := range b.schema.Fields() {
		if first == field.Name {
			c.Quoted = field.Name
		}
	}
	return c, nil
}

// callErrorAt returns the offset of an error of the binder: the value of an argument
// of a wrong type or value, the start of another argument, or the call.
func callErrorAt(n call, err error) int {
	var wrong *ai.CallError
	switch {
	case !errors.As(err, &wrong) || wrong.Argument < 0:
		return n.at()
	case wrong.Expected != "" || wrong.Err != nil:
		return n.args[wrong.Argument].value.at()
	}
	return n.args[wrong.Argument].at()
}

// sample returns a column of the term's type: with the value of a constant, or no
// rows for another term. The caller releases it.
func (t term) sample() (arrow.Array, error) {
	mem := memory.NewGoAllocator()
	if t.constant {
		return build(mem, t.t, 1, t.values(nil))
	}
	return array.MakeArrayOfNull(mem, t.t, 0), nil
}

// rows returns the arguments of the call for rows of the batch. Those of a call that
// rules answer are valid until the run ends.
func (c *Call) rows(r *run, at []int) ([]ai.Row, error) {
	values := make([]ai.Values, len(c.args))
	rules := len(c.Asks()) == 0
	for i, a := range c.args {
		column, err := a.guarded(r, int(r.batch.NumRows()))
		if err != nil {
			return nil, err
		}
		values[i] = columns.Values{Array: r.hold(column), Rows: at, Shared: rules}
	}
	return c.binding.Rows(len(at), values...)
}

// guarded is toArray, with the error of a value as a *ValueError.
func (t term) guarded(r *run, n int) (a arrow.Array, err error) {
	if t.array != nil {
		return t.array(r), nil
	}
	row := -1
	err = guard(&row, func() (err error) {
		of := t.values(r)
		a, err = build(r.mem, t.t, n, func(i int) any {
			row = i
			return of(i)
		})
		return err
	})
	return a, err
}
