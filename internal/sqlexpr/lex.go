package sqlexpr

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind int

const (
	end kind = iota
	word
	quotedName // in backquotes; value is the name
	number     // value is the digits, with suffix or exponent
	textValue  // value is the text itself
	mark       // value is the sign
)

// lexeme is a piece of the text, from byte from to byte to.
type lexeme struct {
	kind     kind
	value    string
	from, to int
}

// is reports whether l is a sign or, ignoring case, a keyword.
func (l lexeme) is(what string) bool {
	return (l.kind == mark || l.kind == word) && strings.EqualFold(l.value, what)
}

func (l lexeme) String() string {
	switch l.kind {
	case end:
		return "the end"
	case textValue:
		return "a text"
	case quotedName:
		return "`" + l.value + "`"
	}
	return l.value
}

// marks lists the signs, longer ones first.
var marks = []string{"<=>", "=>", "==", "<=", ">=", "<>", "!=", "!<", "!>", "||", "->", "::", "=", "<", ">", "!", "(", ")", "[", "]", ",", ".", "-", "+", "*", "/", "%", "&", "|", "^", "~", "?", ":", ";", "{", "}", "@", "#", "$", "\\"}

// lex splits text into lexemes; the last one is end.
func lex(text string) ([]lexeme, error) {
	var all []lexeme
	for at := 0; ; {
		rest := strings.TrimLeft(text[at:], " \t\r\n")
		at = len(text) - len(rest)
		l := lexeme{from: at, to: at}
		if rest == "" {
			return append(all, l), nil
		}
		c := rest[0]
		var err error
		switch {
		case c == '\'' || c == '"':
			l.kind = textValue
			l.value, l.to, err = quoted(text, at, false)
		case (c == 'r' || c == 'R') && len(rest) > 1 && (rest[1] == '\'' || rest[1] == '"'):
			l.kind = textValue
			l.value, l.to, err = quoted(text, at+1, true)
		case c == '`':
			l.kind = quotedName
			l.value, l.to, err = backquoted(text, at)
		case isDigit(c) || c == '.' && len(rest) > 1 && isDigit(rest[1]) && !afterName(all, at):
			l.kind = number
			l.to = at + numberLength(rest)
			l.value = text[at:l.to]
			if n := nameLength(text[l.to:]); n > 0 {
				err = mistake(text, l.to, fmt.Sprintf("%[2]q follows the number %[1]s; write numbers as 12, 1.5, 1e3, 12L or 1.5D, and a name that begins with a digit in backquotes", l.value, text[l.to:l.to+n]))
			}
		case strings.HasPrefix(rest, "->"):
			err = mistake(text, at, "lambda functions are not supported here, because a job computes row by row: on Spark, explode the array into rows first")
		case strings.HasPrefix(rest, "--"):
			err = mistake(text, at, "comments to the end of the line are not supported here; remove it, or write it as /* */")
		case strings.HasPrefix(rest, "/*"):
			n := commentLength(rest)
			if n < 0 {
				return nil, mistake(text, at, "the comment is not closed; end it by */")
			}
			at += n
			continue
		default:
			if n := nameLength(rest); n > 0 {
				l.kind, l.value, l.to = word, rest[:n], at+n
				break
			}
			l.kind = mark
			for _, m := range marks {
				if strings.HasPrefix(rest, m) {
					l.value, l.to = m, at+len(m)
					break
				}
			}
			if l.value == "" {
				r, _ := utf8.DecodeRuneInString(rest)
				err = mistake(text, at, fmt.Sprintf("the character %q is not known here; put a text in quotes, and a name with such characters in backquotes", r))
			}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, l)
		at = l.to
	}
}

// commentLength returns the length in bytes of the comment at the begin of s. It is
// negative if the comment has no end. As in Spark, comments may be nested.
func commentLength(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); {
		switch s[i : i+2] {
		case "/*":
			depth++
			i += 2
		case "*/":
			depth--
			i += 2
		default:
			i++
		}
		if depth == 0 {
			return i
		}
	}
	return -1
}

// afterName reports whether a dot at a byte directly follows a name or a closing
// bracket, so that it selects a field.
func afterName(all []lexeme, at int) bool {
	if len(all) == 0 {
		return false
	}
	last := all[len(all)-1]
	return last.to == at && (last.kind == word || last.kind == quotedName || last.is(")") || last.is("]"))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// nameLength returns the length in bytes of the name at the begin of s.
func nameLength(s string) int {
	n := strings.IndexFunc(s, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !isASCIIDigit(r) || r == utf8.RuneError })
	if n < 0 {
		return len(s)
	}
	return n
}

func isASCIIDigit(r rune) bool { return r >= '0' && r <= '9' }

// numberLength returns the length in bytes of the number at the begin of s: digits,
// fraction, exponent, suffix.
func numberLength(s string) int {
	digits := func(n int) int {
		for n < len(s) && isDigit(s[n]) {
			n++
		}
		return n
	}
	n := digits(0)
	if n < len(s) && s[n] == '.' {
		n = digits(n + 1)
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		sign := n + 1
		if sign < len(s) && (s[sign] == '-' || s[sign] == '+') {
			sign++
		}
		if past := digits(sign); past > sign {
			n = past
		}
	}
	for _, suffix := range []string{"BD", "L", "S", "Y", "D", "F"} {
		if len(s) >= n+len(suffix) && strings.EqualFold(s[n:n+len(suffix)], suffix) && nameLength(s[n+len(suffix):]) == 0 {
			return n + len(suffix)
		}
	}
	return n
}

func backquoted(text string, at int) (name string, to int, err error) {
	var b strings.Builder
	for i := at + 1; i < len(text); i++ {
		if text[i] != '`' {
			b.WriteByte(text[i])
			continue
		}
		if i+1 < len(text) && text[i+1] == '`' {
			b.WriteByte('`')
			i++
			continue
		}
		if b.Len() == 0 {
			return "", 0, mistake(text, at, "the name in backquotes is empty")
		}
		return b.String(), i + 1, nil
	}
	return "", 0, mistake(text, at, "the backquote is not closed")
}
