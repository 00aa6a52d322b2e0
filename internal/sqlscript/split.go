package sqlscript

import (
	"slices"
	"strings"
)

// Statement is a statement of a script.
type Statement struct {
	// Text is the statement without its semicolon and surrounding white space.
	// It includes the comments before and in the statement.
	Text  string
	Start int // byte offset of Text in the script
	Line  int // line of the script in which Text starts, from 1
}

// Split divides a script into statements, as Spark's command line does: at the
// semicolons outside quotes, comments and blocks. A block (BEGIN ... END of SQL
// scripting) is one statement. Parts that contain only comments and white space
// are omitted. A backslash before a semicolon keeps it in the statement; the
// backslash is removed.
//
// rest is the text after the last of these semicolons: an unfinished statement,
// or the last one of a script.
//
// Spark divides text that it cannot parse at every semicolon. Split keeps a block
// in one statement even then, and also the text after a quote that is not closed:
// Spark then refuses the whole statement, rather than its first part.
func Split(script string) (statements []Statement, rest Statement) {
	var s Statement
	continued := false // s continues, because its semicolon had a backslash
	for _, p := range pieces(script) {
		text := strings.TrimLeftFunc(script[p.start:p.end], isControl)
		switch {
		case continued:
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
		if s.Text, continued = strings.CutSuffix(s.Text, `\`); !continued {
			statements = append(statements, s)
		}
	}
	if continued {
		s.Text += ";"
		return statements, s
	}
	return statements, Statement{}
}

func isControl(r rune) bool { return r <= ' ' }

// piece is the part of a script from byte start to byte end. If ended is set, its
// semicolon is at end.
type piece struct {
	start, end   int
	ended, blank bool
}

// pieces divides a script. The pieces and the semicolons between them are the
// whole script.
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
	script  string
	at      int     // byte after the last token read
	tokens  []Token // those that are looked at, without space and comments
	next    int     // index in tokens
	first   int     // byte of the statement's first token; -1 if there is none
	open    bool    // a comment is not closed
	lenient bool    // Spark reads the statement without a grammar

	blocks  []block // that are open
	queries []Token // of FOR: from byte Start to byte End
}

// read returns the next token that is not blank. ok is false at the end of the
// script.
func (r *reader) read() (t Token, ok bool) {
	for r.at < len(r.script) {
		t := Next(r.script, r.at)
		if t.Open && (t.Kind == Text || t.Kind == Name) && r.lenient {
			t = Token{Kind: Mark, Start: t.Start, End: t.Start + 1} // an ordinary character
		}
		r.at = t.End
		if t.blank() {
			r.open = r.open || t.Open
			continue
		}
		if r.first < 0 && !r.isSemicolon(t) {
			r.first = t.Start
			r.lenient = slices.Contains([]string{"SET", "RESET", "ADD", "LIST", "REFRESH"}, strings.ToUpper(r.script[t.Start:t.End]))
		}
		return t, true
	}
	return Token{}, false
}

// isSemicolon reports whether t is a semicolon.
func (r *reader) isSemicolon(t Token) bool { return t.Kind == Mark && r.script[t.Start] == ';' }

// token returns token i. ok is false at the end of the script.
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

// isOneOf reports whether token i is one of these keywords or marks.
func (r *reader) isOneOf(i int, words ...string) bool {
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

// kind returns the kind of token i, or Space at the end of the script.
func (r *reader) kind(i int) Kind {
	t, ok := r.token(i)
	if !ok {
		return Space
	}
	return t.Kind
}

// statement reads the statement that starts at a byte and returns the offset of
// its semicolon, or -1 if the script ends first.
func (r *reader) statement(at int) int {
	*r = reader{script: r.script, at: at, first: -1, tokens: r.tokens[:0], blocks: r.blocks[:0], queries: r.queries[:0]}
	for {
		r.statementPart()
		end := r.semicolon()
		if end < 0 || len(r.blocks) == 0 {
			return end
		}
	}
}

// semicolon reads to the next semicolon and returns its offset, or -1. It
// discards the tokens before it.
func (r *reader) semicolon() int {
	looked := r.tokens[r.next:]
	r.tokens, r.next = r.tokens[:0], 0
	for i, t := range looked {
		if r.isSemicolon(t) {
			r.tokens = append(r.tokens, looked[i+1:]...)
			return t.Start
		}
	}
	for {
		t, ok := r.read()
		if !ok {
			return -1
		}
		if r.isSemicolon(t) {
			return t.Start
		}
	}
}

// Words returns the first n tokens of a statement, without blanks and comments,
// and words in upper case.
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

// IsBlock reports whether a statement is a block with statements: BEGIN ... END.
func IsBlock(statement string) bool {
	r := &reader{script: statement, first: -1}
	r.statementPart()
	return len(r.blocks) > 0
}

// MapFor replaces the query of each FOR in a block by change(query). Other
// statements do not change.
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

// SkipBlanks returns the offset after the white space and comments at offset i,
// which must be a boundary of tokens.
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
