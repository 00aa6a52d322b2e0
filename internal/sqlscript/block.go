package sqlscript

// SQL scripting has statements with semicolons inside:
//
//	[label:] BEGIN [NOT ATOMIC] ... END [label]
//	IF condition THEN ... [ELSEIF condition THEN ...] [ELSE ...] END IF
//	CASE [value] WHEN value THEN ... [ELSE ...] END CASE
//	[label:] WHILE condition DO ... END WHILE [label]
//	[label:] FOR [name AS] query DO ... END FOR [label]
//	[label:] REPEAT ... UNTIL condition END REPEAT [label]
//	[label:] LOOP ... END LOOP [label]
//	DECLARE CONTINUE|EXIT HANDLER FOR condition, ... statement
//
// "..." are statements, each with its semicolon, so all of these words stand
// where a statement begins or, THEN, DO, WHEN and UNTIL's END, after a condition.
// Elsewhere they are names, as nearly every word of Spark SQL may be.
//
// Text that is no SQL gets a best guess that is on the safe side: what was begun
// has to be ended before the next statement runs.

// block is a statement with semicolons inside that has not ended yet.
type block struct {
	word  string // that it begins with
	label string // in front of it; mostly empty
}

// part reads what a statement begins with, up to where nothing but its
// semicolon can follow. In blocks a part may be the end of one.
func (r *reader) part() {
	for {
		begins, known := r.inBlock()
		if !known {
			begins = r.opens()
		}
		if !begins {
			return
		}
	}
}

// inBlock reads the words that go on with a block or end it, if such stand
// there. begins says that a statement begins after them.
func (r *reader) inBlock() (begins, known bool) {
	i := r.next
	switch {
	case len(r.blocks) == 0, r.label(i) > i: // a label may be such a word
		return false, false
	case r.is(i, "END"):
		r.next++
		r.close()
		return false, true
	case r.is(i, "ELSE"):
		r.next++
		return true, true
	case r.is(i, "ELSEIF"), r.is(i, "WHEN") && r.innermost() == "CASE":
		return r.condition(i+1, "THEN"), true
	case r.is(i, "UNTIL") && r.innermost() == "REPEAT":
		if r.condition(i+1, "END") {
			r.close()
		}
		return false, true
	}
	return false, false
}

func (r *reader) innermost() string {
	if len(r.blocks) == 0 {
		return ""
	}
	return r.blocks[len(r.blocks)-1].word
}

// close ends the block that an END, which was read, is of.
func (r *reader) close() {
	word := "BEGIN"
	for _, w := range []string{"IF", "CASE", "WHILE", "FOR", "REPEAT", "LOOP"} {
		if r.is(r.next, w) {
			word = w
		}
	}
	innermost := r.blocks[len(r.blocks)-1]
	if t, ok := r.token(r.next); ok && innermost.word == "BEGIN" && innermost.label != "" && r.script[t.Start:t.End] == innermost.label {
		word = "BEGIN" // whose label is such a word
	}
	for k := len(r.blocks) - 1; k >= 0; k-- {
		if r.blocks[k].word == word {
			r.blocks = r.blocks[:k] // with those whose own END is missing
			return
		}
	}
}

// opens reads the beginning of a block or handler, and reports whether a
// statement follows it at once.
func (r *reader) opens() bool {
	i, label := r.next, ""
	if after := r.label(i); after > i {
		t := r.tokens[i]
		i, label = after, r.script[t.Start:t.End]
	}
	outermost := len(r.blocks) == 0
	open := func(word string) { r.blocks = append(r.blocks, block{word, label}) }
	switch {
	case r.is(i, "BEGIN"):
		after := i + 1
		if r.is(after, "NOT") && r.is(after+1, "ATOMIC") {
			after += 2
		}
		// Elsewhere BEGIN begins a transaction. Spark has none.
		if outermost && (r.is(after, ";") || r.is(after, "TRANSACTION", "TRAN", "WORK") && r.label(after) == after) {
			return false
		}
		open("BEGIN")
		r.next = after
		return true
	case r.is(i, "LOOP"), r.is(i, "REPEAT"):
		if outermost && r.is(i+1, ";") {
			return false
		}
		open(r.upper(i, "LOOP", "REPEAT"))
		r.next = i + 1
		return true
	case r.is(i, "IF", "WHILE", "FOR"):
		word, keyword := r.upper(i, "IF", "WHILE", "FOR"), "DO"
		if word == "IF" {
			keyword = "THEN"
		}
		found := r.condition(i+1, keyword)
		if found && word == "FOR" {
			r.query(i+1, r.next-1)
		}
		if found || !outermost {
			open(word)
		}
		return found
	case r.is(i, "CASE"):
		found := true
		if r.next = i + 1; r.is(r.next, "WHEN") {
			r.next++
		} else {
			found = r.condition(r.next, "WHEN")
		}
		found = found && r.condition(r.next, "THEN")
		if found || !outermost {
			open("CASE")
		}
		return found
	case r.is(i, "DECLARE") && r.is(i+1, "CONTINUE", "EXIT") && r.is(i+2, "HANDLER") && r.is(i+3, "FOR"):
		r.next = r.handled(i + 4)
		return true
	case r.is(i, "CREATE") && outermost:
		return r.procedure(i)
	}
	return false
}

// query notes that of a FOR, whose DO is the token at index do. A name and AS
// may stand before it.
func (r *reader) query(i, do int) {
	switch {
	case r.is(i, "IDENTIFIER") && r.is(i+1, "(") && r.is(i+4, "AS"):
		i += 5
	case r.is(i+1, "AS"):
		i += 2
	}
	if i < do {
		r.queries = append(r.queries, Token{Start: r.tokens[i].Start, End: r.tokens[do-1].End})
	}
}

// upper gives that of the words that stands at index i.
func (r *reader) upper(i int, words ...string) string {
	for _, w := range words {
		if r.is(i, w) {
			return w
		}
	}
	return ""
}

// label gives the index after a label and its colon at index i, or i.
func (r *reader) label(i int) int {
	after := i
	switch k := r.kind(i); {
	case r.is(i, "IDENTIFIER") && r.is(i+1, "(") && r.kind(i+2) == Text && r.is(i+3, ")"):
		after = i + 4
	case k == Word, k == Name, k == Text:
		after = i + 1
	default:
		return i
	}
	if !r.is(after, ":") || r.is(after+1, ":") {
		return i
	}
	return after + 1
}

// handled gives the index after the conditions of a handler.
func (r *reader) handled(i int) int {
	for {
		switch {
		case r.is(i, "SQLSTATE") && (r.kind(i+1) == Text || r.is(i+1, "VALUE")):
			if i++; r.is(i, "VALUE") {
				i++
			}
			for r.kind(i) == Text {
				i++
			}
		case r.is(i, "NOT") && r.is(i+1, "FOUND"):
			i += 2
		case r.is(i, ";") || r.kind(i) == Space:
			return i
		default:
			i++
		}
		for r.is(i, ".") && !r.is(i+1, ";") && r.kind(i+1) != Space {
			i += 2
		}
		if !r.is(i, ",") {
			return i
		}
		i++
	}
}

// procedure reads CREATE PROCEDURE ... BEGIN, which Spark does not know, so that
// nothing of its body runs.
func (r *reader) procedure(i int) bool {
	if i++; r.is(i, "OR") && r.is(i+1, "REPLACE") {
		i += 2
	}
	if !r.is(i, "PROCEDURE") {
		return false
	}
	for i++; ; i++ {
		if _, ok := r.token(i); !ok || r.is(i, ";") {
			return false
		}
		if r.is(i, "BEGIN") && !r.is(i+1, "(", ".") {
			r.blocks = append(r.blocks, block{word: "BEGIN"})
			r.next = i + 1
			return true
		}
	}
}
