package jinja

import "slices"

// tuple reads an expression, or several that are separated by commas, up to the
// end of the tag, a parenthesis or one of the words. With bracketed there may be
// none.
func (p *parser) tuple(conditions, bracketed bool, ends ...string) expr {
	at := p.line()
	var items []expr
	tuple := false
	for {
		t := p.peek()
		if t.kind == endVariable || t.kind == endBlock || t.is(operator, ")") || t.kind == name && slices.Contains(ends, t.text) {
			break
		}
		items = append(items, p.expression(conditions))
		if !p.skip(",") {
			break
		}
		tuple = true
	}
	switch {
	case tuple || bracketed && len(items) == 0:
		return &listLiteral{at, items, true}
	case len(items) == 0:
		p.unexpected("an expression")
	}
	return items[0]
}

// expression reads one expression. conditions allows "a if b else c".
func (p *parser) expression(conditions bool) expr {
	defer p.enter()()
	at := p.line()
	e := p.or()
	for conditions && p.skipName("if") {
		c := &conditional{line: at, then: e, test: p.or()}
		if p.skipName("else") {
			c.otherwise = p.expression(true)
		}
		e = c
	}
	return e
}

func (p *parser) or() expr {
	at := p.line()
	left := p.and()
	for p.skipName("or") {
		left = &binary{at, "or", left, p.and()}
	}
	return left
}

func (p *parser) and() expr {
	at := p.line()
	left := p.not()
	for p.skipName("and") {
		left = &binary{at, "and", left, p.not()}
	}
	return left
}

func (p *parser) not() expr {
	at := p.line()
	if p.skipName("not") {
		defer p.enter()()
		return &unary{at, "not", p.not()}
	}
	return p.comparison()
}

var comparisons = []string{"==", "!=", "<", "<=", ">", ">="}

func (p *parser) comparison() expr {
	c := &comparison{line: p.line(), first: p.sum()}
	for {
		t := p.peek()
		switch {
		case t.kind == operator && slices.Contains(comparisons, t.text):
			p.take()
		case p.skipName("in"):
		case p.isName("not") && p.peekSecond().is(name, "in"):
			p.next += 2
			t.text = "not in"
		case len(c.operators) == 0:
			return c.first
		default:
			return c
		}
		c.operators = append(c.operators, t.text)
		c.others = append(c.others, p.sum())
	}
}

// operators reads operands that are separated by operators of equal precedence.
func (p *parser) operators(operand func() expr, operators ...string) expr {
	at := p.line()
	left := operand()
	for {
		t := p.peek()
		if t.kind != operator || !slices.Contains(operators, t.text) {
			return left
		}
		p.take()
		left = &binary{at, t.text, left, operand()}
	}
}

func (p *parser) sum() expr { return p.operators(p.concatenation, "+", "-") }

func (p *parser) concatenation() expr {
	at := p.line()
	parts := []expr{p.product()}
	for p.skip("~") {
		parts = append(parts, p.product())
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return &concatenation{at, parts}
}

func (p *parser) product() expr { return p.operators(p.power, "*", "/", "//", "%") }

func (p *parser) power() expr {
	return p.operators(func() expr { return p.signed(true) }, "**")
}

func (p *parser) signed(filters bool) expr {
	at := p.line()
	var e expr
	if t := p.peek(); t.is(operator, "-") || t.is(operator, "+") {
		p.take()
		defer p.enter()()
		e = &unary{at, t.text, p.signed(false)}
	} else {
		e = p.primary()
	}
	e = p.postfix(e)
	if filters {
		e = p.filtered(e)
	}
	return e
}

var constants = map[string]value{
	"true": boolean(true), "True": boolean(true), "false": boolean(false), "False": boolean(false), "none": none{}, "None": none{},
}

func (p *parser) primary() expr {
	at := p.line()
	t := p.take()
	switch t.kind {
	case name:
		if v, ok := constants[t.text]; ok {
			return &literal{at, v}
		}
		p.noteUse(t.text)
		return &variable{at, t.text}
	case stringLiteral:
		text := t.text
		for p.peek().kind == stringLiteral {
			text += p.take().text
		}
		p.literals = append(p.literals, text)
		return &literal{at, templateText(text)}
	case integerLiteral:
		return &literal{at, integer(t.whole)}
	case floatLiteral:
		return &literal{at, float(t.number)}
	case operator:
		switch t.text {
		case "(":
			e := p.tuple(true, true)
			p.expect(")")
			return e
		case "[":
			return &listLiteral{at, p.list("]"), false}
		case "{":
			return p.dict(at)
		}
	}
	fail(t.line, "unexpected %s, expected an expression", t)
	return nil
}

// list reads expressions up to a closing bracket.
func (p *parser) list(end string) []expr {
	var items []expr
	for !p.skip(end) {
		if len(items) > 0 {
			p.expect(",")
			if p.skip(end) {
				break
			}
		}
		items = append(items, p.expression(true))
	}
	return items
}

func (p *parser) dict(at line) expr {
	d := &dictLiteral{line: at}
	for !p.skip("}") {
		if len(d.keys) > 0 {
			p.expect(",")
			if p.skip("}") {
				break
			}
		}
		d.keys = append(d.keys, p.expression(true))
		p.expect(":")
		d.values = append(d.values, p.expression(true))
	}
	return d
}

// postfix reads attributes, items and calls after an expression.
func (p *parser) postfix(e expr) expr {
	for {
		at := p.line()
		switch {
		case p.skip("."):
			if t := p.peek(); t.kind == integerLiteral {
				p.take()
				e = &item{at, e, &literal{at, integer(t.whole)}}
				continue
			}
			e = &attribute{at, e, p.expectKind(name, "the name of an attribute").text}
		case p.skip("["):
			e = &item{at, e, p.subscript(at)}
		case p.isOperator("("):
			e = &call{at, e, p.arguments()}
		default:
			return e
		}
	}
}

// subscript reads the content of brackets after an expression.
func (p *parser) subscript(at line) expr {
	var all []expr
	for !p.skip("]") {
		if len(all) > 0 {
			p.expect(",")
		}
		all = append(all, p.singleSubscript())
	}
	switch len(all) {
	case 0:
		fail(int(at), "the brackets after an expression are empty")
	case 1:
		return all[0]
	}
	return &listLiteral{at, all, true}
}

func (p *parser) singleSubscript() expr {
	s := &slice{line: p.line()}
	ends := func() bool { return p.isOperator(":") || p.isOperator("]") || p.isOperator(",") }
	if !p.isOperator(":") {
		s.first = p.expression(true)
		if !p.isOperator(":") {
			return s.first
		}
	}
	p.expect(":")
	if !ends() {
		s.end = p.expression(true)
	}
	if p.skip(":") && !ends() {
		s.step = p.expression(true)
	}
	return s
}

// arguments reads the arguments of a call, with their parentheses.
func (p *parser) arguments() (a arguments) {
	at := p.peek().line
	p.expect("(")
	ensure := func(ok bool) {
		if !ok {
			fail(at, "the arguments of a call are in the wrong order")
		}
	}
	for comma := false; !p.skip(")"); comma = true {
		if comma {
			p.expect(",")
			if p.skip(")") {
				break
			}
		}
		switch {
		case p.skip("*"):
			ensure(a.list == nil && a.dict == nil)
			a.list = p.expression(true)
		case p.skip("**"):
			ensure(a.dict == nil)
			a.dict = p.expression(true)
		case p.peek().kind == name && p.peekSecond().is(operator, "="):
			ensure(a.dict == nil)
			a.names = append(a.names, p.take().text)
			p.take()
			a.named = append(a.named, p.expression(true))
		default:
			ensure(a.list == nil && a.dict == nil && len(a.named) == 0)
			a.positional = append(a.positional, p.expression(true))
		}
	}
	return a
}

// filtered reads filters, tests and calls after an expression.
func (p *parser) filtered(e expr) expr {
	for {
		switch {
		case p.isOperator("|"):
			e = p.filters(e)
		case p.isName("is"):
			e = p.test(e)
		case p.isOperator("("):
			e = &call{p.line(), e, p.arguments()}
		default:
			return e
		}
	}
}

func (p *parser) filters(e expr) expr {
	for p.skip("|") {
		e = p.filterNamed(e)
	}
	return e
}

// filterNamed reads the name and the arguments of a filter.
func (p *parser) filterNamed(of expr) expr {
	f := &filter{line: p.line(), of: of, name: p.dotted("the name of a filter")}
	if p.isOperator("(") {
		f.arguments = p.arguments()
	}
	return f
}

func (p *parser) dotted(what string) string {
	word := p.expectKind(name, what).text
	for p.skip(".") {
		word += "." + p.expectKind(name, what).text
	}
	return word
}

func (p *parser) test(of expr) expr {
	at := p.line()
	p.expectName("is")
	negated := p.skipName("not")
	t := &test{line: at, of: of, name: p.dotted("the name of a test")}
	switch next := p.peek(); {
	case p.isOperator("("):
		t.arguments = p.arguments()
	case p.isName("is"):
		fail(int(at), "tests cannot follow each other")
	case next.kind == name && next.text != "else" && next.text != "or" && next.text != "and",
		next.kind == stringLiteral, next.kind == integerLiteral, next.kind == floatLiteral, p.isOperator("["), p.isOperator("{"):
		t.positional = []expr{p.postfix(p.primary())}
	}
	if negated {
		return &unary{at, "not", t}
	}
	return t
}
