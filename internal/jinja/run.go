package jinja

import (
	"fmt"
	"time"
)

// run is the state of one rendering.
type run struct {
	now   time.Time
	out   builder
	line  int // of the current statement or expression
	depth int
	steps int // remaining steps
	bytes int // remaining bytes
}

func (r *run) fail(format string, args ...any) { fail(r.line, format, args...) }

func (r *run) limit(what string) {
	panic(failure{&Error{r.line, what, ErrLimit}})
}

// work counts n steps.
func (r *run) work(n int) {
	if r.steps -= n; r.steps < 0 {
		r.limit("it needs too many steps")
	}
}

// workBytes counts the steps for reading n bytes.
func (r *run) workBytes(n int) { r.work(n/8 + 1) }

// allocate counts n bytes of a new string or list.
func (r *run) allocate(n int) {
	r.workBytes(n)
	if r.bytes -= n; r.bytes < 0 {
		r.limit("its strings or lists are too long")
	}
}

// enter counts one level of nodes and calls. It returns the function that leaves
// it.
func (r *run) enter() func() {
	if r.depth++; r.depth > maxDepth {
		r.limit("its calls or nodes are nested too deeply")
	}
	return r.leave
}

func (r *run) leave() { r.depth-- }

// scope is the variables of a block, and the enclosing scope.
type scope struct {
	names  map[string]value
	parent *scope
}

func newScope(parent *scope) *scope { return &scope{map[string]value{}, parent} }

func (s *scope) find(name string) (value, bool) {
	for ; s != nil; s = s.parent {
		if v, ok := s.names[name]; ok {
			return v, true
		}
	}
	return nil, false
}

// flow says how execution continues after a statement.
type flow int

const (
	proceed flow = iota
	breaks
	continues
)

func (r *run) statements(body []node, s *scope) flow {
	defer r.enter()()
	for _, n := range body {
		if f := r.statement(n, s); f != proceed {
			return f
		}
	}
	return proceed
}

// capture executes statements and returns their output.
func (r *run) capture(body []node, s *scope) text {
	outer := r.out
	r.out = builder{}
	defer func() { r.out = outer }()
	r.statements(body, s)
	return r.out.text()
}

func (r *run) write(t text) {
	r.allocate(len(t.s))
	r.out.add(t)
}

func (r *run) statement(n node, s *scope) flow {
	r.line = n.at()
	r.work(1)
	switch n := n.(type) {
	case *output:
		if n.expr == nil {
			r.write(templateText(n.text))
			return proceed
		}
		r.write(r.str(r.value(n.expr, s)))
	case *ifStatement:
		if truth(r.value(n.test, s)) {
			return r.statements(n.then, s)
		}
		return r.statements(n.otherwise, s)
	case *forStatement:
		r.loop(n, r.value(n.iterable, s), s, 0)
	case *setStatement:
		r.assign(n.target, r.value(n.value, s), s)
	case *setBlock:
		v := value(r.capture(n.body, newScope(s)))
		if n.filter != nil {
			v = r.valueOf(n.filter, s, v)
		}
		r.assign(n.target, v, s)
	case *withStatement:
		inner := newScope(s)
		for i, t := range n.targets {
			r.assign(t, r.value(n.values[i], s), inner)
		}
		return r.statements(n.body, inner)
	case *macroStatement:
		s.names[n.macro.name] = &macro{n.macro, s}
	case *callBlock:
		a := r.arguments(n.call.arguments, s)
		a.name("caller", &macro{n.caller, s})
		r.write(r.str(r.call(r.value(n.call.function, s), a)))
	case *filterBlock:
		r.write(r.str(r.valueOf(n.filter, s, r.capture(n.body, newScope(s)))))
	case *group:
		return r.statements(n.body, newScope(s))
	case *breakStatement:
		return breaks
	case *continueStatement:
		return continues
	default:
		panic(fmt.Sprintf("jinja: unknown statement %T", n))
	}
	return proceed
}

// assign assigns a value to a target.
func (r *run) assign(t target, v value, s *scope) {
	switch {
	case t.several:
		items := r.each(v)
		if len(items) != len(t.parts) {
			r.fail("%d values cannot be assigned to %d names", len(items), len(t.parts))
		}
		for i, part := range t.parts {
			r.assign(part, items[i], s)
		}
	case t.attribute != "":
		found, _ := s.find(t.name)
		n, ok := found.(*namespace)
		if !ok {
			r.fail("cannot assign attribute on non-namespace object %q", t.name)
		}
		r.checkName(t.attribute)
		n.attributes.set(r, templateText(t.attribute), v)
	default:
		r.allocate(32)
		s.names[t.name] = v
	}
}

func (r *run) checkName(name string) {
	if len(name) > 0 && name[0] == '_' {
		r.fail("the attribute %q of a namespace must not begin with an underscore", name)
	}
}

// loop is the value of the variable loop.
type loop struct {
	items   []value
	at      int
	depth   int
	changed []value
	recurse func(items value) text // nil if the loop is not recursive
}

// loop executes a for statement.
func (r *run) loop(n *forStatement, over value, s *scope, depth int) {
	defer r.enter()()
	items := r.each(over)
	if n.filter != nil {
		var kept []value
		for _, v := range items {
			inner := newScope(s)
			r.assign(n.target, v, inner)
			if truth(r.value(n.filter, inner)) {
				kept = append(kept, v)
			}
		}
		items = kept
	}
	if len(items) == 0 {
		r.statements(n.otherwise, newScope(s))
		return
	}
	l := &loop{items: items, depth: depth}
	if n.recursive {
		l.recurse = func(items value) text {
			outer := r.out
			r.out = builder{}
			defer func() { r.out = outer }()
			r.loop(n, items, s, depth+1)
			return r.out.text()
		}
	}
	for i, v := range items {
		l.at = i
		r.work(4)
		inner := newScope(s)
		inner.names["loop"] = l
		r.assign(n.target, v, inner)
		if r.statements(n.body, inner) == breaks {
			break
		}
	}
}

func (l *loop) attribute(name string) (value, bool) {
	last := len(l.items) - 1
	switch name {
	case "index":
		return integer(l.at + 1), true
	case "index0":
		return integer(l.at), true
	case "revindex":
		return integer(last - l.at + 1), true
	case "revindex0":
		return integer(last - l.at), true
	case "first":
		return boolean(l.at == 0), true
	case "last":
		return boolean(l.at == last), true
	case "length":
		return integer(last + 1), true
	case "depth":
		return integer(l.depth + 1), true
	case "depth0":
		return integer(l.depth), true
	case "previtem":
		if l.at == 0 {
			return undefined{"there is no previous item"}, true
		}
		return l.items[l.at-1], true
	case "nextitem":
		if l.at == last {
			return undefined{"there is no next item"}, true
		}
		return l.items[l.at+1], true
	case "cycle":
		return &function{"cycle", func(r *run, a args) value {
			if len(a.positional) == 0 {
				r.fail("no items for cycling given")
			}
			return a.positional[l.at%len(a.positional)]
		}}, true
	case "changed":
		return &function{"changed", func(r *run, a args) value {
			now := &list{items: a.positional}
			if l.changed != nil && r.equal(&list{items: l.changed}, now) {
				return boolean(false)
			}
			l.changed = append([]value{}, a.positional...)
			return boolean(true)
		}}, true
	}
	return nil, false
}

// macro is a macro with the scope of its definition.
type macro struct {
	code  *macroCode
	scope *scope
}

func (r *run) callMacro(m *macro, a args) value {
	defer r.enter()()
	code := m.code
	line := r.line
	s := newScope(m.scope)
	missing := len(code.parameters) - len(code.defaults)
	callerNamed := false
	for i, name := range code.parameters {
		callerNamed = callerNamed || name == "caller"
		switch v, ok := a.take(name); {
		case i < len(a.positional) && ok:
			r.fail("macro '%s' got multiple values for argument '%s'", code.name, name)
		case i < len(a.positional):
			s.names[name] = a.positional[i]
		case ok:
			s.names[name] = v
		case i >= missing:
			s.names[name] = r.value(code.defaults[i-missing], s)
		default:
			s.names[name] = undefined{fmt.Sprintf("parameter %q was not provided", name)}
		}
	}
	if code.caller && !callerNamed {
		v, ok := a.take("caller")
		if !ok {
			v = undefined{"No caller defined"}
		}
		s.names["caller"] = v
	}
	if code.kwargs {
		d := newDict()
		for i, name := range a.names {
			d.set(r, templateText(name), a.named[i])
		}
		s.names["kwargs"] = d
	} else if len(a.names) > 0 {
		r.fail("macro '%s' takes no keyword argument '%s'", code.name, a.names[0])
	}
	rest := a.positional[min(len(code.parameters), len(a.positional)):]
	if code.varargs {
		s.names["varargs"] = &list{rest, true}
	} else if len(rest) > 0 {
		r.fail("macro '%s' takes not more than %d argument(s)", code.name, len(code.parameters))
	}
	out := r.capture(code.body, s)
	r.line = line
	return out
}
