package jinja

// node is a statement and expr is an expression. at returns the line.
type (
	node interface{ at() int }
	expr interface{ at() int }
)

type line int

func (l line) at() int { return int(l) }

// Statements.
type (
	// output writes text or the value of an expression.
	output struct {
		line
		text string // if value is nil
		expr expr
	}
	ifStatement struct {
		line
		test            expr
		then, otherwise []node
	}
	forStatement struct {
		line
		target          target
		iterable        expr
		filter          expr // nil for none
		recursive       bool
		body, otherwise []node
	}
	setStatement struct {
		line
		target target
		value  expr
	}
	// setBlock assigns the output of its body, after the filter, to a target.
	setBlock struct {
		line
		target target
		filter expr // applied to placeholder; nil for none
		body   []node
	}
	withStatement struct {
		line
		targets []target
		values  []expr
		body    []node
	}
	macroStatement struct {
		line
		macro *macroCode
	}
	// callBlock calls a macro that may call its body.
	callBlock struct {
		line
		call   *call
		caller *macroCode
	}
	filterBlock struct {
		line
		filter expr // applied to placeholder
		body   []node
	}
	// group is statements with a scope of their own.
	group struct {
		line
		body []node
	}
	breakStatement    struct{ line }
	continueStatement struct{ line }
)

// macroCode is a macro, or the body of a callBlock.
type macroCode struct {
	line
	name       string
	parameters []string
	defaults   []expr // defaults of the last parameters
	body       []node
	// These are set if the body uses the implicit variable of this name.
	caller, varargs, kwargs bool
}

// target is the target of an assignment: a name, an attribute of a namespace, or
// several targets to which the items of a value are assigned.
type target struct {
	line
	name      string
	attribute string // of the namespace called name; empty for none
	parts     []target
	several   bool
}

// sets reports whether the target includes a name.
func (t target) sets(name string) bool {
	for _, part := range t.parts {
		if part.sets(name) {
			return true
		}
	}
	return t.name == name
}

// Expressions.
type (
	literal struct {
		line
		value value
	}
	variable struct {
		line
		name string
	}
	listLiteral struct {
		line
		items []expr
		tuple bool
	}
	dictLiteral struct {
		line
		keys, values []expr
	}
	attribute struct {
		line
		of   expr
		name string
	}
	item struct {
		line
		of, key expr
	}
	slice struct {
		line
		first, end, step expr // nil for none
	}
	call struct {
		line
		function expr
		arguments
	}
	filter struct {
		line
		of   expr
		name string
		arguments
	}
	test struct {
		line
		of   expr
		name string
		arguments
	}
	unary struct {
		line
		operator string // not, -, +
		of       expr
	}
	binary struct {
		line
		operator    string // and, or, +, -, *, /, //, %, **
		left, right expr
	}
	concatenation struct {
		line
		parts []expr
	}
	comparison struct {
		line
		first     expr
		operators []string // ==, !=, <, <=, >, >=, in, not in
		others    []expr
	}
	conditional struct {
		line
		test, then, otherwise expr // otherwise may be nil
	}
	// placeholder is the output of a block, in the expression of its filter.
	placeholder struct{ line }
)

type arguments struct {
	positional []expr
	names      []string
	named      []expr
	list       expr // *list; nil for none
	dict       expr // **dict
}
