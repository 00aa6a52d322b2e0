package jinja

import "strings"

// test is Jinja's "v is name(arguments)".
func (r *run) test(name string, v value, a args) bool {
	one := func() value { return r.parameters(a, name, 1, "other")[0] }
	switch name {
	case "==", "eq", "equalto":
		return r.equal(v, one())
	case "!=", "ne":
		return !r.equal(v, one())
	case ">", "gt", "greaterthan":
		return r.compares(">", v, one())
	case ">=", "ge":
		return r.compares(">=", v, one())
	case "<", "lt", "lessthan":
		return r.compares("<", v, one())
	case "<=", "le":
		return r.compares("<=", v, one())
	case "in":
		return r.contains(one(), v)
	case "sameas":
		return r.same(v, one())
	case "divisibleby":
		return r.compares("==", r.binary("%", v, one()), integer(0))
	}
	r.parameters(a, name, 0)
	switch name {
	case "defined":
		_, ok := v.(undefined)
		return !ok
	case "undefined":
		_, ok := v.(undefined)
		return ok
	case "none":
		_, ok := v.(none)
		return ok
	case "boolean":
		_, ok := v.(boolean)
		return ok
	case "true":
		return v == value(boolean(true))
	case "false":
		return v == value(boolean(false))
	case "integer":
		_, ok := v.(integer)
		return ok
	case "float":
		_, ok := v.(float)
		return ok
	case "number":
		_, _, _, ok := number(v)
		return ok
	case "string":
		_, ok := v.(text)
		return ok
	case "mapping":
		_, ok := v.(*dict)
		return ok
	case "sequence":
		switch v.(type) {
		case undefined, text, *list, *dict, *numberRange:
			return true
		}
		return false
	case "iterable":
		switch v.(type) {
		case undefined, text, *list, *dict, *numberRange, *view, *generator, *loop:
			return true
		}
		return false
	case "callable":
		switch v := v.(type) {
		case undefined, *function, *macro, *loop:
			return true
		case *object:
			return v.call != nil
		}
		return false
	case "odd":
		return r.compares("==", r.binary("%", v, integer(2)), integer(1))
	case "even":
		return r.compares("==", r.binary("%", v, integer(2)), integer(0))
	case "lower":
		return isLower(r.str(v).s)
	case "upper":
		return isUpper(r.str(v).s)
	case "escaped":
		return false
	case "filter":
		_, ok := filters[strings.TrimSpace(r.textArgument(v).s)]
		return ok
	case "test":
		return tests[r.textArgument(v).s]
	}
	r.fail("No test named '%s'", name)
	return false
}

// tests are the names of the tests.
var tests = map[string]bool{}

func init() {
	for name := range strings.FieldsSeq("== eq equalto != ne > gt greaterthan >= ge < lt lessthan <= le in sameas divisibleby defined undefined none " +
		"boolean true false integer float number string mapping sequence iterable callable odd even lower upper escaped filter test") {
		tests[name] = true
	}
}

// same is Python's "is". Equal strings and numbers count as the same.
func (r *run) same(a, b value) bool {
	switch a.(type) {
	case text, integer, float, undefined:
		return typeName(a) == typeName(b) && r.equal(a, b)
	}
	return a == b
}
