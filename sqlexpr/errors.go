package sqlexpr

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/similar"
)

// Error is a mistake in an expression.
type Error struct {
	Text    string // the expression
	At      int    // where the mistake stands, in bytes
	Message string // what is wrong, and what to write
}

// shownText is how much of a long line is shown around a mistake, in
// characters to each side.
const shownText = 60

// Error says what is wrong and shows where, with a caret under the place.
func (e *Error) Error() string {
	at := min(e.At, len(e.Text))
	from := strings.LastIndexByte(e.Text[:at], '\n') + 1
	line := e.Text[from:]
	if end := strings.IndexByte(e.Text[at:], '\n'); end >= 0 {
		line = e.Text[from : at+end]
	}
	before, after := shown(line[:at-from]), []rune(shown(line[at-from:]))
	column := utf8.RuneCountInString(e.Text[from:at]) + 1
	head, tail := []rune(before), ""
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
	return fmt.Sprintf("%s, %s:\n  %s%s%s%s\n  %s^", e.Message, place, start, string(head), string(after), tail,
		strings.Repeat(" ", len(start)+len(head)))
}

// shown is a text in which every character takes one place.
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// didYouMean is the hint that names the nearest candidate, or all of them if
// they are few.
func didYouMean(name string, candidates []string) string {
	if near, ok := similar.Nearest(name, candidates); ok {
		return meant(near)
	}
	return thereAre(candidates)
}

func meant(near string) string {
	shown := similar.Visible(near)
	if shown != near {
		return fmt.Sprintf("; there is %s, whose name has spaces or characters that are not seen: rename it, or write all of them in backquotes", shown)
	}
	return fmt.Sprintf("; did you mean %s?", near)
}

// thereAre names candidates, if they are few.
func thereAre(candidates []string) string {
	const most = 20
	if len(candidates) == 0 || len(candidates) > most {
		return ""
	}
	shown := make([]string, len(candidates))
	for i, c := range candidates {
		shown[i] = similar.Visible(c)
	}
	return "; there are " + strings.Join(shown, ", ")
}
