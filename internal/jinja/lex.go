package jinja

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is the type of a token in the source of a template.
type kind int

const (
	endOfFile kind = iota
	data           // text outside of tags
	beginVariable
	endVariable
	beginBlock
	endBlock
	name
	stringLiteral
	integerLiteral
	floatLiteral
	operator // the operator is in token.text
)

// token is a token in the source of a template.
type token struct {
	kind   kind
	text   string // for data, names, strings and operators
	number float64
	whole  int64
	line   int
}

// String describes the token in errors.
func (t token) String() string {
	switch t.kind {
	case endOfFile:
		return "the end of the template"
	case endVariable:
		return "}}"
	case endBlock:
		return "%}"
	case integerLiteral, floatLiteral:
		return "a number"
	case stringLiteral:
		return strconv.Quote(t.text)
	}
	return t.text
}

var (
	newlines    = regexp.MustCompile(`\r\n|\r`)
	rawBegin    = regexp.MustCompile(`^\{%([-+]?)` + spaces + `raw` + spaces + `(-%\}` + spaces + `|%\})`)
	rawEnd      = regexp.MustCompile(`\{%([-+]?)` + spaces + `endraw` + spaces + `(\+%\}|-%\}` + spaces + `|%\}\n?)`)
	floatForm   = regexp.MustCompile(`^(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?[eE][+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)`)
	integerForm = regexp.MustCompile(`^(?:0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[1-9](?:_?\d)*|0(?:_?0)*)`)
)

// spaces is Python's \s*.
const spaces = `[\s\v\x1c-\x1f\x{85}\p{Z}]*`

// isSpace is Python's str.isspace of a character.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

// operators, in an order in which no operator is after its prefix.
var operators = []string{
	"//", "**", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "(", ")", "[", "]", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";",
}

// lexer reads a source from front to back.
type lexer struct {
	source string
	at     int
	line   int
	// lineStart is set at the start of the source and after a newline.
	lineStart bool
	tokens    []token
}

// lex returns the tokens of a source. The last one is endOfFile.
func lex(source string) []token {
	source = newlines.ReplaceAllString(source, "\n")
	l := &lexer{source: strings.TrimSuffix(source, "\n"), line: 1, lineStart: true}
	for l.at < len(l.source) {
		l.readText()
	}
	l.add(token{kind: endOfFile})
	return l.tokens
}

func (l *lexer) add(t token) {
	t.line = l.line
	l.tokens = append(l.tokens, t)
}

// advance skips n bytes and counts their lines.
func (l *lexer) advance(n int) {
	l.line += strings.Count(l.source[l.at:l.at+n], "\n")
	l.at += n
	l.lineStart = n > 0 && l.source[l.at-1] == '\n'
}

// readText reads the text up to a tag, and the tag.
func (l *lexer) readText() {
	rest := l.source[l.at:]
	tag := 0
	for ; tag < len(rest); tag++ {
		if rest[tag] == '{' && tag+1 < len(rest) && strings.IndexByte("%{#", rest[tag+1]) >= 0 {
			break
		}
	}
	if tag == len(rest) {
		l.data(rest)
		l.advance(len(rest))
		return
	}
	sign := byte(0)
	if tag+2 < len(rest) && (rest[tag+2] == '-' || rest[tag+2] == '+') {
		sign = rest[tag+2]
	}
	raw := rawBegin.FindStringSubmatch(rest[tag:])
	if raw != nil {
		sign = 0
		if raw[1] != "" {
			sign = raw[1][0]
		}
	}
	l.data(l.stripped(rest[:tag], sign, rest[tag+1] != '{'))
	l.advance(tag)
	switch {
	case raw != nil:
		l.advance(len(raw[0]))
		l.raw()
		return
	case rest[tag+1] == '#':
		l.comment()
		return
	}
	width := 2
	if sign != 0 {
		width = 3
	}
	begin := token{kind: beginBlock}
	if rest[tag+1] == '{' {
		begin.kind = beginVariable
	}
	l.add(begin)
	l.advance(width)
	l.readTag(begin.kind)
}

func (l *lexer) data(text string) {
	if text != "" {
		l.add(token{kind: data, text: text})
	}
}

// stripped returns the text before a tag without the white space that the tag
// removes.
func (l *lexer) stripped(text string, sign byte, block bool) string {
	switch {
	case sign == '-':
		return strings.TrimRightFunc(text, isSpace)
	case sign == '+' || !block:
		return text
	}
	line := strings.LastIndexByte(text, '\n') + 1
	if (line > 0 || l.lineStart) && strings.TrimLeftFunc(text[line:], isSpace) == "" {
		return text[:line]
	}
	return text
}

// raw reads the text up to {% endraw %}.
func (l *lexer) raw() {
	rest := l.source[l.at:]
	end := rawEnd.FindStringSubmatchIndex(rest)
	if end == nil {
		fail(l.line, "a raw block is not closed")
	}
	sign := byte(0)
	if end[2] < end[3] {
		sign = rest[end[2]]
	}
	l.data(l.stripped(rest[:end[0]], sign, true))
	l.advance(end[1])
}

// comment skips {# ... #}.
func (l *lexer) comment() {
	rest := l.source[l.at+2:]
	begin := 2
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		rest, begin = rest[1:], 3
	}
	end := strings.Index(rest, "#}")
	if end < 0 {
		fail(l.line, "a comment is not closed")
	}
	text := rest[:end]
	l.advance(begin + end)
	l.advance(l.tagEnd(2, strings.HasSuffix(text, "-"), !strings.HasSuffix(text, "+")))
}

// tagEnd returns the length of the end of a tag and of the white space that it
// removes: all of it, or one newline.
func (l *lexer) tagEnd(width int, all, line bool) int {
	rest := l.source[l.at+width:]
	switch {
	case all:
		return width + len(rest) - len(strings.TrimLeftFunc(rest, isSpace))
	case line && strings.HasPrefix(rest, "\n"):
		return width + 1
	}
	return width
}

// readTag reads the tokens of a tag, and its end.
func (l *lexer) readTag(begin kind) {
	end, text := endBlock, "%}"
	if begin == beginVariable {
		end, text = endVariable, "}}"
	}
	var open []byte // the open brackets
	for {
		rest := l.source[l.at:]
		if len(open) == 0 {
			sign := byte(0)
			after := rest
			if rest != "" && (rest[0] == '-' || rest[0] == '+' && begin == beginBlock) {
				sign, after = rest[0], rest[1:]
			}
			if strings.HasPrefix(after, text) {
				l.add(token{kind: end})
				l.advance(l.tagEnd(len(rest)-len(after)+2, sign == '-', sign == 0 && begin == beginBlock))
				return
			}
		}
		if rest == "" {
			fail(l.line, "a tag is not closed")
		}
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case isSpace(r):
			l.advance(size)
		case r == '\'' || r == '"':
			l.quoted(rest)
		case '0' <= r && r <= '9':
			l.number(rest)
		case r == '_' || unicode.IsLetter(r):
			n := strings.IndexFunc(rest, func(r rune) bool {
				return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r)
			})
			if n < 0 {
				n = len(rest)
			}
			l.add(token{kind: name, text: rest[:n]})
			l.advance(n)
		default:
			op := l.operator(rest)
			switch op[0] {
			case '(', '[', '{':
				open = append(open, op[0])
			case ')', ']', '}':
				if len(open) == 0 || strings.IndexByte("([{", open[len(open)-1]) != strings.IndexByte(")]}", op[0]) {
					fail(l.line, "unexpected %q: no such bracket is open", op)
				}
				open = open[:len(open)-1]
			}
		}
	}
}

func (l *lexer) operator(rest string) string {
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			l.add(token{kind: operator, text: op})
			l.advance(len(op))
			return op
		}
	}
	r, _ := utf8.DecodeRuneInString(rest)
	fail(l.line, "unexpected character %q", r)
	return ""
}

func (l *lexer) number(rest string) {
	if s := floatForm.FindString(rest); s != "" {
		x, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
		if err != nil && !math.IsInf(x, 0) {
			fail(l.line, "%s is not a number", s)
		}
		l.add(token{kind: floatLiteral, number: x})
		l.advance(len(s))
		return
	}
	s := integerForm.FindString(rest)
	n, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 0, 64)
	if err != nil {
		fail(l.line, "the number %s is too large", s)
	}
	l.add(token{kind: integerLiteral, whole: n})
	l.advance(len(s))
}

// quoted reads a string literal.
func (l *lexer) quoted(rest string) {
	for at := 1; at < len(rest); at++ {
		switch rest[at] {
		case rest[0]:
			l.add(token{kind: stringLiteral, text: l.unescaped(rest[1:at])})
			l.advance(at + 1)
			return
		case '\\':
			at++
		}
	}
	fail(l.line, "a string is not closed")
}

var escapes = map[byte]string{
	'\n': "", '\\': "\\", '\'': "'", '"': `"`, 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

// unescaped replaces the escapes in a string literal, as Python does.
func (l *lexer) unescaped(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for {
		at := strings.IndexByte(s, '\\')
		if at < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:at])
		s = s[at+1:]
		if text, ok := escapes[s[0]]; ok {
			b.WriteString(text)
			s = s[1:]
			continue
		}
		base, digits := 16, 0
		switch s[0] {
		case 'x':
			digits = 2
		case 'u':
			digits = 4
		case 'U':
			digits = 8
		case 'N':
			fail(l.line, `names of characters (\N{...}) in strings are not supported`)
		}
		begin := 1
		if '0' <= s[0] && s[0] <= '7' {
			base, begin = 8, 0
			for digits < 3 && digits < len(s) && '0' <= s[digits] && s[digits] <= '7' {
				digits++
			}
		}
		if digits == 0 { // not an escape: Python keeps the backslash
			b.WriteByte('\\')
			continue
		}
		if len(s) < begin+digits {
			fail(l.line, "an escape in a string is incomplete")
		}
		n, err := strconv.ParseUint(s[begin:begin+digits], base, 32)
		if err != nil || n > unicode.MaxRune || 0xd800 <= n && n < 0xe000 {
			fail(l.line, `\%s in a string is not a character`, s[:begin+digits])
		}
		b.WriteRune(rune(n))
		s = s[begin+digits:]
	}
}
