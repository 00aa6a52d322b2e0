package sqlexpr

import (
	"fmt"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// Pieces of a pattern beside characters.
const (
	anyText rune = -1 - iota
	oneCharacter
)

// pattern is one of LIKE: characters and the above.
type pattern []rune

// likePattern reads a pattern. The escape stands before %, _ and itself only.
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
				return nil, sensitive.Errorf("the escape character %q stands before %s in the pattern, and may only before %%, _ and itself; in quotes a backslash is written twice", escape, sensitive.Text(string(e)))
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

// matches tries the shortest text for each anyText first, and goes back to the
// last of them only: what the ones before took can stay.
func (p pattern) matches(s string) bool {
	at, star, from := 0, -1, 0 // in p; the last anyText, and where what it took ends in s
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
