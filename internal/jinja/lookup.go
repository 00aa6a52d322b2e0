package jinja

import (
	"fmt"
	"strings"
)

// attribute is Jinja's v.name: the attribute, otherwise the item.
func (r *run) attribute(v value, name string) value {
	if found, ok := r.lookupAttribute(v, name); ok {
		return found
	}
	if found, ok := r.lookupItem(v, templateText(name)); ok {
		return found
	}
	return noAttribute(v, name)
}

// item is Jinja's v[k]: the item, otherwise the attribute.
func (r *run) item(v, k value) value {
	if found, ok := r.lookupItem(v, k); ok {
		return found
	}
	name, ok := k.(text)
	if !ok {
		return undefined{fmt.Sprintf("%s object has no element %s", typeName(v), r.repr(k).s)}
	}
	if found, ok := r.lookupAttribute(v, name.s); ok {
		return found
	}
	return noAttribute(v, name.s)
}

// noAttribute is the value of an attribute that does not exist.
func noAttribute(v value, name string) undefined {
	return undefined{fmt.Sprintf("'%s object' has no attribute '%s'", typeName(v), name)}
}

// lookupItem is Python's v[k]. ok is false if the item does not exist.
func (r *run) lookupItem(v, k value) (value, bool) {
	count := 0
	switch v := v.(type) {
	case undefined:
		r.fail("%s", v.message)
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
		r.workBytes(len(v.s))
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

// lookupAttribute is Python's getattr(v, name) in the sandbox, which has no
// methods that change a value.
func (r *run) lookupAttribute(v value, name string) (value, bool) {
	if strings.HasPrefix(name, "_") {
		if _, ok := v.(undefined); !ok {
			return nil, false
		}
	}
	switch v := v.(type) {
	case undefined:
		r.fail("%s", v.message)
	case *loop:
		return v.attribute(name)
	case *object:
		if v.attributes == nil {
			return nil, false
		}
		return v.attributes(name)
	case *namespace:
		return v.attributes.get(r, templateText(name))
	case *macro:
		switch name {
		case "name":
			return templateText(v.code.name), true
		case "arguments":
			l := &list{tuple: true}
			for _, p := range v.code.parameters {
				l.items = append(l.items, templateText(p))
			}
			return l, true
		}
	case text:
		if m, ok := textMethods[name]; ok {
			r.refuseSafe(v)
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
			r.allocate(48 * len(d.keys))
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
		return unsafeMethod(d, name), true
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
		return unsafeMethod(l, name), true
	}
	return nil, false
}

// unsafeMethod is the value of a method that would change v.
func unsafeMethod(v value, name string) undefined {
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
		r.fail("%s", v.message)
	case text:
		r.allocate(len(v.s))
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
	r.allocate(16 * len(picked))
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

// bound returns the start or end of a slice of n values.
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
