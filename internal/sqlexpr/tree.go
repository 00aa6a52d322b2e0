package sqlexpr

import "github.com/apache/arrow-go/v18/arrow"

// node is a part of an expression. at is the byte of the text at which it begins
// or, for an operation, at which its operator begins.
type node interface{ at() int }

type place int

func (p place) at() int { return int(p) }

type (
	// name is the name of a column.
	name struct {
		place
		name string
	}
	// field is of.name or of['name'].
	field struct {
		place
		of   node
		name string
	}
	// constant is a number, a text, TRUE, FALSE or NULL.
	constant struct {
		place
		value lexeme
		minus bool
	}
	// typed is a constant with its type, such as DATE'...'.
	typed struct {
		place
		kind, value string
	}
	call struct {
		place
		to   int // its end
		name string
		args []argument
	}
	argument struct {
		place
		name     string // empty for an argument by position
		value    node
		from, to int // range of value in the text
	}
	// logic is AND or OR of two or more operands.
	logic struct {
		place
		or    bool
		of    []node
		texts [][2]int // ranges of the operands in the text
	}
	not struct {
		place
		of node
	}
	// compare is left op right; op is one of = <=> <> < <= > >=.
	compare struct {
		place
		op          string
		left, right node
	}
	isNull struct {
		place
		of node
	}
	// isTrue is of IS TRUE or of IS FALSE.
	isTrue struct {
		place
		of    node
		truth bool
	}
	like struct {
		place
		of, pattern node
		escape      rune
		fold        bool // ILIKE
	}
	// matches is of RLIKE pattern.
	matches struct {
		place
		of, pattern node
	}
	// arith is left op right; op is one of + - * / % div.
	arith struct {
		place
		op          string
		left, right node
	}
	// negate is -of or, with plus, +of.
	negate struct {
		place
		of   node
		plus bool
	}
	cast struct {
		place
		of  node
		to  arrow.DataType
		try bool
	}
	// interval is a constant of months or of microseconds. days means that it has no unit smaller than a day.
	interval struct {
		place
		months, micros int64
		days           bool
	}
	in struct {
		place
		of   node
		list []node
	}
	// choice is CASE [of] WHEN when[0] THEN then[0] ... ELSE otherwise END. With
	// of, the first when that equals of is chosen.
	choice struct {
		place
		of         node
		when, then []node
		otherwise  node // nil for NULL
	}
)
