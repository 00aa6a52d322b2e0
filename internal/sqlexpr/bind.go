package sqlexpr

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/suggest"
)

// Bound is an expression over the columns of a schema, of which all types are
// known.
type Bound struct {
	// Type is what it gives.
	Type  arrow.DataType
	root  term
	calls []*Call
	// conditions are those that AND puts together, of a condition.
	conditions []term
	columns    []string
	plain      string
	part
}

// term is a part of an expression that has been bound.
type term struct {
	at       int
	t        arrow.DataType
	constant bool // the same for all rows
	values   func(*run) values
	// array gives the same as values where they are an array already; the
	// caller releases it. It is nil for others.
	array func(*run) arrow.Array
	calls bool // a function of package ai is in it
}

// value is that of a constant.
func (t term) value() any { return t.values(nil)(0) }

func constantTerm(at int, v any, t arrow.DataType) term {
	return term{at: at, t: t, constant: true, values: func(*run) values { return func(int) any { return v } }}
}

// Bind finds the columns of an expression in a schema and checks all types and
// the functions' arguments. Its error is an *Error.
func Bind(e Expr, schema *arrow.Schema) (*Bound, error) {
	b := newBinder(e, schema)
	root, err := b.bind(e.root)
	if err != nil {
		return nil, err
	}
	return &Bound{Type: root.t, root: root, calls: b.calls, columns: b.columns, part: part{b, 0, len(e.Text)}}, nil
}

// BindCondition is Bind for what tells which rows to keep.
func BindCondition(e Expr, schema *arrow.Schema) (*Bound, error) {
	b := newBinder(e, schema)
	root, err := b.bind(e.root)
	if err == nil {
		err = b.condition(root)
	}
	if err != nil {
		return nil, err
	}
	bound := &Bound{Type: root.t, root: root, calls: b.calls, columns: b.columns, conditions: []term{root}, part: part{b, 0, len(e.Text)}}
	texts := [][2]int{{0, len(e.Text)}}
	if l, ok := e.root.(logic); ok && !l.or && l.texts != nil {
		bound.conditions, texts = nil, l.texts
		for _, of := range l.of {
			condition, err := b.bind(of)
			if err != nil {
				return nil, err
			}
			bound.conditions = append(bound.conditions, condition)
		}
	}
	var plain []string
	for i, c := range bound.conditions {
		if !c.calls {
			plain = append(plain, "("+e.Text[texts[i][0]:texts[i][1]]+")")
		}
	}
	bound.plain = strings.Join(plain, " AND ")
	return bound, nil
}

// Plain is of a condition that part as SQL which tells without calls that a row
// is not kept; it is empty if there is none.
func (b *Bound) Plain() string { return b.plain }

// Calls are the expression's calls of functions of package ai, inner ones
// before those that they are arguments of. What is written twice is one.
func (b *Bound) Calls() []*Call { return b.calls }

// Columns are the schema's columns that are read, in the order of their first
// mention.
func (b *Bound) Columns() []string { return b.columns }

// part is a stretch of an expression's text.
type part struct {
	of       *binder
	from, to int
}

// SQL is the part as it was written, with other text for the calls of functions
// of package ai in it; for those within others none is asked.
func (p part) SQL(instead func(*Call) string) string {
	var b strings.Builder
	at := p.from
	for _, from := range slices.Sorted(maps.Keys(p.of.places)) {
		to := p.of.places[from]
		if from < at || to > p.to {
			continue
		}
		b.WriteString(p.of.text[at:from])
		b.WriteString(instead(p.of.byText[p.of.text[from:to]]))
		at = to
	}
	return b.String() + p.of.text[at:p.to]
}

func newBinder(e Expr, schema *arrow.Schema) *binder {
	return &binder{text: e.Text, schema: schema, byText: map[string]*Call{}, places: map[int]int{}}
}

type binder struct {
	text    string
	schema  *arrow.Schema
	calls   []*Call
	byText  map[string]*Call
	places  map[int]int // where calls stand: from and to
	columns []string    // that are read
	direct  []string    // the same within the innermost call
}

func (b *binder) wrong(at int, format string, args ...any) error {
	return &Error{b.text, at, fmt.Sprintf(format, args...), sensitive.Sprintf(format, args...)}
}

// condition checks that a term is BOOLEAN.
func (b *binder) condition(t term) error {
	if c := classOf(t.t); c != boolean && c != void {
		hint := ""
		if c == text || isNumber(c) {
			hint = ", such as a comparison"
		}
		return b.wrong(t.at, "this is %s, where a condition is needed: something that is true or false%s", sqlType(t.t), hint)
	}
	return nil
}

func (b *binder) bind(n node) (term, error) {
	switch n := n.(type) {
	case name:
		return b.column(n)
	case field:
		return b.field(n)
	case constant:
		return b.constant(n)
	case typed:
		days, err := dateOf(n.value)
		if err != nil {
			return term{}, b.wrong(n.at(), "%v", err)
		}
		return constantTerm(n.at(), days, arrow.FixedWidthTypes.Date32), nil
	case call:
		return b.call(n)
	case logic:
		return b.logic(n)
	case not:
		return b.overCondition(n.at(), n.of, func(v any) any {
			if v == nil {
				return nil
			}
			return !v.(bool)
		})
	case isTrue:
		return b.overCondition(n.at(), n.of, func(v any) any { return v == n.truth })
	case isNull:
		of, err := b.bind(n.of)
		return of.mapped(n.at(), arrow.FixedWidthTypes.Boolean, func(v any) any { return v == nil }), err
	case compare:
		return b.compare(n)
	case like:
		return b.like(n)
	case in:
		return b.in(n)
	case choice:
		return b.choice(n)
	}
	panic(fmt.Sprintf("sqlexpr: no binding of %T", n))
}

// mapped is a term of another's values.
func (t term) mapped(at int, to arrow.DataType, f func(any) any) term {
	of := t.values
	t.at, t.t, t.array = at, to, nil
	t.values = func(r *run) values {
		v := of(r)
		return func(i int) any { return f(v(i)) }
	}
	return t
}

// combined is a term of several others' values.
func combined(at int, to arrow.DataType, of []term, f func(v []values, i int) any) term {
	t := term{at: at, t: to, constant: true}
	for _, o := range of {
		t.constant = t.constant && o.constant
		t.calls = t.calls || o.calls
	}
	t.values = func(r *run) values {
		all := make([]values, len(of))
		for k, o := range of {
			all[k] = o.values(r)
		}
		return func(i int) any { return f(all, i) }
	}
	return t
}

func (b *binder) column(n name) (term, error) {
	found, err := b.named(n.at(), n.name, b.schema.Fields(), "column", "; rename one")
	if err != nil {
		return term{}, err
	}
	b.uses(b.schema.Field(found).Name)
	return term{at: n.at(), t: ValueType(b.schema.Field(found).Type),
		values: func(r *run) values { return read(r.column(found)) },
		array: func(r *run) arrow.Array {
			a := r.column(found)
			a.Retain()
			return a
		}}, nil
}

// named finds the one field of that name, in capitals or not. kind is what the
// fields are called, and advice follows where the name means two.
func (b *binder) named(at int, name string, fields []arrow.Field, kind, advice string) (int, error) {
	var names []string
	found := -1
	for k, f := range fields {
		names = append(names, f.Name)
		if !strings.EqualFold(f.Name, name) {
			continue
		}
		if found >= 0 {
			return 0, b.wrong(at, "the %ss %s and %s differ by case only, so that %s means both%s", kind, names[found], f.Name, name, advice)
		}
		found = k
	}
	if found < 0 {
		hint := didYouMean(name, names)
		if kind == "column" {
			hint = columnHint(name, names)
		}
		return 0, b.wrong(at, "there is no %s %q%s", kind, name, hint)
	}
	return found, nil
}

// columnHint is didYouMean for what may be no column at all: a function
// without its arguments, or a text without its quotes.
func columnHint(name string, columns []string) string {
	if f, err := ai.Lookup(strings.ToLower(name)); err == nil {
		return "; the function is called as " + f.Signature()
	}
	if near, ok := suggest.Nearest(name, columns); ok {
		return meant(near)
	}
	hint := thereAre(columns)
	if !strings.Contains(name, "'") {
		hint += fmt.Sprintf("; if it is a text, write it in quotes: '%s'", name)
	}
	return hint
}

func (b *binder) uses(column string) {
	for _, list := range []*[]string{&b.columns, &b.direct} {
		if !slices.Contains(*list, column) {
			*list = append(*list, column)
		}
	}
}

func (b *binder) constant(n constant) (term, error) {
	switch l := n.value; {
	case l.kind == textValue:
		return constantTerm(n.at(), l.value, arrow.BinaryTypes.String), nil
	case l.kind == number:
		v, t, err := numeric(l.value, n.minus)
		if err != nil {
			return term{}, b.wrong(n.at(), "%v", err)
		}
		return constantTerm(n.at(), v, t), nil
	case l.is("NULL"):
		return constantTerm(n.at(), nil, arrow.Null), nil
	default:
		return constantTerm(n.at(), l.is("TRUE"), arrow.FixedWidthTypes.Boolean), nil
	}
}

func (b *binder) overCondition(at int, of node, f func(any) any) (term, error) {
	t, err := b.bind(of)
	if err == nil {
		err = b.condition(t)
	}
	if err != nil {
		return term{}, err
	}
	return t.mapped(at, arrow.FixedWidthTypes.Boolean, f), nil
}

// logic is AND or OR in three values: NULL where it could be either.
func (b *binder) logic(n logic) (term, error) {
	terms, err := b.all(n.of)
	if err != nil {
		return term{}, err
	}
	for _, t := range terms {
		if err := b.condition(t); err != nil {
			return term{}, err
		}
	}
	return combined(n.at(), arrow.FixedWidthTypes.Boolean, terms, func(v []values, i int) any {
		var result any = !n.or
		for _, of := range v {
			switch of(i) {
			case n.or:
				return n.or
			case nil:
				result = nil
			}
		}
		return result
	}), nil
}

func (b *binder) all(nodes []node) ([]term, error) {
	terms := make([]term, len(nodes))
	for i, n := range nodes {
		var err error
		if terms[i], err = b.bind(n); err != nil {
			return nil, err
		}
	}
	return terms, nil
}
