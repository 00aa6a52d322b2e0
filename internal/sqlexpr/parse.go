// Package sqlexpr parses and evaluates the part of Spark SQL that jobs use:
// expressions over columns, with the functions of package ai. Values are those of
// Spark 4 with its default settings. An expression that the package cannot
// evaluate like Spark is an error that says what to write instead.
//
//	expression = term { (AND | OR) term } | NOT expression
//	term       = value [ [NOT] (LIKE value [ESCAPE 'c'] | ILIKE ... | RLIKE value | IN (list) | BETWEEN value AND value) | IS [NOT] (NULL | TRUE | FALSE | DISTINCT FROM value) ]
//	value      = operand { (= | == | <=> | <> | != | < | <= | > | >=) operand }
//	operand    = product { (+ | - | ||) product }
//	product    = signed { (* | / | % | DIV) signed }
//	signed     = { - | + } primary
//	primary    = column | 'text' | number | DATE'2026-01-31' | TIMESTAMP'...' | INTERVAL n unit | TRUE | FALSE | NULL | CAST(expression AS type)
//	             | function(arguments) | CASE ... END | (expression)
//	             each followed by any number of .field, ['key'] and ::type
package sqlexpr

import (
	"fmt"
	"strings"
)

// Bounds of an expression.
const (
	maxText  = 1 << 20 // bytes
	maxDepth = 200     // nested parentheses, calls and NOTs
)

// Expr is a parsed expression.
type Expr struct {
	// Text is the text of the expression.
	Text string
	root node
}

// Parse parses an expression. The error is an *Error.
func Parse(text string) (Expr, error) {
	p, err := newParser(text)
	if err != nil {
		return Expr{}, err
	}
	return p.whole(0)
}

// Added is a computed column.
type Added struct {
	Name string
	Expr Expr
}

// ParseAdd parses a computed column of the form name=expression. The error is an
// *Error.
func ParseAdd(text string) (Added, error) {
	p, err := newParser(text)
	if err != nil {
		return Added{}, err
	}
	const form = "write a column as name=expression, as in sentiment=ai_analyze_sentiment(text)"
	n := p.take()
	if n.kind != word && n.kind != quotedName {
		return Added{}, p.wrong(n, "the name is missing: "+form)
	}
	if eq := p.peek(); !eq.is("=") {
		message := form
		if eq.is("-") || eq.kind == word {
			message += "; put a name with spaces or signs in backquotes"
		}
		return Added{}, p.wrong(eq, message)
	}
	e, err := p.whole(p.take().to)
	return Added{n.value, e}, err
}

type parser struct {
	text  string
	all   []lexeme
	past  int // end of the last lexeme taken
	depth int
}

func newParser(text string) (*parser, error) {
	if len(text) > maxText {
		return nil, mistake(text, 0, fmt.Sprintf("the expression has %d bytes; the maximum is %d", len(text), maxText))
	}
	all, err := lex(text)
	if err != nil {
		return nil, err
	}
	return &parser{text: text, all: all}, nil
}

// whole parses the rest as one expression, whose text begins at a byte.
func (p *parser) whole(from int) (Expr, error) {
	root, err := p.expression()
	if err != nil {
		return Expr{}, err
	}
	if l := p.peek(); l.kind != end {
		return Expr{}, p.wrong(l, fmt.Sprintf("expected an operator or the end, not %s%s", l, hintAfter(l)))
	}
	// Offsets count from the begin of the expression.
	text := p.text[from:]
	if from > 0 {
		return Parse(strings.TrimSpace(text))
	}
	return Expr{text, root}, nil
}

// hintAfter is a hint about an operator that is not supported here.
func hintAfter(l lexeme) string {
	switch {
	case l.is("=>"):
		return "; put named arguments into the parentheses of a function"
	case l.is("AS"):
		return "; write the name first, as in name=expression"
	case l.is(":"):
		return "; write a field as column.name"
	case l.is(";"):
		return "; remove it"
	case l.is("&"):
		return "; write AND"
	case l.is("|"):
		return "; write OR"
	}
	return ""
}

func (p *parser) peek() lexeme { return p.all[0] }

func (p *parser) take() lexeme {
	l := p.all[0]
	if l.kind != end {
		p.all, p.past = p.all[1:], l.to
	}
	return l
}

// accept takes the next lexeme if it is the given one.
func (p *parser) accept(what string) bool {
	if p.peek().is(what) {
		p.take()
		return true
	}
	return false
}

func (p *parser) expect(what, where string) error {
	if l := p.peek(); !p.accept(what) {
		return p.wrong(l, fmt.Sprintf("expected %s %s, not %s%s", what, where, l, hintAfter(l)))
	}
	return nil
}

func (p *parser) wrong(l lexeme, message string) error { return mistake(p.text, l.from, message) }

// deeper enters a nested part. The caller calls up at its end.
func (p *parser) deeper() error {
	if p.depth++; p.depth > maxDepth {
		return p.wrong(p.peek(), fmt.Sprintf("more than %d parentheses, calls or NOTs are nested", maxDepth))
	}
	return nil
}

func (p *parser) up() { p.depth-- }

func (p *parser) expression() (node, error) { return p.logic("OR") }

// logic parses operands of OR, which are operands of AND.
func (p *parser) logic(op string) (node, error) {
	operand := p.negation
	if op == "OR" {
		operand = func() (node, error) { return p.logic("AND") }
	}
	from := p.peek().from
	first, err := operand()
	if err != nil || !p.peek().is(op) {
		return first, err
	}
	l := logic{place: place(p.peek().from), or: op == "OR", of: []node{first}, texts: [][2]int{{from, p.past}}}
	for p.accept(op) {
		from := p.peek().from
		next, err := operand()
		if err != nil {
			return nil, err
		}
		l.of, l.texts = append(l.of, next), append(l.texts, [2]int{from, p.past})
	}
	return l, nil
}

func (p *parser) negation() (node, error) {
	l := p.peek()
	if !l.is("NOT") && !l.is("!") {
		return p.predicate()
	}
	p.take()
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer p.up()
	of, err := p.negation()
	return not{place(l.from), of}, err
}

// predicate parses a value and at most one of LIKE, IN, BETWEEN and IS.
func (p *parser) predicate() (node, error) {
	of, err := p.comparison()
	if err != nil {
		return nil, err
	}
	begins := p.peek()
	if begins.is("IS") {
		return p.is(of)
	}
	negated := p.accept("NOT")
	at := place(p.peek().from)
	var result node
	switch l := p.peek(); {
	case p.accept("LIKE"):
		result, err = p.like(of, at, false)
	case p.accept("ILIKE"):
		result, err = p.like(of, at, true)
	case p.accept("RLIKE"), p.accept("REGEXP"):
		var pattern node
		pattern, err = p.comparison()
		result = matches{at, of, pattern}
	case p.accept("IN"):
		list, e := p.list("after IN")
		result, err = in{at, of, list}, e
	case p.accept("BETWEEN"):
		result, err = p.between(of, at)
	case negated:
		err = p.wrong(l, fmt.Sprintf("expected LIKE, RLIKE, IN or BETWEEN after NOT, not %s%s", l, hintAfter(l)))
	default:
		return of, nil
	}
	if err != nil {
		return nil, err
	}
	if negated {
		result = not{place(begins.from), result}
	}
	return result, nil
}

func (p *parser) is(of node) (result node, err error) {
	at := place(p.take().from)
	negated := p.accept("NOT")
	switch l := p.peek(); {
	case p.accept("NULL"), p.accept("UNKNOWN"):
		result = isNull{at, of}
	case p.accept("TRUE"):
		result = isTrue{at, of, true}
	case p.accept("FALSE"):
		result = isTrue{at, of, false}
	case p.accept("DISTINCT"):
		if err := p.expect("FROM", "after IS DISTINCT"); err != nil {
			return nil, err
		}
		right, err := p.comparison()
		if err != nil {
			return nil, err
		}
		result = not{at, compare{at, "<=>", of, right}}
	default:
		return nil, p.wrong(l, fmt.Sprintf("expected NULL, TRUE, FALSE or DISTINCT FROM after IS, not %s", l))
	}
	if negated {
		result = not{at, result}
	}
	return result, nil
}

func (p *parser) like(of node, at place, fold bool) (node, error) {
	if l := p.peek(); (l.is("ANY") || l.is("SOME") || l.is("ALL")) && len(p.all) > 1 && p.all[1].is("(") {
		return nil, p.wrong(l, "write the patterns with OR or AND here")
	}
	pattern, err := p.comparison()
	if err != nil {
		return nil, err
	}
	result := like{at, of, pattern, '\\', fold}
	if p.accept("ESCAPE") {
		l := p.take()
		runes := []rune(l.value)
		if l.kind != textValue || len(runes) != 1 {
			return nil, p.wrong(l, "a text of one character must follow ESCAPE, as in ESCAPE '/'")
		}
		result.escape = runes[0]
	}
	return result, nil
}

func (p *parser) between(of node, at place) (node, error) {
	low, err := p.comparison()
	if err != nil {
		return nil, err
	}
	if err := p.expect("AND", "between the two bounds of BETWEEN"); err != nil {
		return nil, err
	}
	high, err := p.comparison()
	return logic{place: at, of: []node{compare{at, ">=", of, low}, compare{at, "<=", of, high}}}, err
}

// comparisons maps the operators to their names in the tree.
var comparisons = map[string]string{"=": "=", "==": "=", "<=>": "<=>", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", "!>": "<=", ">": ">", ">=": ">=", "!<": ">="}

func (p *parser) comparison() (node, error) {
	left, err := p.operand()
	for err == nil && p.peek().kind == mark {
		op, ok := comparisons[p.peek().value]
		if !ok {
			break
		}
		at := place(p.take().from)
		var right node
		right, err = p.operand()
		left = compare{at, op, left, right}
	}
	return left, err
}

// operand parses sums and concatenations of products.
func (p *parser) operand() (node, error) {
	left, err := p.product()
	for err == nil {
		l := p.peek()
		var right node
		switch {
		case p.accept("+"), p.accept("-"):
			right, err = p.product()
			left = arith{place(l.from), l.value, left, right}
		case p.accept("||"):
			right, err = p.product()
			left = call{place: place(l.from), name: "concat", args: []argument{{place: place(left.at()), value: left}, {place: place(l.to), value: right}}}
		default:
			return left, nil
		}
	}
	return nil, err
}

func (p *parser) product() (node, error) {
	left, err := p.signed()
	for err == nil {
		l := p.peek()
		if !l.is("*") && !l.is("/") && !l.is("%") && !l.is("DIV") {
			return left, nil
		}
		p.take()
		var right node
		right, err = p.signed()
		left = arith{place(l.from), strings.ToLower(l.value), left, right}
	}
	return nil, err
}

// signed parses a value with signs. A sign before a number is a part of the number.
func (p *parser) signed() (node, error) {
	l := p.peek()
	if !l.is("-") && !l.is("+") || len(p.all) > 1 && p.all[1].kind == number && p.all[1].from == l.to {
		return p.primary()
	}
	p.take()
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer p.up()
	of, err := p.signed()
	return negate{place(l.from), of, l.is("+")}, err
}

// list parses expressions in parentheses.
func (p *parser) list(where string) ([]node, error) {
	if err := p.expect("(", where); err != nil {
		return nil, err
	}
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer p.up()
	var list []node
	for {
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		list = append(list, e)
		if p.accept(")") {
			return list, nil
		}
		if err := p.expect(",", "or ) in the list"); err != nil {
			return nil, err
		}
	}
}
