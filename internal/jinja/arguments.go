package jinja

// args are the arguments of a call.
type args struct {
	positional []value
	names      []string
	named      []value
}

// name adds a keyword argument.
func (a *args) name(name string, v value) {
	a.names = append(a.names, name)
	a.named = append(a.named, v)
}

// take removes and returns a keyword argument.
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

// arguments evaluates the arguments of a call.
func (r *run) arguments(code arguments, s *scope) (a args) {
	for _, e := range code.positional {
		a.positional = append(a.positional, r.value(e, s))
	}
	for i, name := range code.names {
		a.name(name, r.value(code.named[i], s))
	}
	if code.list != nil {
		items := r.each(r.value(code.list, s))
		r.allocate(16 * len(items))
		a.positional = append(a.positional, items...)
	}
	if code.dict != nil {
		d, ok := r.value(code.dict, s).(*dict)
		if !ok {
			r.fail("argument after ** must be a mapping")
		}
		for i, k := range d.keys {
			name, ok := k.(text)
			if !ok || name.origin() > 0 { // names of arguments have no origin
				r.fail("the keys after ** must be strings of the template")
			}
			a.name(name.s, d.values[i])
		}
	}
	return a
}

// parameters returns the arguments of a call in the order of names, with nil for
// a missing argument. The first required ones must be present.
func (r *run) parameters(a args, function string, required int, names ...string) []value {
	if len(a.positional) > len(names) {
		r.fail("%s takes at most %d argument(s) (%d given)", function, len(names), len(a.positional))
	}
	out := make([]value, len(names))
	copy(out, a.positional)
	for i, name := range names {
		v, ok := a.take(name)
		if ok && i < len(a.positional) {
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

// textArgument returns an argument that must be a string.
func (r *run) textArgument(v value) text {
	t, ok := v.(text)
	if !ok {
		r.mustBeDefined(v)
		r.fail("a string is required, not '%s'", typeName(v))
	}
	return t
}

// intArgument returns an argument that must be an integer, or fallback if the
// argument is missing.
func (r *run) intArgument(v value, fallback int) int {
	if v == nil {
		return fallback
	}
	n, _, whole, _ := number(v)
	if !whole {
		r.mustBeDefined(v)
		r.fail("'%s' object cannot be interpreted as an integer", typeName(v))
	}
	return int(n)
}
