package jinja

import (
	"strconv"
	"strings"
)

// The filters of lists and other iterable values.

// lookupPath returns the attribute of v that a filter names: a path such as
// "a.b", or a number.
func (r *run) lookupPath(v, name value, fallback value) value {
	var parts []value
	if t, ok := name.(text); ok {
		for part := range strings.SplitSeq(t.s, ".") {
			if n, err := strconv.Atoi(part); err == nil && n >= 0 {
				parts = append(parts, integer(n))
			} else {
				parts = append(parts, templateText(part))
			}
		}
	} else {
		parts = []value{name}
	}
	for _, part := range parts {
		v = r.item(v, part)
		if _, missing := v.(undefined); missing && fallback != nil {
			v = fallback
		}
	}
	return v
}

// keyOf returns the value by which v is compared: v or an attribute of v, in
// lower case with ignoreCase.
func (r *run) keyOf(v, name value, ignoreCase bool) value {
	if _, ok := name.(none); name != nil && !ok {
		v = r.lookupPath(v, name, nil)
	}
	if t, ok := v.(text); ok && ignoreCase {
		r.allocate(2 * len(t.s))
		return templateText(lower(t.s))
	}
	return v
}

// isTrue reports whether an argument is present and true.
func isTrue(v value) bool { return v != nil && truth(v) }

func attr(r *run, v value, a args) value {
	name := r.textArgument(r.parameters(a, "attr", 1, "name")[0]).s
	if found, ok := r.lookupAttribute(v, name); ok {
		return found
	}
	return noAttribute(v, name)
}

func batch(r *run, v value, a args) value {
	p := r.parameters(a, "batch", 1, "linecount", "fill_with")
	size := r.intArgument(p[0], 0)
	out := &generator{}
	var row []value
	for _, x := range r.each(v) {
		if len(row) == size {
			if row != nil {
				out.items = append(out.items, &list{items: row})
			}
			row = nil
		}
		row = append(row, x)
	}
	if len(row) > 0 {
		if _, ok := p[1].(none); p[1] != nil && !ok {
			r.allocate(16 * max(size-len(row), 0))
			for len(row) < size {
				row = append(row, p[1])
			}
		}
		out.items = append(out.items, &list{items: row})
	}
	return out
}

func sliceFilter(r *run, v value, a args) value {
	p := r.parameters(a, "slice", 1, "slices", "fill_with")
	all, n := r.each(v), r.intArgument(p[0], 0)
	if n == 0 {
		r.fail("integer division or modulo by zero")
	}
	out := &generator{}
	at := 0
	r.allocate(48 * max(n, 0))
	for i := range max(n, 0) {
		size := len(all) / n
		if i < len(all)%n {
			size++
		}
		part := append([]value{}, all[at:at+size]...)
		at += size
		if _, ok := p[1].(none); p[1] != nil && !ok && i >= len(all)%n {
			part = append(part, p[1])
		}
		out.items = append(out.items, &list{items: part})
	}
	return out
}

func dictSort(r *run, v value, a args) value {
	p := r.parameters(a, "dictsort", 0, "case_sensitive", "by", "reverse")
	d, ok := v.(*dict)
	if !ok {
		r.mustBeDefined(v)
		r.fail("'%s' object has no attribute 'items'", typeName(v))
	}
	from := d.keys
	if p[1] != nil {
		switch r.textArgument(p[1]).s {
		case "key":
		case "value":
			from = d.values
		default:
			r.fail(`You can only sort by either "key" or "value"`)
		}
	}
	keys := make([]value, len(from))
	for i, k := range from {
		keys[i] = r.keyOf(k, nil, !isTrue(p[0]))
	}
	return &list{items: r.sorted(d.items(), keys, isTrue(p[2]))}
}

func first(r *run, v value, a args) value {
	r.parameters(a, "first", 0)
	if g, ok := v.(*generator); ok {
		if g.next == len(g.items) {
			return undefined{"No first item, sequence was empty."}
		}
		g.next++
		return g.items[g.next-1]
	}
	items := r.each(v)
	if len(items) == 0 {
		return undefined{"No first item, sequence was empty."}
	}
	return items[0]
}

func last(r *run, v value, a args) value {
	r.parameters(a, "last", 0)
	if _, ok := v.(*generator); ok {
		r.fail("'generator' object is not reversible")
	}
	items := r.each(v)
	if len(items) == 0 {
		return undefined{"No last item, sequence was empty."}
	}
	return items[len(items)-1]
}

func groupBy(r *run, v value, a args) value {
	p := r.parameters(a, "groupby", 1, "attribute", "default", "case_sensitive")
	items := r.each(v)
	keys := make([]value, len(items))
	name := p[0]
	for i, x := range items {
		keys[i] = r.keyOf(r.lookupPath(x, name, p[1]), nil, !isTrue(p[2]))
	}
	out := &list{}
	places := make([]value, len(items))
	for i := range places {
		places[i] = integer(i)
	}
	var group *list
	var before value
	for _, at := range r.sorted(places, keys, false) {
		i := int(at.(integer))
		if group == nil || !r.equal(before, keys[i]) {
			group, before = &list{}, keys[i]
			both := &list{[]value{r.lookupPath(items[i], name, p[1]), group}, true}
			out.items = append(out.items, both)
		}
		group.items = append(group.items, items[i])
	}
	return out
}

func items(r *run, v value, a args) value {
	r.parameters(a, "items", 0)
	switch v := v.(type) {
	case undefined:
		return &generator{}
	case *dict:
		r.allocate(48 * len(v.keys))
		return &generator{items: v.items()}
	}
	r.fail("Can only get item pairs from a mapping.")
	return nil
}

func join(r *run, v value, a args) value {
	p := r.parameters(a, "join", 0, "d", "attribute")
	between := text{}
	if p[0] != nil {
		between = r.str(p[0])
		r.refuseSafe(between)
	}
	all := r.each(v)
	parts := make([]text, len(all))
	for i, x := range all {
		if _, ok := p[1].(none); p[1] != nil && !ok {
			x = r.lookupPath(x, p[1], nil)
		}
		parts[i] = r.str(x)
	}
	return r.join(between, parts)
}

func listOf(r *run, v value, a args) value {
	r.parameters(a, "list", 0)
	items := r.each(v)
	r.allocate(16 * len(items))
	return &list{items: items}
}

// mapped is the filter map.
func mapFilter(r *run, v value, a args) value {
	out := &generator{}
	all := r.each(v)
	if len(a.positional) == 0 {
		name, ok := a.take("attribute")
		if !ok {
			r.fail("map requires a filter argument")
		}
		fallback, _ := a.take("default")
		if _, ok := fallback.(none); ok {
			fallback = nil
		}
		r.parameters(a, "map", 0)
		for _, x := range all {
			out.items = append(out.items, r.lookupPath(x, name, fallback))
		}
		return out
	}
	name := r.textArgument(a.positional[0]).s
	a.positional = a.positional[1:]
	for _, x := range all {
		out.items = append(out.items, r.filter(name, x, a))
	}
	return out
}

// selectFilter is the filters select, reject, selectattr and rejectattr.
func selectFilter(filter string, byAttribute, keep bool) func(*run, value, args) value {
	return func(r *run, v value, a args) value {
		out := &generator{}
		if !truth(v) {
			return out
		}
		var name value
		if byAttribute {
			if len(a.positional) == 0 {
				r.fail("%s requires the name of an attribute", filter)
			}
			name, a.positional = a.positional[0], a.positional[1:]
		}
		test := ""
		if len(a.positional) > 0 {
			test, a.positional = r.textArgument(a.positional[0]).s, a.positional[1:]
		}
		for _, x := range r.each(v) {
			of := x
			if byAttribute {
				of = r.lookupPath(x, name, nil)
			}
			is := false
			if test == "" {
				is = truth(of)
			} else {
				is = r.test(test, of, a)
			}
			if is == keep {
				out.items = append(out.items, x)
			}
		}
		r.allocate(16 * len(out.items))
		return out
	}
}

// minMax is the filters min and max.
func minMax(filter string) func(*run, value, args) value {
	return func(r *run, v value, a args) value {
		p := r.parameters(a, filter, 0, "case_sensitive", "attribute")
		all := r.each(v)
		if len(all) == 0 {
			return undefined{"No aggregated item, sequence was empty."}
		}
		best := 0
		bestKey := r.keyOf(all[0], p[1], !isTrue(p[0]))
		for i, x := range all[1:] {
			k := r.keyOf(x, p[1], !isTrue(p[0]))
			if filter == "min" && r.compares("<", k, bestKey) || filter == "max" && r.compares(">", k, bestKey) {
				best, bestKey = i+1, k
			}
		}
		return all[best]
	}
}

func reverse(r *run, v value, a args) value {
	r.parameters(a, "reverse", 0)
	all := r.each(v)
	r.allocate(16 * len(all))
	out := make([]value, len(all))
	for i, x := range all {
		out[len(all)-1-i] = x
	}
	if _, ok := v.(text); ok {
		var b builder
		for _, c := range out {
			b.add(c.(text))
		}
		return b.text()
	}
	return &generator{items: out}
}

func sortFilter(r *run, v value, a args) value {
	p := r.parameters(a, "sort", 0, "reverse", "case_sensitive", "attribute")
	all := r.each(v)
	keys := make([]value, len(all))
	for i, x := range all {
		keys[i] = r.sortKey(x, p[2], !isTrue(p[1]))
	}
	return &list{items: r.sorted(all, keys, isTrue(p[0]))}
}

// sortKey is keyOf for several attributes, separated by commas.
func (r *run) sortKey(v, name value, ignoreCase bool) value {
	t, ok := name.(text)
	if !ok || !strings.Contains(t.s, ",") {
		return r.keyOf(v, name, ignoreCase)
	}
	l := &list{}
	for part := range strings.SplitSeq(t.s, ",") {
		l.items = append(l.items, r.keyOf(v, templateText(part), ignoreCase))
	}
	return l
}

func sum(r *run, v value, a args) value {
	p := r.parameters(a, "sum", 0, "attribute", "start")
	total := value(integer(0))
	if p[1] != nil {
		total = p[1]
	}
	if _, ok := total.(text); ok {
		r.fail("sum() can't sum strings [use ''.join(seq) instead]")
	}
	for _, x := range r.each(v) {
		if _, ok := p[0].(none); p[0] != nil && !ok {
			x = r.lookupPath(x, p[0], nil)
		}
		total = r.binary("+", total, x)
	}
	return total
}

func unique(r *run, v value, a args) value {
	p := r.parameters(a, "unique", 0, "case_sensitive", "attribute")
	out := &generator{}
	seen := map[string]bool{}
	for _, x := range r.each(v) {
		k := key(r, r.keyOf(x, p[1], !isTrue(p[0])))
		if !seen[k] {
			r.allocate(len(k) + 64)
			seen[k] = true
			out.items = append(out.items, x)
		}
	}
	return out
}
