package jinja

import (
	"fmt"
	"strings"
)

// value computes an expression.
func (r *run) value(e expr, s *scope) value { return r.valueOf(e, s, nil) }

// valueOf computes an expression in which a placeholder stands for held.
func (r *run) valueOf(e expr, s *scope, held value) value {
	defer r.deeper()()
	r.work(1)
	switch e := e.(type) {
	case *literal:
		return e.value
	case *placeholder:
		return held
	case *variable:
		if v, ok := s.find(e.name); ok {
			return v
		}
		return undefined{fmt.Sprintf("'%s' is undefined", e.name)}
	case *listLiteral:
		l := &list{tuple: e.tuple, items: make([]value, len(e.items))}
		r.spend(16 * len(e.items))
		for i, x := range e.items {
			l.items[i] = r.valueOf(x, s, held)
		}
		return l
	case *dictLiteral:
		d := newDict()
		for i, k := range e.keys {
			d.set(r, r.valueOf(k, s, held), r.valueOf(e.values[i], s, held))
		}
		return d
	case *attribute:
		of := r.valueOf(e.of, s, held)
		r.line = e.at()
		return r.attribute(of, e.name)
	case *item:
		of := r.valueOf(e.of, s, held)
		if cut, ok := e.key.(*slice); ok {
			return r.slice(of, cut, s)
		}
		k := r.valueOf(e.key, s, held)
		r.line = e.at()
		return r.item(of, k)
	case *call:
		f := r.valueOf(e.function, s, held)
		a := r.arguments(e.arguments, s)
		r.line = e.at()
		return r.call(f, a)
	case *filter:
		of := r.valueOf(e.of, s, held)
		a := r.arguments(e.arguments, s)
		r.line = e.at()
		return r.filter(e.name, of, a)
	case *test:
		of := r.valueOf(e.of, s, held)
		a := r.arguments(e.arguments, s)
		r.line = e.at()
		return boolean(r.test(e.name, of, a))
	case *unary:
		v := r.valueOf(e.of, s, held)
		r.line = e.at()
		return r.unary(e.operator, v)
	case *binary:
		left := r.valueOf(e.left, s, held)
		if e.operator == "and" && !truth(left) || e.operator == "or" && truth(left) {
			return left
		}
		right := r.valueOf(e.right, s, held)
		r.line = e.at()
		if e.operator == "and" || e.operator == "or" {
			return right
		}
		return r.binary(e.operator, left, right)
	case *concatenation:
		var b builder
		for _, part := range e.parts {
			b.add(r.str(r.valueOf(part, s, held)))
		}
		r.spend(b.s.Len())
		return b.text()
	case *comparison:
		left := r.valueOf(e.first, s, held)
		for i, op := range e.operators {
			right := r.valueOf(e.others[i], s, held)
			r.line = e.at()
			if !r.compares(op, left, right) {
				return boolean(false)
			}
			left = right
		}
		return boolean(true)
	case *conditional:
		if truth(r.valueOf(e.test, s, held)) {
			return r.valueOf(e.then, s, held)
		}
		if e.otherwise == nil {
			return undefined{"the inline if-expression evaluated to false and no else section was defined"}
		}
		return r.valueOf(e.otherwise, s, held)
	case *slice:
		r.fail("a slice is not supported here")
	}
	panic(fmt.Sprintf("jinja: no expression %T", e))
}

// args are the arguments of a call.
type args struct {
	plain []value
	names []string
	named []value
}

func (a *args) name(name string, v value) {
	a.names = append(a.names, name)
	a.named = append(a.named, v)
}

// take gives an argument by name, and takes it out.
func (a *args) take(name string) (value, bool) {
	for i, n := range a.names {
		if n == name {
			v := a.named[i]
			a.names = append(append([]string{}, a.names[:i]...), a.names[i+1:]...)
			a.named = append(append([]value{}, a.named[:i]...), a.named[i+1:]...)
			return v, true
		}
	}
	return nil, false
}

func (r *run) arguments(code arguments, s *scope) (a args) {
	for _, e := range code.plain {
		a.plain = append(a.plain, r.value(e, s))
	}
	for i, name := range code.names {
		a.name(name, r.value(code.named[i], s))
	}
	if code.list != nil {
		items := r.each(r.value(code.list, s))
		r.spend(16 * len(items))
		a.plain = append(a.plain, items...)
	}
	if code.dict != nil {
		d, ok := r.value(code.dict, s).(*dict)
		if !ok {
			r.fail("argument after ** must be a mapping")
		}
		for i, k := range d.keys {
			name, ok := k.(text)
			if !ok || name.origin() > 0 { // names of arguments know no origin
				r.fail("keywords must be strings of the template's own")
			}
			a.name(name.s, d.values[i])
		}
	}
	return a
}

// parameters puts the arguments of a call in order; those that are not given are
// nil. required is how many have to be given.
func (r *run) parameters(a args, function string, required int, names ...string) []value {
	if len(a.plain) > len(names) {
		r.fail("%s takes at most %d argument(s) (%d given)", function, len(names), len(a.plain))
	}
	out := make([]value, len(names))
	copy(out, a.plain)
	for i, name := range names {
		v, ok := a.take(name)
		if ok && i < len(a.plain) {
			r.fail("%s got multiple values for argument '%s'", function, name)
		}
		if ok {
			out[i] = v
		}
		if i < required && out[i] == nil {
			r.fail("%s is missing the argument '%s'", function, name)
		}
	}
	if len(a.names) > 0 {
		r.fail("%s got an unexpected keyword argument '%s'", function, a.names[0])
	}
	return out
}

func (r *run) call(f value, a args) value {
	defer r.deeper()()
	r.work(1)
	switch f := f.(type) {
	case *function:
		return f.call(r, a)
	case *macro:
		return r.callMacro(f, a)
	case *loop:
		if f.again == nil {
			r.fail("the loop must have the 'recursive' marker to be called recursively")
		}
		return f.again(r.parameters(a, "loop", 1, "iterable")[0])
	case *object:
		if f.call != nil {
			return f.call(r, a)
		}
	case undefined:
		r.fail("%s", f.what)
	}
	r.fail("'%s' object is not callable", typeName(f))
	return nil
}

// attribute is Jinja's v.name: an attribute, or else an item.
func (r *run) attribute(v value, name string) value {
	if found, ok := r.ownAttribute(v, name); ok {
		return found
	}
	if found, ok := r.ownItem(v, plain(name)); ok {
		return found
	}
	return lacks(v, name)
}

// item is Jinja's v[k]: an item, or else an attribute.
func (r *run) item(v, k value) value {
	if found, ok := r.ownItem(v, k); ok {
		return found
	}
	name, ok := k.(text)
	if !ok {
		return undefined{fmt.Sprintf("%s object has no element %s", typeName(v), r.repr(k).s)}
	}
	if found, ok := r.ownAttribute(v, name.s); ok {
		return found
	}
	return lacks(v, name.s)
}

func lacks(v value, name string) undefined {
	return undefined{fmt.Sprintf("'%s object' has no attribute '%s'", typeName(v), name)}
}

// ownItem is Python's v[k]; ok is false where there is no such item.
func (r *run) ownItem(v, k value) (value, bool) {
	count := 0
	switch v := v.(type) {
	case undefined:
		r.fail("%s", v.what)
	case *dict:
		switch k := k.(type) {
		case *list:
			if !k.tuple {
				return nil, false
			}
		case *dict, *view, *generator:
			return nil, false
		}
		return v.get(r, k)
	case text:
		r.spendWork(len(v.s))
		count = v.count()
	case *list:
		count = len(v.items)
	case *numberRange:
		count = int(v.count)
	default:
		return nil, false
	}
	n, _, whole, _ := number(k)
	if !whole {
		return nil, false
	}
	if n < 0 {
		n += int64(count)
	}
	if n < 0 || n >= int64(count) {
		return nil, false
	}
	switch v := v.(type) {
	case text:
		first := v.offset(int(n))
		rest := text{s: v.s[first:]}
		return v.cut(first, first+rest.offset(1)), true
	case *list:
		return v.items[n], true
	case *numberRange:
		return integer(v.first + n*v.step), true
	}
	return nil, false
}

// ownAttribute is Python's getattr(v, name), as the sandbox allows it: methods
// that change a value are not there.
func (r *run) ownAttribute(v value, name string) (value, bool) {
	if strings.HasPrefix(name, "_") {
		if _, ok := v.(undefined); !ok {
			return nil, false
		}
	}
	switch v := v.(type) {
	case undefined:
		r.fail("%s", v.what)
	case *loop:
		return v.attribute(name)
	case *object:
		if v.attributes == nil {
			return nil, false
		}
		return v.attributes(name)
	case *namespace:
		return v.attributes.get(r, plain(name))
	case *macro:
		switch name {
		case "name":
			return plain(v.code.name), true
		case "arguments":
			l := &list{tuple: true}
			for _, p := range v.code.parameters {
				l.items = append(l.items, plain(p))
			}
			return l, true
		}
	case text:
		if m, ok := textMethods[name]; ok {
			r.mustBePlain(v)
			return &function{name, func(r *run, a args) value { return m(r, v, a) }}, true
		}
	case *dict:
		return v.attribute(name)
	case *list:
		return v.attribute(name)
	}
	return nil, false
}

func (d *dict) attribute(name string) (value, bool) {
	method := func(call func(r *run, a args) value) (value, bool) { return &function{name, call}, true }
	switch name {
	case "get":
		return method(func(r *run, a args) value {
			p := r.parameters(a, "get", 1, "key", "default")
			if v, ok := d.get(r, p[0]); ok {
				return v
			}
			if p[1] != nil {
				return p[1]
			}
			return none{}
		})
	case "items", "keys", "values":
		return method(func(r *run, a args) value {
			r.parameters(a, name, 0)
			r.spend(48 * len(d.keys))
			switch name {
			case "keys":
				return &view{name, d.keys}
			case "values":
				return &view{name, d.values}
			}
			return &view{name, d.items()}
		})
	case "copy":
		return method(func(r *run, a args) value { return d.copy(r) })
	case "clear", "pop", "popitem", "setdefault", "update":
		return refused(d, name), true
	}
	return nil, false
}

func (l *list) attribute(name string) (value, bool) {
	method := func(call func(r *run, a args) value) (value, bool) { return &function{name, call}, true }
	switch name {
	case "index":
		return method(func(r *run, a args) value {
			p := r.parameters(a, name, 1, "value")
			for i, v := range l.items {
				if r.equal(v, p[0]) {
					return integer(i)
				}
			}
			r.fail("%s is not in list", r.repr(p[0]).s)
			return nil
		})
	case "count":
		return method(func(r *run, a args) value {
			p := r.parameters(a, name, 1, "value")
			n := 0
			for _, v := range l.items {
				if r.equal(v, p[0]) {
					n++
				}
			}
			return integer(n)
		})
	case "copy":
		if l.tuple {
			return nil, false
		}
		return method(func(r *run, a args) value { return l })
	case "append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove":
		if l.tuple {
			return nil, false
		}
		return refused(l, name), true
	}
	return nil, false
}

// refused is what a method is that would change its value.
func refused(v value, name string) undefined {
	return undefined{fmt.Sprintf("access to attribute '%s' of '%s' object is unsafe", name, typeName(v))}
}

// slice is Python's v[first:end:step].
func (r *run) slice(v value, code *slice, s *scope) value {
	var bounds [3]*int64
	for i, e := range []expr{code.first, code.end, code.step} {
		if e == nil {
			continue
		}
		k := r.value(e, s)
		if _, ok := k.(none); ok {
			continue
		}
		n, _, whole, _ := number(k)
		if !whole {
			return undefined{fmt.Sprintf("slice indices must be integers or None, not %s", typeName(k))}
		}
		bounds[i] = &n
	}
	r.line = code.at()
	step := int64(1)
	if bounds[2] != nil {
		step = *bounds[2]
	}
	if step == 0 {
		r.fail("slice step cannot be zero")
	}
	var items []value
	switch v := v.(type) {
	case undefined:
		r.fail("%s", v.what)
	case text:
		r.spend(len(v.s))
		if step == 1 {
			n := int64(v.count())
			first, end := bound(bounds[0], 0, 0, n, n), bound(bounds[1], n, 0, n, n)
			return v.cut(v.offset(int(first)), v.offset(int(end)))
		}
		items, _ = r.iterate(v)
	case *list:
		items = v.items
	case *numberRange:
		items, _ = r.iterate(v)
	default:
		return undefined{fmt.Sprintf("'%s' object is not subscriptable", typeName(v))}
	}
	n := int64(len(items))
	var picked []value
	if step > 0 {
		for i, end := bound(bounds[0], 0, 0, n, n), bound(bounds[1], n, 0, n, n); i < end; i += step {
			picked = append(picked, items[i])
			if step > n {
				break
			}
		}
	} else {
		for i, end := bound(bounds[0], n-1, -1, n-1, n), bound(bounds[1], -1, -1, n-1, n); i > end; i += step {
			picked = append(picked, items[i])
			if -step > n {
				break
			}
		}
	}
	r.spend(16 * len(picked))
	if _, ok := v.(text); ok {
		var b builder
		for _, c := range picked {
			b.add(c.(text))
		}
		return b.text()
	}
	tuple := false
	if l, ok := v.(*list); ok {
		tuple = l.tuple
	}
	return &list{picked, tuple}
}

// bound is where a slice of n values begins or ends.
func bound(at *int64, fallback, lo, hi, n int64) int64 {
	if at == nil {
		return fallback
	}
	i := *at
	if i < 0 {
		i += n
		if i < 0 {
			return lo
		}
	}
	return min(i, hi)
}
