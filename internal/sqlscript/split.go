package sqlscript

import (
	"slices"
	"strings"
)

// Statement is one of a script.
type Statement struct {
	// Text is the statement without the semicolon that ends it and the space
	// around it; comments before it and in it are kept.
	Text  string
	Start int // byte of the script that Text begins at
	Line  int // of the script, from 1, that Text begins in
}

// Split cuts a script where its statements end, as Spark's own command line
// does: at the semicolons outside quotes, comments and blocks. A block (BEGIN
// ... END of SQL scripting) is one statement, whatever is inside. What holds
// nothing but comments and space is left out. A backslash before a semicolon
// keeps it in the statement, and goes.
//
// rest is what follows the last of these semicolons: an unfinished statement,
// or the last one of a script.
//
// Spark cuts text that it cannot parse at every semicolon. Split keeps a block
// whole even then, and text after a quote that is not closed: Spark refuses it
// as a whole, rather than the first piece of it.
func Split(script string) (statements []Statement, rest Statement) {
	var s Statement
	kept := false // s goes on: its semicolon had a backslash before it
	for _, p := range pieces(script) {
		text := strings.TrimLeftFunc(script[p.start:p.end], isControl)
		switch {
		case kept:
			s.Text += ";" + text
		case p.blank:
			continue
		default:
			start := p.end - len(text)
			s = Statement{Text: text, Start: start, Line: 1 + strings.Count(script[:start], "\n")}
		}
		s.Text = strings.TrimRightFunc(s.Text, isControl)
		if !p.ended {
			return statements, s
		}
		if s.Text, kept = strings.CutSuffix(s.Text, `\`); !kept {
			statements = append(statements, s)
		}
	}
	if kept {
		s.Text += ";"
		return statements, s
	}
	return statements, Statement{}
}

func isControl(r rune) bool { return r <= ' ' }

// piece is a part of a script, from byte start to byte end. The semicolon that
// ends it, if ended, is at end.
type piece struct {
	start, end   int
	ended, blank bool
}

// pieces cuts a script: the pieces and the semicolons between them are all of it.
func pieces(script string) []piece {
	r := &reader{script: script}
	var all []piece
	start := 0
	for start < len(script) {
		end := r.statement(start)
		p := piece{start: start, end: len(script), blank: r.first < 0 && !r.open}
		if end >= 0 {
			p.end, p.ended = end, true
		}
		all = append(all, p)
		start = p.end + 1
	}
	return all
}

// reader reads a script token by token.
type reader struct {
	script string
	at     int     // byte after the last token read
	tokens []Token // those that are looked at, without space and comments
	next   int     // index in tokens
	first  int     // byte of the statement's first token; -1 if there is none
	open   bool    // a comment is not closed
	free   bool    // Spark reads the statement without a grammar

	blocks  []block // that are open
	queries []Token // of FOR: from byte Start to byte End
}

// read gives the token after those read before. ok is false at the end of the
// script.
func (r *reader) read() (t Token, ok bool) {
	for r.at < len(r.script) {
		t := Next(r.script, r.at)
		if t.Open && (t.Kind == Text || t.Kind == Name) && r.free {
			t = Token{Kind: Mark, Start: t.Start, End: t.Start + 1} // a character as others are
		}
		r.at = t.End
		if t.blank() {
			r.open = r.open || t.Open
			continue
		}
		if r.first < 0 && !r.ends(t) {
			r.first = t.Start
			r.free = slices.Contains([]string{"SET", "RESET", "ADD", "LIST", "REFRESH"}, strings.ToUpper(r.script[t.Start:t.End]))
		}
		return t, true
	}
	return Token{}, false
}

// ends reports whether t is a semicolon.
func (r *reader) ends(t Token) bool { return t.Kind == Mark && r.script[t.Start] == ';' }

// token gives the token at index i. ok is false at the end of the script.
func (r *reader) token(i int) (t Token, ok bool) {
	for len(r.tokens) <= i {
		t, ok := r.read()
		if !ok {
			return Token{}, false
		}
		r.tokens = append(r.tokens, t)
	}
	return r.tokens[i], true
}

// is reports whether the token at index i is one of these keywords or marks.
func (r *reader) is(i int, words ...string) bool {
	t, ok := r.token(i)
	if !ok || t.Kind != Word && t.Kind != Mark {
		return false
	}
	text := r.script[t.Start:t.End]
	for _, w := range words {
		if strings.EqualFold(text, w) {
			return true
		}
	}
	return false
}

// kind is that of the token at index i, and Space at the end of the script.
func (r *reader) kind(i int) Kind {
	t, ok := r.token(i)
	if !ok {
		return Space
	}
	return t.Kind
}

// statement reads the statement that begins at a byte and gives that of its
// semicolon, or -1 if the script ends before.
func (r *reader) statement(at int) int {
	*r = reader{script: r.script, at: at, first: -1, tokens: r.tokens[:0], blocks: r.blocks[:0], queries: r.queries[:0]}
	for {
		r.part()
		end := r.semicolon()
		if end < 0 || len(r.blocks) == 0 {
			return end
		}
	}
}

// semicolon reads on to the next one and gives its byte, or -1. What is before
// it is not looked at any more.
func (r *reader) semicolon() int {
	looked := r.tokens[r.next:]
	r.tokens, r.next = r.tokens[:0], 0
	for i, t := range looked {
		if r.ends(t) {
			r.tokens = append(r.tokens, looked[i+1:]...)
			return t.Start
		}
	}
	for {
		t, ok := r.read()
		if !ok {
			return -1
		}
		if r.ends(t) {
			return t.Start
		}
	}
}

// Words gives up to n tokens that a statement begins with, without space and
// comments, and words in capitals.
func Words(statement string, n int) []string {
	var words []string
	for i := SkipBlanks(statement, 0); i < len(statement) && len(words) < n; {
		t := Next(statement, i)
		text := statement[t.Start:t.End]
		if t.Kind == Word {
			text = strings.ToUpper(text)
		}
		words = append(words, text)
		i = SkipBlanks(statement, t.End)
	}
	return words
}

// IsBlock reports whether a statement has statements inside: BEGIN ... END.
func IsBlock(statement string) bool {
	r := &reader{script: statement, first: -1}
	r.part()
	return len(r.blocks) > 0
}

// MapFor gives a block with the query of each FOR in it replaced by what change
// makes of it. Other statements stay as they are.
func MapFor(statement string, change func(query string) string) string {
	r := &reader{script: statement}
	r.statement(0)
	var b strings.Builder
	at := 0
	for _, q := range r.queries {
		b.WriteString(statement[at:q.Start] + change(statement[q.Start:q.End]))
		at = q.End
	}
	return b.String() + statement[at:]
}

// SkipBlanks gives the byte after the space and comments that stand at byte i
// of s, where a token ends.
func SkipBlanks(s string, i int) int {
	for i < len(s) {
		t := Next(s, i)
		if !t.blank() {
			return i
		}
		i = t.End
	}
	return i
}
