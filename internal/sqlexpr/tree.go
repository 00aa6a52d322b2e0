package sqlexpr

// node is a part of an expression. at is where it begins, or for operators
// where these stand, in bytes of the text.
type node interface{ at() int }

type place int

func (p place) at() int { return int(p) }

type (
	// name is a column.
	name struct {
		place
		name string
	}
	// field is of.name, or of['name'].
	field struct {
		place
		of   node
		name string
	}
	// constant is a lexeme of a value, or TRUE, FALSE, NULL.
	constant struct {
		place
		value lexeme
		minus bool
	}
	// typed is DATE'...' and its like.
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
		name     string // empty for those by position
		value    node
		from, to int // where value stands
	}
	// logic is AND or OR of two or more.
	logic struct {
		place
		or    bool
		of    []node
		texts [][2]int // where they stand: from and to
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
	// isTrue is of IS TRUE, IS FALSE.
	isTrue struct {
		place
		of    node
		truth bool
	}
	like struct {
		place
		of, pattern node
		escape      rune
	}
	in struct {
		place
		of   node
		list []node
	}
	// choice is CASE WHEN when[0] THEN then[0] ... ELSE otherwise END; of is
	// what the whens are equal to, or nil.
	choice struct {
		place
		of         node
		when, then []node
		otherwise  node // nil for NULL
	}
)
