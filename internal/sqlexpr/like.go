package sqlexpr

import (
	"fmt"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// Elements of a pattern that are not characters.
const (
	anyText rune = -1 - iota
	oneCharacter
)

// pattern is a pattern of LIKE: characters, anyText and oneCharacter.
type pattern []rune

// likePattern parses a pattern. The escape character may precede %, _ and itself
// only.
func likePattern(text string, escape rune) (pattern, error) {
	var p pattern
	runes := []rune(text)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case r == escape:
			if i++; i == len(runes) {
				return nil, fmt.Errorf("the pattern ends with its escape character %q; write it twice", escape)
			}
			if e := runes[i]; e != '%' && e != '_' && e != escape {
				return nil, sensitive.Errorf("the escape character %q precedes %s in the pattern, but may precede %%, _ and itself only; in quotes, write a backslash twice", escape, sensitive.Text(string(e)))
			}
			p = append(p, runes[i])
		case r == '%':
			p = append(p, anyText)
		case r == '_':
			p = append(p, oneCharacter)
		default:
			p = append(p, r)
		}
	}
	return p, nil
}

// matches reports whether the pattern matches s. It tries the shortest text for
// each anyText first, and backtracks to the last anyText only, which is enough.
func (p pattern) matches(s string) bool {
	at, star, from := 0, -1, 0 // position in p; last anyText, and the end of its text in s
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case at < len(p) && p[at] == anyText:
			star, from = at, i
			at++
		case at < len(p) && (p[at] == oneCharacter || p[at] == r):
			at++
			i += n
		case star >= 0:
			_, n := utf8.DecodeRuneInString(s[from:])
			from += n
			at, i = star+1, from
		default:
			return false
		}
	}
	for at < len(p) && p[at] == anyText {
		at++
	}
	return at == len(p)
}
