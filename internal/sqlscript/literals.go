package sqlscript

import (
	"strings"
	"unicode"
)

// WithoutLiterals returns SQL with a question mark in place of each number and of the inside of each text, and without comments.
func WithoutLiterals(text string) string {
	var b strings.Builder
	for at := 0; at < len(text); {
		t := Next(text, at)
		at = t.End
		word := text[t.Start:t.End]
		switch {
		case t.Kind == Comment:
			b.WriteByte(' ')
		case t.Kind == Text || t.Kind == Dollar:
			b.WriteString("'?'")
		case t.Kind == Word && unicode.IsDigit(rune(word[0])):
			b.WriteByte('?')
		default:
			b.WriteString(word)
		}
	}
	return strings.TrimSpace(b.String())
}
