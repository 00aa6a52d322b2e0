package cli

import (
	"regexp"
	"strings"
)

// statement is one of a script.
type statement struct {
	text string
	line int // of the script, from 1, that it begins in
}

// splitStatements cuts a script at the semicolons that end its statements:
// those outside quotes ('...', "...", `...`), line comments (-- ...) and
// bracketed comments (/* ... */, which nest), as Spark SQL reads them. What
// holds nothing but comments and space is left out. rest is what follows the
// last semicolon: an unfinished statement, or the last one of a script.
func splitStatements(script string) (statements []statement, rest statement) {
	cut := func(start, end int) statement {
		text := strings.TrimLeft(script[start:end], space)
		return statement{strings.TrimSpace(text), 1 + strings.Count(script[:end-len(text)], "\n")}
	}
	if compound.MatchString(script) {
		whole := cut(0, len(script))
		whole.text = strings.TrimSuffix(whole.text, ";")
		return []statement{whole}, statement{}
	}
	start, blank := 0, true
	for i := 0; i < len(script); {
		next := skipLexeme(script, i)
		switch c := script[i]; {
		case c == ';':
			if !blank {
				statements = append(statements, cut(start, i))
			}
			start, blank = next, true
		case isComment(script, i) || strings.IndexByte(space, c) >= 0:
		default:
			blank = false
		}
		i = next
	}
	if blank {
		return statements, statement{}
	}
	return statements, cut(start, len(script))
}

// space may stand between statements.
const space = " \t\r\n"

func isComment(s string, i int) bool {
	return strings.HasPrefix(s[i:], "--") || strings.HasPrefix(s[i:], "/*")
}

// isRaw reports whether the quote at i begins a raw literal, r'...', in which a
// backslash is one.
func isRaw(s string, i int) bool {
	if i == 0 || s[i-1] != 'r' && s[i-1] != 'R' {
		return false
	}
	return i == 1 || !isNamePart(s[i-2])
}

func isNamePart(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// compound matches a script of Spark 4's SQL scripting, which is one statement
// with semicolons inside; comments may stand before it.
var compound = regexp.MustCompile(before + `begin\b.*\bend\s*;?\s*$`)

// explain matches EXPLAIN, before which comments may stand.
var explain = regexp.MustCompile(before + `explain\s`)

// before matches space and comments from the start.
const before = `(?is)^(\s|--[^\n]*\n|/\*.*?\*/)*`

// skipLexeme gives the index after the quoted text, comment or single byte
// that stands at i. What is not closed reaches to the end.
func skipLexeme(s string, i int) int {
	switch {
	case s[i] == '\'' || s[i] == '"' || s[i] == '`':
		for j := i + 1; j < len(s); j++ {
			if s[j] == '\\' && s[i] != '`' && !isRaw(s, i) {
				j++
			} else if s[j] == s[i] {
				return j + 1
			}
		}
		return len(s)
	case strings.HasPrefix(s[i:], "--"):
		if end := strings.IndexByte(s[i:], '\n'); end >= 0 {
			return i + end + 1
		}
		return len(s)
	case strings.HasPrefix(s[i:], "/*"):
		depth := 0
		for j := i; j < len(s); j++ {
			switch {
			case strings.HasPrefix(s[j:], "/*"):
				depth++
				j++
			case strings.HasPrefix(s[j:], "*/"):
				depth--
				j++
				if depth == 0 {
					return j + 1
				}
			}
		}
		return len(s)
	}
	return i + 1
}
