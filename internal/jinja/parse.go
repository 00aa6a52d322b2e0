package jinja

import "slices"

// parser builds nodes from tokens.
type parser struct {
	tokens   []token
	next     int
	depth    int
	literals []string
	macros   []*macroCode // the macros that enclose the position
}

// maxNesting bounds the nesting of statements and expressions.
const maxNesting = 200

// enter counts one level of nesting. It returns the function that leaves it.
func (p *parser) enter() func() {
	if p.depth++; p.depth > maxNesting {
		panic(failure{&Error{p.peek().line, "its statements or expressions are nested too deeply", ErrLimit}})
	}
	return func() { p.depth-- }
}

func (p *parser) peek() token { return p.tokens[p.next] }

// peekSecond returns the token after the next one.
func (p *parser) peekSecond() token { return p.tokens[min(p.next+1, len(p.tokens)-1)] }

func (p *parser) take() token {
	t := p.tokens[p.next]
	if t.kind != endOfFile {
		p.next++
	}
	return t
}

func (t token) is(k kind, text string) bool { return t.kind == k && t.text == text }

func (p *parser) isOperator(text string) bool { return p.peek().is(operator, text) }
func (p *parser) isName(text string) bool     { return p.peek().is(name, text) }

// skip consumes the next token if it is this operator.
func (p *parser) skip(text string) bool {
	if p.isOperator(text) {
		p.next++
		return true
	}
	return false
}

// skipName consumes the next token if it is this word.
func (p *parser) skipName(text string) bool {
	if p.isName(text) {
		p.next++
		return true
	}
	return false
}

func (p *parser) unexpected(want string) {
	fail(p.peek().line, "unexpected %s, expected %s", p.peek(), want)
}

func (p *parser) expect(text string) {
	if !p.skip(text) {
		p.unexpected(text)
	}
}

func (p *parser) expectName(text string) {
	if !p.skipName(text) {
		p.unexpected(text)
	}
}

func (p *parser) expectKind(k kind, what string) token {
	if p.peek().kind != k {
		p.unexpected(what)
	}
	return p.take()
}

func (p *parser) line() line { return line(p.peek().line) }

// body reads statements to the end of the template.
func (p *parser) body() []node {
	body, _ := p.until()
	return body
}

// until reads statements up to a tag that starts with one of the words of ends.
// It consumes the word. Without ends it reads to the end of the template.
func (p *parser) until(ends ...string) (body []node, end string) {
	defer p.enter()()
	for {
		switch t := p.take(); t.kind {
		case endOfFile:
			if len(ends) > 0 {
				fail(t.line, "unexpected end of the template, expected %s", ends[len(ends)-1])
			}
			return body, ""
		case data:
			p.literals = append(p.literals, t.text)
			body = append(body, &output{line: line(t.line), text: t.text})
		case beginVariable:
			body = append(body, &output{line: line(t.line), expr: p.tuple(true, false)})
			p.expectKind(endVariable, "}}")
		case beginBlock:
			if word := p.peek(); word.kind == name && slices.Contains(ends, word.text) {
				p.take()
				return body, word.text
			}
			if statement := p.statement(); statement != nil {
				body = append(body, statement)
			}
			p.expectKind(endBlock, "%}")
		}
	}
}

// block reads the rest of a tag, and then statements as until does.
func (p *parser) block(ends ...string) (body []node, end string) {
	p.skip(":")
	p.expectKind(endBlock, "%}")
	return p.until(ends...)
}

// statement reads a statement after {%.
func (p *parser) statement() node {
	at := p.line()
	word := p.expectKind(name, "the name of a statement")
	switch word.text {
	case "if":
		return p.ifStatement(at)
	case "for":
		return p.forStatement(at)
	case "set":
		return p.setStatement(at)
	case "with":
		return p.withStatement(at)
	case "macro":
		m := &macroCode{line: at, name: p.expectKind(name, "the name of a macro").text}
		p.signature(m)
		p.macroBody(m, "endmacro")
		return &macroStatement{at, m}
	case "call":
		m := &macroCode{line: at, name: "caller"}
		if p.isOperator("(") {
			p.signature(m)
		}
		c, ok := p.expression(true).(*call)
		if !ok {
			fail(int(at), "a call block needs a call")
		}
		p.macroBody(m, "endcall")
		return &callBlock{at, c, m}
	case "filter":
		f := p.filters(p.filterNamed(&placeholder{at}))
		body, _ := p.block("endfilter")
		return &filterBlock{at, f, body}
	case "print":
		var parts []node
		for p.peek().kind != endBlock {
			if len(parts) > 0 {
				p.expect(",")
			}
			parts = append(parts, &output{line: at, expr: p.expression(true)})
		}
		return &group{at, parts}
	case "generation":
		body, _ := p.block("endgeneration")
		return &group{at, body}
	case "autoescape":
		p.expression(true)
		body, _ := p.block("endautoescape")
		return &group{at, body}
	case "block":
		own := p.expectKind(name, "the name of a block").text
		for p.skipName("scoped") || p.skipName("required") {
		}
		body, _ := p.block("endblock")
		p.skipName(own)
		return &group{at, body}
	case "break":
		return &breakStatement{at}
	case "continue":
		return &continueStatement{at}
	case "include", "import", "from", "extends":
		fail(int(at), "it loads another template (%s), which is not supported", word.text)
	}
	fail(int(at), "unknown statement %q", word.text)
	return nil
}

func (p *parser) ifStatement(at line) node {
	s := &ifStatement{line: at, test: p.tuple(false, false)}
	then, end := p.block("elif", "else", "endif")
	s.then = then
	switch end {
	case "elif":
		defer p.enter()()
		s.otherwise = []node{p.ifStatement(p.line())}
	case "else":
		s.otherwise, _ = p.block("endif")
	}
	return s
}

func (p *parser) forStatement(at line) node {
	s := &forStatement{line: at, target: p.target(false, "in")}
	if s.target.sets("loop") {
		fail(int(at), "a for statement cannot assign to loop")
	}
	p.expectName("in")
	s.iterable = p.tuple(false, false, "recursive")
	if p.skipName("if") {
		s.filter = p.expression(true)
	}
	s.recursive = p.skipName("recursive")
	body, end := p.block("endfor", "else")
	s.body = body
	if end == "else" {
		s.otherwise, _ = p.block("endfor")
	}
	return s
}

func (p *parser) setStatement(at line) node {
	to := p.target(true)
	if p.skip("=") {
		return &setStatement{at, to, p.tuple(true, false)}
	}
	s := &setBlock{line: at, target: to}
	if p.isOperator("|") {
		s.filter = p.filters(&placeholder{at})
	}
	s.body, _ = p.block("endset")
	return s
}

func (p *parser) withStatement(at line) node {
	s := &withStatement{line: at}
	for p.peek().kind != endBlock {
		if len(s.targets) > 0 {
			p.expect(",")
		}
		s.targets = append(s.targets, p.target(false))
		p.expect("=")
		s.values = append(s.values, p.expression(true))
	}
	s.body, _ = p.block("endwith")
	return s
}

// signature reads the parameters of a macro.
func (p *parser) signature(m *macroCode) {
	p.expect("(")
	for !p.isOperator(")") {
		if len(m.parameters) > 0 {
			p.expect(",")
		}
		m.parameters = append(m.parameters, p.expectKind(name, "the name of a parameter").text)
		if p.skip("=") {
			m.defaults = append(m.defaults, p.expression(true))
		} else if len(m.defaults) > 0 {
			fail(int(m.line), "a parameter without a default follows one with a default")
		}
	}
	p.expect(")")
}

func (p *parser) macroBody(m *macroCode, end string) {
	p.macros = append(p.macros, m)
	m.body, _ = p.block(end)
	p.macros = p.macros[:len(p.macros)-1]
}

// noteUse records in the enclosing macros that they use a variable.
func (p *parser) noteUse(word string) {
	for _, m := range p.macros {
		switch word {
		case "caller":
			m.caller = true
		case "varargs":
			m.varargs = true
		case "kwargs":
			m.kwargs = true
		}
	}
}

// target reads the target of an assignment, up to one of the words.
func (p *parser) target(attributes bool, ends ...string) target {
	at := p.line()
	first := p.singleTarget(attributes)
	if !p.isOperator(",") {
		return first
	}
	parts := []target{first}
	for p.skip(",") {
		if t := p.peek(); t.kind == endBlock || t.is(operator, "=") || t.kind == name && slices.Contains(ends, t.text) {
			break
		}
		parts = append(parts, p.singleTarget(attributes))
	}
	return target{line: at, parts: parts, several: true}
}

func (p *parser) singleTarget(attributes bool) target {
	defer p.enter()()
	at := p.line()
	if p.skip("(") {
		t := p.target(false)
		p.expect(")")
		return t
	}
	word := p.expectKind(name, "a name to assign to").text
	if slices.Contains([]string{"true", "false", "none", "True", "False", "None"}, word) {
		fail(int(at), "%s cannot be assigned to", word)
	}
	if attributes && p.skip(".") {
		return target{line: at, name: word, attribute: p.expectKind(name, "the name of an attribute").text}
	}
	return target{line: at, name: word}
}
