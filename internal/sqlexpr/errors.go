package sqlexpr

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/suggest"
)

// Error is a mistake in an expression.
type Error struct {
	Text    string // the expression
	At      int    // byte offset of the mistake
	Message string // what is wrong, and what to write
	shown   string // Message with the constants that Message hides; empty if it hides none
}

func mistake(text string, at int, message string) *Error { return &Error{text, at, message, ""} }

// shownText is the number of characters of a long line that an error shows on
// each side of a mistake.
const shownText = 60

// Error returns the message and the line, with a caret under the mistake. It hides
// the texts in quotes.
func (e *Error) Error() string { return e.say(e.Message, Mask(e.Text)) }

// Shown is Error with the texts in quotes.
func (e *Error) Shown() string { return e.say(cmp.Or(e.shown, e.Message), e.Text) }

// say shows the mistake in text, which has the same number of characters as e.Text
// before it.
func (e *Error) say(message, text string) string {
	at := min(e.At, len(e.Text))
	from := strings.LastIndexByte(e.Text[:at], '\n') + 1
	lines := strings.Split(text, "\n")
	before, after := splitAt(shown(lines[strings.Count(e.Text[:from], "\n")]), utf8.RuneCountInString(shown(e.Text[from:at])))
	column := utf8.RuneCountInString(e.Text[from:at]) + 1
	head, tail := before, ""
	start := ""
	if len(head) > shownText {
		head, start = head[len(head)-shownText:], "..."
	}
	if len(after) > shownText {
		after, tail = after[:shownText], "..."
	}
	place := fmt.Sprintf("at character %d", column)
	if n := strings.Count(e.Text[:from], "\n"); n > 0 {
		place = fmt.Sprintf("in line %d %s", n+1, place)
	}
	return fmt.Sprintf("%s, %s:\n  %s%s%s%s\n  %s^", message, place, start, string(head), string(after), tail,
		strings.Repeat(" ", len(start)+len(head)))
}

func splitAt(s string, characters int) (before, after []rune) {
	runes := []rune(s)
	characters = min(characters, len(runes))
	return runes[:characters], runes[characters:]
}

// Mask replaces each character of the texts in quotes, except line breaks, by a
// dot.
func Mask(text string) string {
	var b strings.Builder
	for at := 0; at < len(text); {
		c := text[at]
		switch {
		case c == '`':
			if _, to, err := backquoted(text, at); err == nil {
				b.WriteString(text[at:to])
				at = to
				continue
			}
		case c == '\'' || c == '"':
			raw := at > 0 && (text[at-1] == 'r' || text[at-1] == 'R') && nameLength(text[lastName(text, at):]) == 1
			to, closed := quoteEnd(text, at, raw)
			inside := text[at+1 : to]
			if closed {
				inside = text[at+1 : to-1]
			}
			b.WriteByte(c)
			for _, r := range inside {
				if r != '\n' {
					r = '·'
				}
				b.WriteRune(r)
			}
			if closed {
				b.WriteByte(c)
			}
			at = to
			continue
		}
		b.WriteByte(c)
		at++
	}
	return b.String()
}

// lastName returns the offset of the name that ends before a byte.
func lastName(text string, at int) int {
	return strings.LastIndexFunc(text[:at], func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) + 1
}

// quoteEnd returns the end of the text in quotes that begins at a byte, or the end
// of the expression if the quotes are not closed.
func quoteEnd(text string, at int, raw bool) (to int, closed bool) {
	for i := at + 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && !raw:
			i++
		case text[i] == text[at]:
			return i + 1, true
		}
	}
	return len(text), false
}

// shown replaces control characters and invalid bytes, so that every character
// takes one column.
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// didYouMean is a hint that names the nearest candidate, or all candidates if
// there are few.
func didYouMean(name string, candidates []string) string {
	if near, ok := suggest.Nearest(name, candidates); ok {
		return meant(near)
	}
	return thereAre(candidates)
}

func meant(near string) string {
	shown := suggest.Visible(near)
	if shown != near {
		return fmt.Sprintf("; there is %s, whose name has spaces or invisible characters: rename it, or write the whole name in backquotes", shown)
	}
	return fmt.Sprintf("; did you mean %s?", near)
}

// thereAre lists the candidates if there are few.
func thereAre(candidates []string) string {
	const most = 20
	if len(candidates) == 0 || len(candidates) > most {
		return ""
	}
	shown := make([]string, len(candidates))
	for i, c := range candidates {
		shown[i] = suggest.Visible(c)
	}
	return "; there are " + strings.Join(shown, ", ")
}
