package sqlexpr

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Java's classes, for use within brackets.
const (
	javaSpace      = `\t\n\x0B\f\r `
	javaVertical   = `\n\x0B\f\r\x{85}\x{2028}\x{2029}`
	javaHorizontal = `\t \x{A0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}`
	javaLineEnds   = `\n\r\x{85}\x{2028}\x{2029}`
)

// escapedClass is a character, or a set of characters to write within brackets.
type escapedClass struct {
	r   rune
	set string
}

// posixClasses are Java's classes of ASCII.
var posixClasses = map[string]string{"Lower": "a-z", "Upper": "A-Z", "ASCII": `\x00-\x7F`, "Alpha": "a-zA-Z", "Digit": "0-9", "Alnum": "0-9a-zA-Z", "Punct": `!-/:-@\[-` + "`{-~", "Graph": "!-~", "Print": " -~", "Blank": ` \t`, "Cntrl": `\x00-\x1F\x7F`, "XDigit": "0-9a-fA-F", "Space": javaSpace}

// escaped parses an escape that has a meaning both inside and outside of brackets, and returns its length in bytes.
func escaped(s string) (class escapedClass, n int, err error) {
	c, n := utf8.DecodeRuneInString(s[1:])
	n++
	set := func(text string) (escapedClass, int, error) { return escapedClass{set: text}, n, nil }
	one := func(r rune) (escapedClass, int, error) { return escapedClass{r: r}, n, nil }
	hex := func(from, digits int) (escapedClass, int, error) {
		if len(s) < from+digits {
			return escapedClass{}, 0, fmt.Errorf("the regular expression has too few digits after \\%c", c)
		}
		v, err := strconv.ParseUint(s[from:from+digits], 16, 32)
		if err != nil || v > utf8.MaxRune || v >= 0xD800 && v < 0xE000 {
			return escapedClass{}, 0, fmt.Errorf("the regular expression has no character \\%c%s", c, s[from:from+digits])
		}
		n = from + digits
		return one(rune(v))
	}
	switch c {
	case 'd':
		return set("0-9")
	case 'D':
		return set(`\D`)
	case 'w':
		return set("0-9A-Za-z_")
	case 'W':
		return set(`\W`)
	case 's':
		return set(javaSpace)
	case 'S':
		return set(`\x00-\x08\x0E-\x1F!-\x{10FFFF}`)
	case 'v':
		return set(javaVertical)
	case 'h':
		return set(javaHorizontal)
	case 't':
		return one('\t')
	case 'n':
		return one('\n')
	case 'r':
		return one('\r')
	case 'f':
		return one('\f')
	case 'a':
		return one(7)
	case 'e':
		return one(27)
	case 'u':
		return hex(2, 4)
	case 'x':
		if strings.HasPrefix(s, `\x{`) {
			end := strings.IndexByte(s, '}')
			if end < 4 {
				return escapedClass{}, 0, fmt.Errorf("the regular expression does not close \\x{")
			}
			class, _, err := hex(3, end-3)
			n = end + 1
			return class, n, err
		}
		return hex(2, 2)
	case 'p', 'P':
		return property(s, c == 'P')
	}
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
		return escapedClass{}, 0, fmt.Errorf("\\%c is not supported here in a regular expression", c)
	}
	return one(c)
}

// property parses \p{...}, \P{...} and \pL.
func property(s string, negated bool) (escapedClass, int, error) {
	name, n := "", 0
	if strings.HasPrefix(s[2:], "{") {
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return escapedClass{}, 0, fmt.Errorf("the regular expression does not close %s", s[:3])
		}
		name, n = s[3:end], end+1
	} else if len(s) > 2 {
		name, n = s[2:3], 3
	}
	if ascii, ok := posixClasses[name]; ok && !negated {
		return escapedClass{set: ascii}, n, nil
	}
	escape := map[bool]string{false: `\p`, true: `\P`}[negated]
	name = strings.TrimPrefix(name, "Is")
	if _, err := regexp.Compile(escape + "{" + name + "}"); err != nil || posixClasses[name] != "" {
		return escapedClass{}, 0, fmt.Errorf("the class %s{%s} is not supported here in a regular expression", escape, name)
	}
	return escapedClass{set: escape + "{" + name + "}"}, n, nil
}

// class parses a class in brackets and returns it as one of Go.
func (t *translation) class() (string, error) {
	var b strings.Builder
	b.WriteByte('[')
	t.at++
	if strings.HasPrefix(t.in[t.at:], "^") {
		b.WriteByte('^')
		t.at++
	}
	empty := true
	for t.at < len(t.in) {
		rest := t.in[t.at:]
		switch {
		case rest[0] == ']' && !empty:
			t.at++
			b.WriteByte(']')
			return b.String(), nil
		case rest[0] == '[':
			return "", lacks("classes within classes ([a[b]])")
		case strings.HasPrefix(rest, "&&"):
			return "", lacks("intersections of classes (&&)")
		}
		empty = false
		from, err := t.member()
		if err != nil {
			return "", err
		}
		if from.set != "" {
			b.WriteString(from.set)
			continue
		}
		to := from
		if rest := t.in[t.at:]; len(rest) > 1 && rest[0] == '-' && rest[1] != ']' {
			if rest[1] == '[' {
				return "", lacks("classes within classes ([a[b]])")
			}
			t.at++
			if to, err = t.member(); err != nil {
				return "", err
			}
			if to.set != "" || to.r < from.r {
				return "", fmt.Errorf("the regular expression has a range in brackets whose end is before its beginning")
			}
		}
		t.span(&b, from.r, to.r)
	}
	return "", fmt.Errorf("the regular expression does not close [")
}

// member parses a character or an escape in brackets.
func (t *translation) member() (escapedClass, error) {
	if t.in[t.at] == '\\' {
		if t.at+1 == len(t.in) {
			return escapedClass{}, fmt.Errorf("the regular expression ends with a backslash")
		}
		class, n, err := escaped(t.in[t.at:])
		t.at += n
		return class, err
	}
	r, n := utf8.DecodeRuneInString(t.in[t.at:])
	t.at += n
	return escapedClass{r: r}, nil
}

// span writes a range of characters, with the other case of ASCII letters under (?i).
func (t *translation) span(b *strings.Builder, from, to rune) {
	write := func(from, to rune) {
		if from <= to {
			fmt.Fprintf(b, `\x{%x}-\x{%x}`, from, to)
		}
	}
	write(from, to)
	if t.fold {
		write(max(from, 'a')-32, min(to, 'z')-32)
		write(max(from, 'A')+32, min(to, 'Z')+32)
	}
}
