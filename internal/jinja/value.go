package jinja

import (
	"fmt"
	"math"
	"sort"
	"strconv"
)

// value is a value in a rendering: text, or one of the types in this file.
type value interface{}

type (
	none    struct{}
	boolean bool
	integer int64
	float   float64
	// undefined is the value of a name, an attribute or an item that does not
	// exist. message is the error when it is used.
	undefined struct{ message string }

	// list is a Python list or tuple. Templates do not change it.
	list struct {
		items []value
		tuple bool
	}
	// dict is a Python dict, in the order of its keys. Templates do not change
	// it. index maps key() of a key to its position.
	dict struct {
		keys, values []value
		index        map[string]int
	}
	// view is keys(), values() or items() of a dict.
	view struct {
		name  string
		items []value
	}
	// generator is a Python iterator. It can be read once and has no length.
	generator struct {
		items []value
		next  int
	}
	numberRange struct{ first, end, step, count int64 }
	// namespace has attributes that a template can set.
	namespace struct{ attributes *dict }
	// function is a function or a method.
	function struct {
		name string
		call func(r *run, a args) value
	}
	// object is an object with computed attributes.
	object struct {
		name       string
		attributes func(name string) (value, bool)
		call       func(r *run, a args) value // nil if it cannot be called
	}
)

func newDict() *dict { return &dict{index: map[string]int{}} }

// key returns a string that is equal for keys that are equal in Python.
func key(r *run, v value) string {
	switch v := v.(type) {
	case text:
		return "s" + v.s
	case boolean:
		if v {
			return "n1"
		}
		return "n0"
	case integer:
		return "n" + strconv.FormatInt(int64(v), 10)
	case float:
		if v == float(math.Trunc(float64(v))) && math.Abs(float64(v)) < 1<<53 {
			return "n" + strconv.FormatInt(int64(v), 10)
		}
		return "f" + strconv.FormatFloat(float64(v), 'g', -1, 64)
	case none:
		return "N"
	case undefined:
		return "U"
	case *list:
		if v.tuple {
			defer r.enter()()
			k := "("
			for _, x := range v.items {
				part := key(r, x)
				k += strconv.Itoa(len(part)) + ":" + part
			}
			r.allocate(len(k))
			return k
		}
	}
	r.fail("unhashable type: '%s'", typeName(v))
	return ""
}

func (d *dict) get(r *run, k value) (value, bool) {
	if at, ok := d.index[key(r, k)]; ok {
		return d.values[at], true
	}
	return nil, false
}

func (d *dict) set(r *run, k, v value) {
	name := key(r, k)
	if at, ok := d.index[name]; ok {
		d.values[at] = v
		return
	}
	r.allocate(len(name) + 64)
	d.index[name] = len(d.keys)
	d.keys = append(d.keys, k)
	d.values = append(d.values, v)
}

func (d *dict) copy(r *run) *dict {
	c := newDict()
	for i, k := range d.keys {
		c.set(r, k, d.values[i])
	}
	return c
}

// items returns the pairs of keys and values.
func (d *dict) items() []value {
	pairs := make([]value, len(d.keys))
	for i, k := range d.keys {
		pairs[i] = &list{[]value{k, d.values[i]}, true}
	}
	return pairs
}

// fromGo converts a Go value and adds its size in bytes to size.
func fromGo(v any, size *int) value {
	*size += 16
	switch v := v.(type) {
	case nil:
		return none{}
	case bool:
		return boolean(v)
	case int:
		return integer(v)
	case float64:
		return float(v)
	case string:
		*size += len(v)
		return templateText(v)
	case Given:
		*size += len(v.Text)
		return given(v.Text, v.Origin)
	case []Given:
		var b builder
		for _, g := range v {
			*size += len(g.Text)
			b.add(given(g.Text, g.Origin))
		}
		return b.text()
	case []any:
		l := &list{}
		for _, x := range v {
			l.items = append(l.items, fromGo(x, size))
		}
		return l
	case Dict:
		d := newDict()
		for _, item := range v {
			*size += len(item.Key)
			d.index["s"+item.Key] = len(d.keys)
			d.keys = append(d.keys, templateText(item.Key))
			d.values = append(d.values, fromGo(item.Value, size))
		}
		return d
	}
	panic(fmt.Sprintf("jinja: unsupported variable of type %T", v))
}

// typeName returns Python's name for the type of a value.
func typeName(v value) string {
	switch v := v.(type) {
	case none:
		return "NoneType"
	case boolean:
		return "bool"
	case integer:
		return "int"
	case float:
		return "float"
	case text:
		return "str"
	case undefined:
		return "Undefined"
	case *list:
		if v.tuple {
			return "tuple"
		}
		return "list"
	case *dict:
		return "dict"
	case *view:
		return "dict_" + v.name
	case *generator:
		return "generator"
	case *numberRange:
		return "range"
	case *namespace:
		return "Namespace"
	case *function:
		return "function"
	case *macro:
		return "Macro"
	case *loop:
		return "LoopContext"
	case *object:
		return v.name
	}
	return fmt.Sprintf("%T", v)
}

// truth is Python's bool().
func truth(v value) bool {
	switch v := v.(type) {
	case none, undefined:
		return false
	case boolean:
		return bool(v)
	case integer:
		return v != 0
	case float:
		return v != 0
	case text:
		return v.s != ""
	case *list:
		return len(v.items) > 0
	case *dict:
		return len(v.keys) > 0
	case *view:
		return len(v.items) > 0
	case *numberRange:
		return v.count > 0
	}
	return true
}

// length is Python's len(). ok is false if v has no length.
func length(v value) (n int, ok bool) {
	switch v := v.(type) {
	case undefined:
		return 0, true
	case text:
		return v.count(), true
	case *list:
		return len(v.items), true
	case *dict:
		return len(v.keys), true
	case *view:
		return len(v.items), true
	case *numberRange:
		return int(v.count), true
	case *loop:
		return len(v.items), true
	}
	return 0, false
}

// iterate returns the values of Python's iter(). ok is false if v is not
// iterable.
func (r *run) iterate(v value) (items []value, ok bool) {
	switch v := v.(type) {
	case undefined:
		return nil, true
	case text:
		r.allocate(48 * len(v.s))
		return v.characters(), true
	case *list:
		return v.items, true
	case *dict:
		return v.keys, true
	case *view:
		return v.items, true
	case *generator:
		items = v.items[v.next:]
		v.next = len(v.items)
		return items, true
	case *numberRange:
		r.allocate(16 * int(v.count))
		items = make([]value, v.count)
		for i := range items {
			items[i] = integer(v.first + int64(i)*v.step)
		}
		return items, true
	}
	return nil, false
}

// each is iterate for a value that must be iterable.
func (r *run) each(v value) []value {
	items, ok := r.iterate(v)
	if !ok {
		r.fail("'%s' object is not iterable", typeName(v))
	}
	r.work(len(items))
	return items
}

// number returns a number as an integer (whole) or as a float. ok is false if v
// is not a number.
func number(v value) (n int64, x float64, whole, ok bool) {
	switch v := v.(type) {
	case boolean:
		if v {
			return 1, 1, true, true
		}
		return 0, 0, true, true
	case integer:
		return int64(v), float64(v), true, true
	case float:
		return 0, float64(v), false, true
	}
	return 0, 0, false, false
}

// equal is Python's ==.
func (r *run) equal(a, b value) bool {
	defer r.enter()()
	r.work(1)
	if n, x, whole, ok := number(a); ok {
		m, y, wholeToo, ok := number(b)
		return ok && (whole && wholeToo && n == m || !(whole && wholeToo) && x == y)
	}
	switch a := a.(type) {
	case none:
		_, ok := b.(none)
		return ok
	case undefined:
		_, ok := b.(undefined)
		return ok
	case text:
		b, ok := b.(text)
		return ok && a.s == b.s
	case *list:
		b, ok := b.(*list)
		if !ok || a.tuple != b.tuple || len(a.items) != len(b.items) {
			return false
		}
		for i := range a.items {
			if !r.equal(a.items[i], b.items[i]) {
				return false
			}
		}
		return true
	case *dict:
		b, ok := b.(*dict)
		if !ok || len(a.keys) != len(b.keys) {
			return false
		}
		for i, k := range a.keys {
			if v, ok := b.get(r, k); !ok || !r.equal(a.values[i], v) {
				return false
			}
		}
		return true
	case *numberRange:
		b, ok := b.(*numberRange)
		return ok && a.count == b.count && (a.count == 0 || a.first == b.first && (a.count == 1 || a.step == b.step))
	}
	return a == b
}

// compare is Python's order of values: negative, 0 or positive. comparable is
// false for values without an order.
func (r *run) compare(a, b value) (order int, comparable bool) {
	defer r.enter()()
	r.work(1)
	if n, x, whole, ok := number(a); ok {
		m, y, wholeToo, ok := number(b)
		switch {
		case !ok:
			return 0, false
		case whole && wholeToo:
			return sign(n < m, n > m), true
		}
		return sign(x < y, x > y), true
	}
	switch a := a.(type) {
	case text:
		if b, ok := b.(text); ok {
			return sign(a.s < b.s, a.s > b.s), true
		}
	case *list:
		b, ok := b.(*list)
		if !ok || a.tuple != b.tuple {
			return 0, false
		}
		for i := range min(len(a.items), len(b.items)) {
			if !r.equal(a.items[i], b.items[i]) {
				return r.compare(a.items[i], b.items[i])
			}
		}
		return sign(len(a.items) < len(b.items), len(a.items) > len(b.items)), true
	}
	return 0, false
}

func sign(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}

// sorted returns items in the order of their keys.
func (r *run) sorted(items, keys []value, reverse bool) []value {
	r.allocate(24 * len(items))
	places := make([]int, len(items))
	for i := range places {
		places[i] = i
	}
	sort.SliceStable(places, func(i, j int) bool {
		order, ok := r.compare(keys[places[i]], keys[places[j]])
		if !ok {
			r.fail("'<' not supported between instances of '%s' and '%s'", typeName(keys[places[i]]), typeName(keys[places[j]]))
		}
		return order < 0 && !reverse || order > 0 && reverse
	})
	out := make([]value, len(items))
	for i, at := range places {
		out[i] = items[at]
	}
	return out
}

// contains is Python's "in".
func (r *run) contains(container, v value) bool {
	switch c := container.(type) {
	case text:
		sub, ok := v.(text)
		if !ok {
			r.fail("'in <string>' requires string as left operand, not %s", typeName(v))
		}
		r.workBytes(len(c.s))
		return c.index(sub.s) >= 0
	case *dict:
		_, ok := c.get(r, v)
		return ok
	}
	items, ok := r.iterate(container)
	if !ok {
		r.fail("argument of type '%s' is not iterable", typeName(container))
	}
	for _, x := range items {
		if r.equal(x, v) {
			return true
		}
	}
	return false
}
