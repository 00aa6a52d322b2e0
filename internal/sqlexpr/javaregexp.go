package sqlexpr

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
)

// javaRegexp is a regular expression of Java as one of Go (RE2). Both find the leftmost match and prefer the first alternative.
// What RE2 lacks, or what would match other texts, is an error.
type javaRegexp struct {
	*regexp.Regexp
	// ends means that the expression has $ or \Z, which in Java also matches before a line terminator at the end of the text.
	ends bool
}

// matches reports whether the expression occurs in a text.
func (j javaRegexp) matches(s string) bool {
	return j.MatchString(s) || j.ends && lastLine(s) < len(s) && j.MatchString(s[:lastLine(s)])
}

// find returns the first match and its groups as offsets, or nil.
func (j javaRegexp) find(s string) []int {
	m := j.FindStringSubmatchIndex(s)
	if !j.ends || lastLine(s) == len(s) {
		return m
	}
	before := j.FindStringSubmatchIndex(s[:lastLine(s)])
	if m == nil || before != nil && before[0] <= m[0] {
		return before
	}
	return m
}

// lastLine is the offset of the line terminator at the end of a text, or its length.
func lastLine(s string) int {
	for _, end := range []string{"\r\n", "\n", "\r", "\u0085", "\u2028", "\u2029"} {
		if rest, ok := strings.CutSuffix(s, end); ok {
			return len(rest)
		}
	}
	return len(s)
}

// compileJava translates and compiles an expression.
func compileJava(pattern string) (javaRegexp, error) {
	t := translation{in: pattern}
	if err := t.all(); err != nil {
		return javaRegexp{}, err
	}
	re, err := regexp.Compile(t.out.String())
	if err != nil {
		return javaRegexp{}, fmt.Errorf("the regular expression cannot be read: %v", err)
	}
	return javaRegexp{re, t.ends}, nil
}

type translation struct {
	in   string
	at   int
	out  strings.Builder
	ends bool
	flags
	outer []flags // of the open groups
	atoms bool    // a quantifier may follow
}

// flags are those of (?is).
type flags struct{ fold, dotAll bool }

func lacks(what string) error {
	return fmt.Errorf("regular expressions have no %s here, because they take time in proportion to the text; Spark has it", what)
}

func (t *translation) all() error {
	for t.at < len(t.in) {
		r, n := utf8.DecodeRuneInString(t.in[t.at:])
		switch r {
		case '\\':
			if err := t.escape(); err != nil {
				return err
			}
			continue
		case '[':
			class, err := t.class()
			if err != nil {
				return err
			}
			t.atom(class)
			continue
		case '(':
			if err := t.open(); err != nil {
				return err
			}
			continue
		case ')':
			if len(t.outer) == 0 {
				return fmt.Errorf("the regular expression closes a parenthesis that is not open")
			}
			t.flags, t.outer = t.outer[len(t.outer)-1], t.outer[:len(t.outer)-1]
			t.atom(")")
		case '*', '+', '?', '{':
			if err := t.quantifier(r); err != nil {
				return err
			}
			continue
		case '|':
			t.out.WriteByte('|')
			t.atoms = false
		case '^':
			t.out.WriteString(`\A`)
			t.atoms = false
		case '$':
			if err := t.end(t.at + 1); err != nil {
				return err
			}
		case '.':
			if t.dotAll {
				t.atom(`(?s:.)`)
			} else {
				t.atom(`[^` + javaLineEnds + `]`)
			}
		default:
			t.atom(t.literal(r))
		}
		t.at += n
	}
	if len(t.outer) > 0 {
		return fmt.Errorf("the regular expression does not close a parenthesis")
	}
	return nil
}

func (t *translation) atom(text string) {
	t.out.WriteString(text)
	t.atoms = true
}

// end writes $ or \Z, after which the alternative must end at a byte.
func (t *translation) end(at int) error {
	if rest := strings.TrimLeft(t.in[at:], ")"); rest != "" && rest[0] != '|' {
		return fmt.Errorf("$ and \\Z are supported at the end of a regular expression or of an alternative only")
	}
	t.ends, t.atoms = true, false
	t.out.WriteString(`\z`)
	return nil
}

// literal is a character. As in Java, (?i) folds ASCII letters only.
func (t *translation) literal(r rune) string {
	if t.fold && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
		return "[" + strings.ToLower(string(r)) + strings.ToUpper(string(r)) + "]"
	}
	return regexp.QuoteMeta(string(r))
}

func (t *translation) quantifier(r rune) error {
	if !t.atoms {
		return fmt.Errorf("the regular expression has %q where nothing precedes it", r)
	}
	text := string(r)
	t.at++
	if r == '{' {
		end := strings.IndexByte(t.in[t.at:], '}')
		if end < 0 {
			return fmt.Errorf("the regular expression does not close {")
		}
		body := t.in[t.at : t.at+end]
		for i, n := range strings.Split(body, ",") {
			v, err := strconv.Atoi(n)
			switch {
			case i > 1 || err != nil && (i == 0 || n != ""):
				return fmt.Errorf("the regular expression has {%s}; write {2}, {2,} or {2,3}", body)
			case v > 1000:
				return fmt.Errorf("a regular expression repeats at most 1000 times here, not %d", v)
			}
		}
		text += body + "}"
		t.at += end + 1
	}
	if t.at < len(t.in) {
		switch t.in[t.at] {
		case '+':
			return lacks("possessive quantifiers (" + text + "+)")
		case '?':
			text += "?"
			t.at++
		}
	}
	t.out.WriteString(text)
	t.atoms = false
	return nil
}

// open parses an open parenthesis with what follows the question mark.
func (t *translation) open() error {
	rest := t.in[t.at:]
	for prefix, what := range map[string]string{"(?=": "lookahead (?=...)", "(?!": "lookahead (?!...)", "(?<=": "lookbehind (?<=...)", "(?<!": "lookbehind (?<!...)", "(?>": "atomic groups (?>...)"} {
		if strings.HasPrefix(rest, prefix) {
			return lacks(what)
		}
	}
	t.outer = append(t.outer, t.flags)
	t.atoms = false
	if !strings.HasPrefix(rest, "(?") {
		t.out.WriteString("(")
		t.at++
		return nil
	}
	if strings.HasPrefix(rest, "(?<") {
		end := strings.IndexByte(rest, '>')
		if end < 0 {
			return fmt.Errorf("the name of a group has no > in the regular expression")
		}
		t.out.WriteString("(") // the name cannot be referred to
		t.at += end + 1
		return nil
	}
	on := true
	for i := 2; i < len(rest); i++ {
		switch rest[i] {
		case 'i':
			t.fold = on
		case 's':
			t.dotAll = on
		case '-':
			on = false
		case ':':
			t.out.WriteString("(?:")
			t.at += i + 1
			return nil
		case ')': // for the rest of the group
			t.outer = t.outer[:len(t.outer)-1]
			t.at += i + 1
			return nil
		default:
			return fmt.Errorf("the flag %q of a regular expression is not supported here, only i and s", rest[i])
		}
	}
	return fmt.Errorf("the regular expression does not close a parenthesis")
}

// escape translates what follows a backslash, outside of brackets.
func (t *translation) escape() error {
	if t.at+1 == len(t.in) {
		return fmt.Errorf("the regular expression ends with a backslash; in quotes, write a backslash twice, or write r'...'")
	}
	switch c := t.in[t.at+1]; c {
	case 'b':
		t.out.WriteString(`\b`)
	case 'B':
		t.out.WriteString(`\B`)
	case 'A':
		t.out.WriteString(`\A`)
	case 'z':
		t.out.WriteString(`\z`)
	case 'Z':
		if err := t.end(t.at + 2); err != nil {
			return err
		}
	case 'R':
		t.atom(`(?:\r\n|[` + javaVertical + `])`)
		t.at += 2
		return nil
	case 'G', 'X', 'N':
		return lacks(`\` + string(c))
	case 'k', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return lacks("references to groups (\\" + string(c) + ")")
	case 'Q':
		body, _, _ := strings.Cut(t.in[t.at+2:], `\E`)
		for _, r := range body {
			t.atom(t.literal(r))
		}
		t.at = min(len(t.in), t.at+2+len(body)+2)
		return nil
	default:
		class, n, err := escaped(t.in[t.at:])
		if err != nil {
			return err
		}
		switch {
		case class.set != "":
			t.atom("[" + class.set + "]")
		default:
			t.atom(t.literal(class.r))
		}
		t.at += n
		return nil
	}
	t.at += 2
	t.atoms = false
	return nil
}

// replacementOf translates a replacement of Java: $1 is a group, and a backslash precedes a character itself.
func replacementOf(text string, groups int) (parts []replacementPart, err error) {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			if i++; i == len(text) {
				return nil, fmt.Errorf("the replacement ends with a backslash")
			}
			parts = append(parts, replacementPart{text: text[i : i+1]})
		case c == '$':
			if i++; i == len(text) || !isDigit(text[i]) {
				return nil, fmt.Errorf("a group number must follow $ in the replacement; for the sign itself, write \\\\$ in quotes")
			}
			n := int(text[i] - '0')
			if n > groups {
				return nil, fmt.Errorf("the regular expression has no group %d", n)
			}
			for i+1 < len(text) && isDigit(text[i+1]) && 10*n+int(text[i+1]-'0') <= groups {
				i++
				n = 10*n + int(text[i]-'0')
			}
			parts = append(parts, replacementPart{group: n, isGroup: true})
		default:
			parts = append(parts, replacementPart{text: text[i : i+1]})
		}
	}
	return parts, nil
}

// matchesEmpty reports whether the expression can match an empty text anywhere. Java and Go replace such matches differently.
func (j javaRegexp) matchesEmpty() bool {
	parsed, err := syntax.Parse(j.String(), syntax.Perl)
	return err != nil || shortest(parsed) == 0
}

// shortest is 0 if a match may be empty.
func shortest(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCapture, syntax.OpPlus:
		return shortest(re.Sub[0])
	case syntax.OpRepeat:
		return re.Min * shortest(re.Sub[0])
	case syntax.OpConcat:
		sum := 0
		for _, s := range re.Sub {
			sum += shortest(s)
		}
		return sum
	case syntax.OpAlternate:
		least := shortest(re.Sub[0])
		for _, s := range re.Sub[1:] {
			least = min(least, shortest(s))
		}
		return least
	}
	return 0
}

type replacementPart struct {
	text    string
	group   int
	isGroup bool
}

// replace replaces all matches.
func (j javaRegexp) replace(s string, parts []replacementPart) string {
	var b strings.Builder
	done := 0
	for _, m := range j.FindAllStringSubmatchIndex(s, -1) {
		b.WriteString(s[done:m[0]])
		for _, p := range parts {
			switch {
			case !p.isGroup:
				b.WriteString(p.text)
			case m[2*p.group] >= 0:
				b.WriteString(s[m[2*p.group]:m[2*p.group+1]])
			}
		}
		done = m[1]
	}
	return b.String() + s[done:]
}
