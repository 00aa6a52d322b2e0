package sqlscript

// condition reads from token i past the keyword that ends a condition or query,
// and reports whether there is one before the next semicolon. Otherwise it reads
// nothing.
//
// The word is the keyword only after an operand: after an operator a name
// follows, which may be the same word. CASE expressions have keywords of their
// own.
func (r *reader) condition(i int, keyword string) bool {
	brackets, cases := 0, 0
	operand := false    // the previous token ends an operand
	last, any := -1, -1 // last position of the word after an operand, and in any place
	for ; r.kind(i) != Space && !r.isOneOf(i, ";"); i++ {
		switch {
		case r.isOneOf(i, "(", "[", "{"):
			brackets++
		case r.isOneOf(i, ")", "]", "}"):
			brackets--
		}
		isCase := r.isOneOf(i, "CASE") && !operand && (r.startsOperand(i+1) || r.kind(i+1) == Word && r.isOneOf(i+2, "WHEN"))
		if brackets == 0 {
			if r.isOneOf(i, keyword) {
				any = i
			}
			switch {
			case r.isOneOf(i, keyword) && operand && cases == 0:
				if keyword != "DO" || !r.isOneOf(i+1, "FROM", ",") {
					r.next = i + 1
					return true
				}
				last = i // probably the alias of a column
			case r.isOneOf(i, "END") && operand && cases > 0:
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

// prefixes are words before an operand, infixes words between two operands: an
// operand follows them. In the place of an operand, an infix is a name.
var (
	prefixes = []string{"ALL", "DISTINCT", "NOT", "SELECT", "TABLE", "VALUES"}
	infixes  = []string{
		"AND", "AS", "BETWEEN", "BY", "DIV", "ELSE", "ESCAPE", "EXCEPT", "FROM", "HAVING", "ILIKE", "IN", "INTERSECT", "JOIN", "LIKE",
		"LIMIT", "MINUS", "OFFSET", "ON", "OR", "QUALIFY", "REGEXP", "RLIKE", "THEN", "UNION", "USING", "WHEN", "WHERE",
	}
)

// endsOperand reports whether token i can end an operand. before reports the same
// for the previous token.
func (r *reader) endsOperand(i int, before bool) bool {
	switch r.kind(i) {
	case Mark:
		return r.isOneOf(i, ")", "]", "}", "?")
	case Word:
		switch {
		case r.isOneOf(i-1, "."):
			return true
		case r.isOneOf(i, "ALL"):
			return r.isOneOf(i-1, "LIMIT")
		case r.isOneOf(i, "WHEN") && r.isOneOf(i-1, "CASE"), r.isOneOf(i, prefixes...):
			return false
		}
		return !before || !r.isOneOf(i, infixes...)
	}
	return true
}

// startsOperand reports whether token i can start an operand, so that a CASE
// before it is not a name.
func (r *reader) startsOperand(i int) bool {
	switch r.kind(i) {
	case Mark:
		return r.isOneOf(i, "(", "-", "+", "!", "~", "?", ":", "{", "$")
	case Word:
		return r.isOneOf(i, "WHEN") || !r.isOneOf(i, infixes...) && !r.isOneOf(i, "IS", "DO", "END", "ASC", "DESC")
	}
	return true
}
