// Package sqlscript divides Spark SQL into statements. It tokenizes the text as
// Spark's lexer does, finds where statements end, and returns their first words.
// It does not parse expressions.
package sqlscript

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind is the kind of a Token.
type Kind uint8

// The kinds of tokens.
const (
	Space   Kind = iota // white space
	Comment             // -- to the end of the line, or /* */, which nest
	Word                // a keyword, a name without quotes, or digits
	Name                // a name in backquotes
	Text                // a literal in '' or "", raw (r'') or not
	Dollar              // a literal in $$ $$ or $tag$ $tag$
	Mark                // any other character
)

// Token is a piece of SQL from byte Start to byte End.
type Token struct {
	Kind       Kind
	Start, End int
	// Open is set if the text ends before the quote or comment is closed.
	Open bool
}

// blank reports whether a token is white space or a comment.
func (t Token) blank() bool { return t.Kind == Space || t.Kind == Comment }

// Next returns the token that starts at offset i of s. i must be less than len(s)
// and not within a token.
func Next(s string, i int) Token {
	rest := s[i:]
	token := func(k Kind, length int) Token { return Token{Kind: k, Start: i, End: i + length} }
	closed := func(k Kind, length int) Token {
		if length < 0 {
			return Token{Kind: k, Start: i, End: len(s), Open: true}
		}
		return token(k, length)
	}
	switch c := rest[0]; {
	case strings.HasPrefix(rest, "--"):
		return token(Comment, lineComment(rest))
	case strings.HasPrefix(rest, "/*") && !isHint(rest):
		return closed(Comment, bracketedComment(rest))
	case c == '\'' || c == '"':
		return closed(Text, quoted(rest))
	case c == '`':
		return closed(Name, until(rest, 1, '`'))
	case (c == 'r' || c == 'R') && len(rest) > 1 && (rest[1] == '\'' || rest[1] == '"'):
		return closed(Text, until(rest, 2, rest[1]))
	case c == '$':
		if n := dollarTag(rest); n > 0 {
			end := strings.Index(rest[n:], rest[:n])
			if end < 0 {
				return closed(Dollar, -1)
			}
			return token(Dollar, n+end+n)
		}
		return token(Mark, 1)
	}
	if n := spaces(rest); n > 0 {
		return token(Space, n)
	}
	if n := word(rest); n > 0 {
		return token(Word, n)
	}
	_, n := utf8.DecodeRuneInString(rest)
	return token(Mark, n)
}

// lineComment returns the length of the comment at the start of s, with the end of
// its line. A backslash before a line feed continues the comment.
func lineComment(s string) int {
	for i := 2; i < len(s); i++ {
		switch {
		case s[i] == '\\' && strings.HasPrefix(s[i+1:], "\n"):
			i++
		case strings.HasPrefix(s[i:], "\r\n"):
			return i + 2
		case s[i] == '\r' || s[i] == '\n':
			return i + 1
		}
	}
	return len(s)
}

// isHint reports whether s starts with a hint. Hints are not comments: Spark
// reads them.
func isHint(s string) bool { return strings.HasPrefix(s, "/*+") }

// bracketedComment returns the length of the comment at the start of s, or -1 if
// it is not closed. Comments nest; hints within them do not.
func bracketedComment(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "/*") && !isHint(s[i:]):
			depth++
			i++
		case strings.HasPrefix(s[i:], "*/"):
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// quoted returns the length of the literal at the start of s, or -1 if it is not
// closed. A backslash escapes the next character. A doubled quote makes two
// literals, which Spark concatenates.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return -1
}

// until returns the length of s up to the first quote at or after offset from, or
// -1 if there is none.
func until(s string, from int, quote byte) int {
	end := strings.IndexByte(s[from:], quote)
	if end < 0 {
		return -1
	}
	return from + end + 1
}

// dollarTag returns the length of $$ or $letters$ at the start of s, or 0.
func dollarTag(s string) int {
	for i := 1; i < len(s); i++ {
		switch c := s[i] | 0x20; {
		case s[i] == '$':
			return i + 1
		case c < 'a' || c > 'z':
			return 0
		}
	}
	return 0
}

// spaces returns the length of the white space at the start of s.
func spaces(s string) int {
	n := strings.IndexFunc(s, func(r rune) bool { return !isSpace(r) })
	if n < 0 {
		return len(s)
	}
	return n
}

// isSpace reports whether r is white space for Spark's lexer.
func isSpace(r rune) bool {
	return r >= '\t' && r <= '\r' || unicode.Is(unicode.Z, r) && r != '\u2029'
}

// word returns the length of the word at the start of s. A URL (hdfs://a/b) is
// one word, so that // and -- in it do not start a comment.
func word(s string) int {
	n, letters := 0, true
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if !isLetter(r, size) {
			if r != '_' && (r < '0' || r > '9') {
				break
			}
			letters = false
		}
		n += size
	}
	if n == 0 || !letters || !strings.HasPrefix(s[n:], "://") {
		return n
	}
	end := n + len("://")
	for end < len(s) {
		r, size := utf8.DecodeRuneInString(s[end:])
		if !isLetter(r, size) && !strings.ContainsRune("0123456789_/-.?=&#%", r) {
			break
		}
		end += size
	}
	if end == n+len("://") {
		return n
	}
	return end
}

func isLetter(r rune, size int) bool {
	return unicode.IsLetter(r) && (r != utf8.RuneError || size > 1)
}
