package sqlscript

// condition reads on from index i past the keyword that ends a condition or
// query there, and reports whether there is one before the next semicolon.
// Otherwise it reads nothing.
//
// The word is the keyword only after an operand: after an operator a name is
// due, which the word may be too. CASE expressions have words of their own.
func (r *reader) condition(i int, keyword string) bool {
	brackets, cases := 0, 0
	operand := false    // the last token ends one
	last, any := -1, -1 // where the word stands after an operand; or anywhere
	for ; r.kind(i) != Space && !r.is(i, ";"); i++ {
		switch {
		case r.is(i, "(", "[", "{"):
			brackets++
		case r.is(i, ")", "]", "}"):
			brackets--
		}
		isCase := r.is(i, "CASE") && !operand && (r.startsOperand(i+1) || r.kind(i+1) == Word && r.is(i+2, "WHEN"))
		if brackets == 0 {
			if r.is(i, keyword) {
				any = i
			}
			switch {
			case r.is(i, keyword) && operand && cases == 0:
				if keyword != "DO" || !r.is(i+1, "FROM", ",") {
					r.next = i + 1
					return true
				}
				last = i // a column's alias, more likely
			case r.is(i, "END") && operand && cases > 0:
				cases--
			case isCase:
				cases++
			}
		}
		operand = !isCase && r.endsOperand(i, operand)
	}
	if last < 0 {
		last = any
	}
	if last >= 0 {
		r.next = last + 1
	}
	return last >= 0
}

// prefixes are the words before an operand, infixes those between two: another
// is due after them. In the place of an operand, an infix is a name.
var (
	prefixes = []string{"ALL", "DISTINCT", "NOT", "SELECT", "TABLE", "VALUES"}
	infixes  = []string{
		"AND", "AS", "BETWEEN", "BY", "DIV", "ELSE", "ESCAPE", "EXCEPT", "FROM", "HAVING", "ILIKE", "IN", "INTERSECT", "JOIN", "LIKE",
		"LIMIT", "MINUS", "OFFSET", "ON", "OR", "QUALIFY", "REGEXP", "RLIKE", "THEN", "UNION", "USING", "WHEN", "WHERE",
	}
)

// endsOperand reports whether the token at index i can end an operand; before
// says whether the one before it does.
func (r *reader) endsOperand(i int, before bool) bool {
	switch r.kind(i) {
	case Mark:
		return r.is(i, ")", "]", "}", "?")
	case Word:
		switch {
		case r.is(i-1, "."):
			return true
		case r.is(i, "ALL"):
			return r.is(i-1, "LIMIT")
		case r.is(i, "WHEN") && r.is(i-1, "CASE"), r.is(i, prefixes...):
			return false
		}
		return !before || !r.is(i, infixes...)
	}
	return true
}

// startsOperand reports whether the token at index i can begin one, so that a
// CASE before it is no name.
func (r *reader) startsOperand(i int) bool {
	switch r.kind(i) {
	case Mark:
		return r.is(i, "(", "-", "+", "!", "~", "?", ":", "{", "$")
	case Word:
		return r.is(i, "WHEN") || !r.is(i, infixes...) && !r.is(i, "IS", "DO", "END", "ASC", "DESC")
	}
	return true
}
