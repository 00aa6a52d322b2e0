package sqlexpr

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/suggest"
)

// Bound is an expression that is bound to the columns of a schema.
type Bound struct {
	// Type is the type of its values.
	Type  arrow.DataType
	root  term
	tree  node // of which root was made
	calls []*Call
	// conditions are the operands of the outermost AND of a condition.
	conditions []term
	columns    []string
	plain      string
	part
}

// term is a bound part of an expression.
type term struct {
	at       int
	t        arrow.DataType
	constant bool // has the same value in all rows
	values   func(*run) values
	// array returns the values as an array if there is one already, and is nil
	// otherwise. The caller releases the array.
	array func(*run) arrow.Array
	calls bool // contains a function of package ai
	// column is 1 plus the index of the column whose values these are, or 0.
	column  int
	judge   judge // of a condition; nil if nothing is known
	literal bool  // a whole number in the text
}

// value is the value of a constant.
func (t term) value() any { return t.values(nil)(0) }

func constantTerm(at int, v any, t arrow.DataType) term {
	return term{at: at, t: t, constant: true, values: func(*run) values { return func(int) any { return v } }}
}

// Bind resolves the columns of an expression in a schema, and checks all types
// and the arguments of functions. The error is an *Error.
func Bind(e Expr, schema *arrow.Schema) (*Bound, error) {
	b := newBinder(e, schema)
	root, err := b.whole(e.root)
	if err == nil && classOf(root.t) == span {
		err = b.wrong(root.at, "an interval cannot be a column here; add it to a date, or write datediff(end, begin)")
	}
	if err != nil {
		return nil, err
	}
	return &Bound{Type: root.t, root: root, tree: e.root, calls: b.calls, columns: b.columns, part: part{b, 0, len(e.Text)}}, nil
}

// BindCondition binds a condition: an expression of type BOOLEAN.
func BindCondition(e Expr, schema *arrow.Schema) (*Bound, error) {
	b := newBinder(e, schema)
	root, err := b.whole(e.root)
	if err == nil {
		err = b.condition(root)
	}
	if err != nil {
		return nil, err
	}
	bound := &Bound{Type: root.t, root: root, tree: e.root, calls: b.calls, columns: b.columns, conditions: []term{root}, part: part{b, 0, len(e.Text)}}
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

// Plain returns, as SQL, the operands of a condition's AND that call no function
// of package ai. It is empty if there are none.
func (b *Bound) Plain() string { return b.plain }

// Calls returns the calls of functions of package ai. A call follows the calls in
// its arguments. Calls with equal text are one.
func (b *Bound) Calls() []*Call { return b.calls }

// Columns returns the columns that the expression reads, in the order of their
// first occurrence.
func (b *Bound) Columns() []string { return b.columns }

// part is a range of an expression's text.
type part struct {
	of       *binder
	from, to int
}

// SQL returns the text of the part with its calls of functions of package ai
// replaced. Calls in the arguments of other calls are not replaced on their own.
func (p part) SQL(replacement func(*Call) string) string {
	var b strings.Builder
	at := p.from
	for _, from := range slices.Sorted(maps.Keys(p.of.places)) {
		to := p.of.places[from]
		if from < at || to > p.to {
			continue
		}
		b.WriteString(p.of.text[at:from])
		b.WriteString(replacement(p.of.byText[p.of.text[from:to]]))
		at = to
	}
	return b.String() + p.of.text[at:p.to]
}

// whole binds an expression. A constant whose value is needed now, and has none, is an error of the expression.
func (b *binder) whole(n node) (root term, err error) {
	row := -1
	err = guard(&row, func() (err error) { root, err = b.bind(n); return err })
	var failed *ValueError
	if errors.As(err, &failed) {
		err = b.wrong(n.at(), "%v [%s]", failed.Err, failed.Class)
	}
	return root, err
}

func newBinder(e Expr, schema *arrow.Schema) *binder {
	return &binder{text: e.Text, schema: schema, byText: map[string]*Call{}, places: map[int]int{}}
}

type binder struct {
	text    string
	schema  *arrow.Schema
	calls   []*Call
	byText  map[string]*Call
	places  map[int]int // begin and end of each call
	columns []string    // the columns read
	direct  []string    // the columns read by the innermost call
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
		return b.wrong(t.at, "this is %s, but a condition is needed, which is true or false%s", sqlType(t.t), hint)
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
		return b.typed(n)
	case interval:
		if n.months != 0 {
			return constantTerm(n.at(), n.months, monthSpan), nil
		}
		if n.days {
			return constantTerm(n.at(), n.micros, daySpan), nil
		}
		return constantTerm(n.at(), n.micros, timeSpan), nil
	case arith:
		return b.arith(n)
	case negate:
		return b.negate(n)
	case cast:
		of, err := b.bind(n.of)
		if err != nil {
			return term{}, err
		}
		return b.castTo(n.at(), of, n.to, n.try)
	case matches:
		return b.matches(n)
	case call:
		return b.call(n)
	case logic:
		return b.logic(n)
	case not:
		return b.overCondition(n.at(), n.of, judgeNot, func(v any) any {
			if v == nil {
				return nil
			}
			return !v.(bool)
		})
	case isTrue:
		return b.overCondition(n.at(), n.of, func(of term) judge { return judgeTrue(of, n.truth) }, func(v any) any { return v == n.truth })
	case isNull:
		of, err := b.bind(n.of)
		return isNullTerm(n.at(), of), err
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

// mapped applies a function to the values of a term.
func (t term) mapped(at int, to arrow.DataType, f func(any) any) term {
	of := t.values
	t.at, t.t, t.array, t.column, t.judge, t.literal = at, to, nil, 0, nil, false
	t.values = func(r *run) values {
		v := of(r)
		return func(i int) any { return f(v(i)) }
	}
	return t
}

// combined applies a function to the values of several terms.
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
	if classOf(ValueType(b.schema.Field(found).Type)) == span {
		return term{}, b.wrong(n.at(), "columns of intervals cannot be read here")
	}
	return term{at: n.at(), t: ValueType(b.schema.Field(found).Type), column: found + 1,
		values: func(r *run) values { return read(r.column(found)) },
		array: func(r *run) arrow.Array {
			a := r.column(found)
			a.Retain()
			return a
		}}, nil
}

// named finds the only field with a name, ignoring case. kind is the word for a
// field, and advice ends the error of a name that two fields have.
func (b *binder) named(at int, name string, fields []arrow.Field, kind, advice string) (int, error) {
	var names []string
	found := -1
	for k, f := range fields {
		names = append(names, f.Name)
		if !strings.EqualFold(f.Name, name) {
			continue
		}
		if found >= 0 {
			return 0, b.wrong(at, "the %ss %s and %s differ by case only, so %s is ambiguous%s", kind, names[found], f.Name, name, advice)
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

// columnHint is didYouMean for a name that may not be a column: a function
// without arguments, or a text without quotes.
func columnHint(name string, columns []string) string {
	if f, err := ai.Lookup(strings.ToLower(name)); err == nil {
		return "; call the function as " + f.Signature()
	}
	if near, ok := suggest.Nearest(name, columns); ok {
		return meant(near)
	}
	hint := thereAre(columns)
	if !strings.Contains(name, "'") {
		hint += fmt.Sprintf("; if it is a text, put it in quotes: '%s'", name)
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
		result := constantTerm(n.at(), v, t)
		result.literal = classOf(t) == integer
		return result, nil
	case l.is("NULL"):
		return constantTerm(n.at(), nil, arrow.Null), nil
	default:
		return constantTerm(n.at(), l.is("TRUE"), arrow.FixedWidthTypes.Boolean), nil
	}
}

func (b *binder) overCondition(at int, of node, judge func(term) judge, f func(any) any) (term, error) {
	t, err := b.bind(of)
	if err == nil {
		err = b.condition(t)
	}
	if err != nil {
		return term{}, err
	}
	result := t.mapped(at, arrow.FixedWidthTypes.Boolean, f)
	result.judge = judge(t)
	return result, nil
}

// logic is AND or OR in three-valued logic.
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
	result := combined(n.at(), arrow.FixedWidthTypes.Boolean, terms, func(v []values, i int) any {
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
	})
	result.judge = judgeLogic(n.or, terms)
	return result, nil
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
