package sqlexpr

import (
	"fmt"
	"strings"
)

// keywords are names only in backquotes.
var keywords = map[string]bool{"AND": true, "OR": true, "NOT": true, "IS": true, "IN": true, "LIKE": true, "BETWEEN": true, "ESCAPE": true,
	"CASE": true, "WHEN": true, "THEN": true, "ELSE": true, "END": true, "SELECT": true, "FROM": true, "AS": true, "WHERE": true}

// unsupported lists constants of special syntax, with their errors.
var unsupported = map[string]string{
	"X": "binary values are not supported here",
}

// primary parses a value with its fields and keys.
func (p *parser) primary() (node, error) {
	of, err := p.simple()
	for err == nil {
		l := p.peek()
		switch {
		case p.accept("."):
			n := p.take()
			if n.kind != word && n.kind != quotedName {
				return nil, p.wrong(n, fmt.Sprintf("expected the name of a field after the point, not %s", n))
			}
			of = field{place(n.from), of, n.value}
		case p.accept("["):
			key := p.take()
			if key.kind != textValue {
				return nil, p.wrong(key, "expected a key in quotes, as in found['person']; elements of lists are not supported here")
			}
			if err := p.expect("]", "after the key"); err != nil {
				return nil, err
			}
			of = field{place(l.from), of, key.value}
		case p.accept("::"):
			to, e := p.typeName()
			of, err = cast{place(l.from), of, to, false}, e
		default:
			return of, nil
		}
	}
	return nil, err
}

func (p *parser) simple() (node, error) {
	l := p.take()
	at := place(l.from)
	switch {
	case l.kind == number:
		return constant{at, l, false}, nil
	case l.kind == textValue:
		for p.peek().kind == textValue { // adjacent texts are one text
			l.value += p.take().value
		}
		return constant{at, l, false}, nil
	case l.kind == quotedName:
		return name{at, l.value}, nil
	case l.is("-") || l.is("+"):
		if n := p.peek(); n.kind == number {
			return constant{at, p.take(), l.is("-")}, nil
		}
		return nil, p.wrong(l, "expected a number after "+l.value+hintAfter(l))
	case l.is("("):
		if err := p.deeper(); err != nil {
			return nil, err
		}
		defer p.up()
		of, err := p.expression()
		if err != nil {
			return nil, err
		}
		return of, p.expect(")", "to close the parenthesis")
	case l.kind == word:
		return p.worded(l)
	case l.is("*"):
		return nil, p.wrong(l, "expected one value, not *; name a column")
	case l.is("["):
		return nil, p.wrong(l, "expected a column, a value or a function, not [; write a list as array('a', 'b')")
	case l.is("?"), l.is(":"):
		return nil, p.wrong(l, "parameters are not supported here; write the value")
	}
	return nil, p.wrong(l, fmt.Sprintf("expected a column, a value or a function, not %s", l))
}

// worded parses what begins with a word.
func (p *parser) worded(l lexeme) (node, error) {
	at, upper, next := place(l.from), strings.ToUpper(l.value), p.peek()
	switch {
	case upper == "TRUE", upper == "FALSE", upper == "NULL":
		return constant{at, l, false}, nil
	case upper == "CASE":
		return p.choice(at)
	case upper == "SELECT":
		return nil, p.wrong(l, "expected an expression, not a query; write what follows SELECT")
	case keywords[upper]:
		return nil, p.wrong(l, fmt.Sprintf("expected a column, a value or a function, not %s; put a column of this name in backquotes", l))
	case next.kind == textValue && (upper == "DATE" || upper == "TIMESTAMP" || upper == "TIMESTAMP_NTZ" || upper == "TIMESTAMP_LTZ"):
		return typed{at, upper, p.take().value}, nil
	case upper == "INTERVAL" && (next.kind == textValue || next.kind == number || next.is("-") && len(p.all) > 1 && p.all[1].kind == number):
		return p.interval(at)
	case next.kind == textValue && unsupported[upper] != "":
		return nil, p.wrong(l, unsupported[upper])
	case next.is("(") && (upper == "CAST" || upper == "TRY_CAST"):
		return p.cast(at, upper == "TRY_CAST")
	case next.is("(") && upper == "EXTRACT":
		return p.extract(at)
	case next.kind == textValue:
		return nil, p.wrong(next, fmt.Sprintf("expected an operator after %s, not a text", l))
	case next.is("("):
		return p.call(l)
	}
	return name{at, l.value}, nil
}

func (p *parser) call(l lexeme) (node, error) {
	p.take()
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer p.up()
	c := call{place: place(l.from), name: l.value}
	where := "or ) among the arguments of " + l.value
	if end := p.peek(); p.accept(")") {
		c.to = end.to
		return c, nil
	}
	if d := p.peek(); d.is("DISTINCT") {
		return nil, p.wrong(d, "expected an argument: a job computes row by row, without aggregates")
	}
	for {
		a := argument{place: place(p.peek().from)}
		if p.peek().kind == word && len(p.all) > 1 && p.all[1].is("=>") {
			a.name = p.take().value
			p.take()
		} else if n := len(c.args); n > 0 && c.args[n-1].name != "" {
			return nil, p.wrong(p.peek(), fmt.Sprintf("all arguments after a named one need names too, as in %s => ...", c.args[n-1].name))
		}
		a.from = p.peek().from
		var err error
		if a.value, err = p.expression(); err != nil {
			return nil, err
		}
		a.to = p.past
		c.args = append(c.args, a)
		if end := p.peek(); p.accept(")") {
			c.to = end.to
			return c, nil
		}
		if err := p.expect(",", where); err != nil {
			return nil, err
		}
	}
}

// choice parses what follows CASE.
func (p *parser) choice(at place) (node, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer p.up()
	c := choice{place: at}
	var err error
	if !p.peek().is("WHEN") {
		if c.of, err = p.expression(); err != nil {
			return nil, err
		}
	}
	for len(c.when) == 0 || p.peek().is("WHEN") {
		if err := p.expect("WHEN", "in CASE"); err != nil {
			return nil, err
		}
		when, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.expect("THEN", "after WHEN"); err != nil {
			return nil, err
		}
		then, err := p.expression()
		if err != nil {
			return nil, err
		}
		c.when, c.then = append(c.when, when), append(c.then, then)
	}
	if p.accept("ELSE") {
		if c.otherwise, err = p.expression(); err != nil {
			return nil, err
		}
	}
	return c, p.expect("END", "to end CASE")
}
