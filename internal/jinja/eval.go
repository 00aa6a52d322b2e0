package jinja

import "fmt"

// value evaluates an expression.
func (r *run) value(e expr, s *scope) value { return r.valueOf(e, s, nil) }

// valueOf evaluates an expression. input is the value of a placeholder in it.
func (r *run) valueOf(e expr, s *scope, input value) value {
	defer r.enter()()
	r.work(1)
	switch e := e.(type) {
	case *literal:
		return e.value
	case *placeholder:
		return input
	case *variable:
		if v, ok := s.find(e.name); ok {
			return v
		}
		return undefined{fmt.Sprintf("'%s' is undefined", e.name)}
	case *listLiteral:
		l := &list{tuple: e.tuple, items: make([]value, len(e.items))}
		r.allocate(16 * len(e.items))
		for i, x := range e.items {
			l.items[i] = r.valueOf(x, s, input)
		}
		return l
	case *dictLiteral:
		d := newDict()
		for i, k := range e.keys {
			d.set(r, r.valueOf(k, s, input), r.valueOf(e.values[i], s, input))
		}
		return d
	case *attribute:
		of := r.valueOf(e.of, s, input)
		r.line = e.at()
		return r.attribute(of, e.name)
	case *item:
		of := r.valueOf(e.of, s, input)
		if cut, ok := e.key.(*slice); ok {
			return r.slice(of, cut, s)
		}
		k := r.valueOf(e.key, s, input)
		r.line = e.at()
		return r.item(of, k)
	case *call:
		f := r.valueOf(e.function, s, input)
		a := r.arguments(e.arguments, s)
		r.line = e.at()
		return r.call(f, a)
	case *filter:
		of := r.valueOf(e.of, s, input)
		a := r.arguments(e.arguments, s)
		r.line = e.at()
		return r.filter(e.name, of, a)
	case *test:
		of := r.valueOf(e.of, s, input)
		a := r.arguments(e.arguments, s)
		r.line = e.at()
		return boolean(r.test(e.name, of, a))
	case *unary:
		v := r.valueOf(e.of, s, input)
		r.line = e.at()
		return r.unary(e.operator, v)
	case *binary:
		left := r.valueOf(e.left, s, input)
		if e.operator == "and" && !truth(left) || e.operator == "or" && truth(left) {
			return left
		}
		right := r.valueOf(e.right, s, input)
		r.line = e.at()
		if e.operator == "and" || e.operator == "or" {
			return right
		}
		return r.binary(e.operator, left, right)
	case *concatenation:
		var b builder
		for _, part := range e.parts {
			b.add(r.str(r.valueOf(part, s, input)))
		}
		r.allocate(b.s.Len())
		return b.text()
	case *comparison:
		left := r.valueOf(e.first, s, input)
		for i, op := range e.operators {
			right := r.valueOf(e.others[i], s, input)
			r.line = e.at()
			if !r.compares(op, left, right) {
				return boolean(false)
			}
			left = right
		}
		return boolean(true)
	case *conditional:
		if truth(r.valueOf(e.test, s, input)) {
			return r.valueOf(e.then, s, input)
		}
		if e.otherwise == nil {
			return undefined{"the inline if-expression evaluated to false and no else section was defined"}
		}
		return r.valueOf(e.otherwise, s, input)
	case *slice:
		r.fail("a slice is not supported here")
	}
	panic(fmt.Sprintf("jinja: unknown expression %T", e))
}

func (r *run) call(f value, a args) value {
	defer r.enter()()
	r.work(1)
	switch f := f.(type) {
	case *function:
		return f.call(r, a)
	case *macro:
		return r.callMacro(f, a)
	case *loop:
		if f.recurse == nil {
			r.fail("the loop must have the 'recursive' marker to be called recursively")
		}
		return f.recurse(r.parameters(a, "loop", 1, "iterable")[0])
	case *object:
		if f.call != nil {
			return f.call(r, a)
		}
	case undefined:
		r.fail("%s", f.message)
	}
	r.fail("'%s' object is not callable", typeName(f))
	return nil
}
