package jinja

import (
	"fmt"
	"strings"
	"time"
)

// functions are the global functions by name.
var functions map[string]value

func init() {
	functions = map[string]value{}
	for name, call := range map[string]func(r *run, a args) value{
		"range":           rangeFunction,
		"namespace":       namespaceFunction,
		"raise_exception": raiseException,
		"strftime_now": func(r *run, a args) value {
			format := r.textArgument(r.parameters(a, "strftime_now", 1, "format")[0])
			return format.derive(r.strftime(r.now, format.s))
		},
		"dict":   func(r *run, a args) value { return r.dict("dict", a) },
		"joiner": joiner,
		"cycler": cycler,
	} {
		functions[name] = &function{name, call}
	}
}

func raiseException(r *run, a args) value {
	message := r.str(r.parameters(a, "raise_exception", 1, "message")[0])
	panic(failure{&Error{r.line, strings.TrimSpace(message.s), ErrRaised}})
}

func rangeFunction(r *run, a args) value {
	p := r.parameters(a, "range", 1, "start", "stop", "step")
	v := &numberRange{end: int64(r.intArgument(p[0], 0)), step: int64(r.intArgument(p[2], 1))}
	if p[1] != nil {
		v.first, v.end = v.end, int64(r.intArgument(p[1], 0))
	}
	const most = 100000 // as in Jinja's sandbox
	switch {
	case v.step == 0:
		r.fail("range() arg 3 must not be zero")
	case v.step > 0 && v.end > v.first:
		v.count = int64((uint64(v.end-v.first) + uint64(v.step) - 1) / uint64(v.step))
	case v.step < 0 && v.first > v.end:
		v.count = int64((uint64(v.first-v.end) + uint64(-v.step) - 1) / uint64(-v.step))
	}
	if v.count < 0 || v.count > most {
		r.limit(fmt.Sprintf("a range has more than %d numbers", most))
	}
	return v
}

// dict is Python's dict(): the items of a dict or of pairs, and keyword
// arguments.
func (r *run) dict(name string, a args) *dict {
	d := newDict()
	if len(a.positional) > 1 {
		r.fail("%s expected at most 1 argument, got %d", name, len(a.positional))
	}
	if len(a.positional) == 1 {
		if from, ok := a.positional[0].(*dict); ok {
			d = from.copy(r)
		} else {
			for _, pair := range r.each(a.positional[0]) {
				both := r.each(pair)
				if len(both) != 2 {
					r.fail("%s: each item must be a pair of a key and a value", name)
				}
				d.set(r, both[0], both[1])
			}
		}
	}
	for i, k := range a.names {
		d.set(r, templateText(k), a.named[i])
	}
	return d
}

func namespaceFunction(r *run, a args) value {
	d := r.dict("namespace", a)
	for _, k := range d.keys {
		if t, ok := k.(text); ok {
			r.checkName(t.s)
		}
	}
	return &namespace{d}
}

func joiner(r *run, a args) value {
	between := templateText(", ")
	if p := r.parameters(a, "joiner", 0, "sep")[0]; p != nil {
		between = r.textArgument(p)
	}
	used := false
	return &object{name: "Joiner", call: func(r *run, a args) value {
		if !used {
			used = true
			return text{}
		}
		return between
	}}
}

func cycler(r *run, a args) value {
	if len(a.positional) == 0 {
		r.fail("at least one item has to be provided")
	}
	at := 0
	return &object{name: "Cycler", attributes: func(name string) (value, bool) {
		switch name {
		case "current":
			return a.positional[at], true
		case "next":
			return &function{name, func(*run, args) value {
				v := a.positional[at]
				at = (at + 1) % len(a.positional)
				return v
			}}, true
		case "reset":
			return &function{name, func(*run, args) value {
				at = 0
				return none{}
			}}, true
		}
		return nil, false
	}}
}

// strftime formats a time as C's strftime does in English.
func (r *run) strftime(t time.Time, format string) string {
	layouts := map[byte]string{
		'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'h': "Jan", 'd': "02", 'e': "_2", 'm': "01", 'y': "06", 'Y': "2006",
		'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'f': "000000", 'z': "-0700", 'Z': "MST", 'j': "002",
		'D': "01/02/06", 'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04", 'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06", 'X': "15:04:05",
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		unpadded := format[i] == '-' && i+1 < len(format)
		if unpadded {
			i++
		}
		var s string
		switch c := format[i]; c {
		case '%':
			s = "%"
		case 'n':
			s = "\n"
		case 't':
			s = "\t"
		case 's':
			s = fmt.Sprint(t.Unix())
		case 'f':
			s = fmt.Sprintf("%06d", t.Nanosecond()/1000)
		case 'u':
			s = fmt.Sprint((int(t.Weekday())+6)%7 + 1)
		case 'w':
			s = fmt.Sprint(int(t.Weekday()))
		case 'z', 'Z': // Python's now() has no time zone
		default:
			layout, ok := layouts[c]
			if !ok {
				r.fail("strftime_now: the directive %%%c is not supported", c)
			}
			s = t.Format(layout)
		}
		if unpadded {
			if s = strings.TrimLeft(s, "0 "); s == "" {
				s = "0"
			}
		}
		b.WriteString(s)
	}
	r.allocate(b.Len())
	return b.String()
}
