package sqlscript

// Statements of SQL scripting that contain semicolons:
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
// "..." are statements, each with its semicolon. These words are therefore
// keywords only where a statement starts or, for THEN, DO, WHEN and the END after
// UNTIL, after a condition. In other places they are names, as nearly every word
// of Spark SQL may be.
//
// For text that is not valid SQL the result is a safe guess: a block that was
// started must end before the next statement runs.

// block is a statement that contains statements and has not ended yet.
type block struct {
	word  string // its first keyword
	label string // its label; empty if it has none
}

// statementPart reads the start of a statement, up to the point where only its
// rest and its semicolon follow. In a block it may also read the end of a block.
func (r *reader) statementPart() {
	for {
		starts, known := r.blockPart()
		if !known {
			starts = r.openBlock()
		}
		if !starts {
			return
		}
	}
}

// blockPart reads keywords that continue or end a block. known is false if there
// are none. starts reports whether a statement starts after them.
func (r *reader) blockPart() (starts, known bool) {
	i := r.next
	switch {
	case len(r.blocks) == 0, r.label(i) > i: // a label may be one of these words
		return false, false
	case r.isOneOf(i, "END"):
		r.next++
		r.close()
		return false, true
	case r.isOneOf(i, "ELSE"):
		r.next++
		return true, true
	case r.isOneOf(i, "ELSEIF"), r.isOneOf(i, "WHEN") && r.innermost() == "CASE":
		return r.condition(i+1, "THEN"), true
	case r.isOneOf(i, "UNTIL") && r.innermost() == "REPEAT":
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

// close ends the block that belongs to an END, which has been read.
func (r *reader) close() {
	word := "BEGIN"
	for _, w := range []string{"IF", "CASE", "WHILE", "FOR", "REPEAT", "LOOP"} {
		if r.isOneOf(r.next, w) {
			word = w
		}
	}
	innermost := r.blocks[len(r.blocks)-1]
	if t, ok := r.token(r.next); ok && innermost.word == "BEGIN" && innermost.label != "" && r.script[t.Start:t.End] == innermost.label {
		word = "BEGIN" // the word is the label of the block
	}
	for k := len(r.blocks) - 1; k >= 0; k-- {
		if r.blocks[k].word == word {
			r.blocks = r.blocks[:k] // includes blocks without an END
			return
		}
	}
}

// openBlock reads the start of a block or handler, and reports whether a
// statement follows immediately.
func (r *reader) openBlock() bool {
	i, label := r.next, ""
	if after := r.label(i); after > i {
		t := r.tokens[i]
		i, label = after, r.script[t.Start:t.End]
	}
	outermost := len(r.blocks) == 0
	open := func(word string) { r.blocks = append(r.blocks, block{word, label}) }
	switch {
	case r.isOneOf(i, "BEGIN"):
		after := i + 1
		if r.isOneOf(after, "NOT") && r.isOneOf(after+1, "ATOMIC") {
			after += 2
		}
		// Other databases start a transaction with BEGIN. Spark has none.
		if outermost && (r.isOneOf(after, ";") || r.isOneOf(after, "TRANSACTION", "TRAN", "WORK") && r.label(after) == after) {
			return false
		}
		open("BEGIN")
		r.next = after
		return true
	case r.isOneOf(i, "LOOP"), r.isOneOf(i, "REPEAT"):
		if outermost && r.isOneOf(i+1, ";") {
			return false
		}
		open(r.keywordAt(i, "LOOP", "REPEAT"))
		r.next = i + 1
		return true
	case r.isOneOf(i, "IF", "WHILE", "FOR"):
		word, keyword := r.keywordAt(i, "IF", "WHILE", "FOR"), "DO"
		if word == "IF" {
			keyword = "THEN"
		}
		found := r.condition(i+1, keyword)
		if found && word == "FOR" {
			r.forQuery(i+1, r.next-1)
		}
		if found || !outermost {
			open(word)
		}
		return found
	case r.isOneOf(i, "CASE"):
		found := true
		if r.next = i + 1; r.isOneOf(r.next, "WHEN") {
			r.next++
		} else {
			found = r.condition(r.next, "WHEN")
		}
		found = found && r.condition(r.next, "THEN")
		if found || !outermost {
			open("CASE")
		}
		return found
	case r.isOneOf(i, "DECLARE") && r.isOneOf(i+1, "CONTINUE", "EXIT") && r.isOneOf(i+2, "HANDLER") && r.isOneOf(i+3, "FOR"):
		r.next = r.handlerConditions(i + 4)
		return true
	case r.isOneOf(i, "CREATE") && outermost:
		return r.procedure(i)
	}
	return false
}

// forQuery records the query of a FOR whose DO is token do. A name and AS may
// precede the query.
func (r *reader) forQuery(i, do int) {
	switch {
	case r.isOneOf(i, "IDENTIFIER") && r.isOneOf(i+1, "(") && r.isOneOf(i+4, "AS"):
		i += 5
	case r.isOneOf(i+1, "AS"):
		i += 2
	}
	if i < do {
		r.queries = append(r.queries, Token{Start: r.tokens[i].Start, End: r.tokens[do-1].End})
	}
}

// keywordAt returns the one of words that is token i.
func (r *reader) keywordAt(i int, words ...string) string {
	for _, w := range words {
		if r.isOneOf(i, w) {
			return w
		}
	}
	return ""
}

// label returns the index after the label and colon at token i, or i if there is
// no label.
func (r *reader) label(i int) int {
	after := i
	switch k := r.kind(i); {
	case r.isOneOf(i, "IDENTIFIER") && r.isOneOf(i+1, "(") && r.kind(i+2) == Text && r.isOneOf(i+3, ")"):
		after = i + 4
	case k == Word, k == Name, k == Text:
		after = i + 1
	default:
		return i
	}
	if !r.isOneOf(after, ":") || r.isOneOf(after+1, ":") {
		return i
	}
	return after + 1
}

// handlerConditions returns the index after the conditions of a handler.
func (r *reader) handlerConditions(i int) int {
	for {
		switch {
		case r.isOneOf(i, "SQLSTATE") && (r.kind(i+1) == Text || r.isOneOf(i+1, "VALUE")):
			if i++; r.isOneOf(i, "VALUE") {
				i++
			}
			for r.kind(i) == Text {
				i++
			}
		case r.isOneOf(i, "NOT") && r.isOneOf(i+1, "FOUND"):
			i += 2
		case r.isOneOf(i, ";") || r.kind(i) == Space:
			return i
		default:
			i++
		}
		for r.isOneOf(i, ".") && !r.isOneOf(i+1, ";") && r.kind(i+1) != Space {
			i += 2
		}
		if !r.isOneOf(i, ",") {
			return i
		}
		i++
	}
}

// procedure reads CREATE PROCEDURE ... BEGIN. Spark does not support it; as a
// block, no statement of its body runs.
func (r *reader) procedure(i int) bool {
	if i++; r.isOneOf(i, "OR") && r.isOneOf(i+1, "REPLACE") {
		i += 2
	}
	if !r.isOneOf(i, "PROCEDURE") {
		return false
	}
	for i++; ; i++ {
		if _, ok := r.token(i); !ok || r.isOneOf(i, ";") {
			return false
		}
		if r.isOneOf(i, "BEGIN") && !r.isOneOf(i+1, "(", ".") {
			r.blocks = append(r.blocks, block{word: "BEGIN"})
			r.next = i + 1
			return true
		}
	}
}
