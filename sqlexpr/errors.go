package sqlexpr

import (
	"fmt"
	"strings"
	"unicode/utf8"
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

// nearest gives the candidate that is most like name, if any is alike enough
// to be what was meant.
func nearest(name string, candidates []string) (string, bool) {
	name = strings.ToLower(name)
	best, least := "", max(2, len(name)/3)+1
	for _, c := range candidates {
		if d := distance(name, strings.ToLower(c), least); d < least {
			best, least = c, d
		}
	}
	return best, best != ""
}

// distance is the number of letters to insert, leave out, change or swap with
// their neighbour that makes b of a; what reaches limit is not told further.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	var before []int
	last, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, make([]int, len(b)+1)
	}
	return min(last[len(b)], limit)
}

// didYouMean is the hint that names the nearest candidate, or all of them if
// they are few.
func didYouMean(name string, candidates []string) string {
	if near, ok := nearest(name, candidates); ok {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	const most = 20
	if len(candidates) == 0 || len(candidates) > most {
		return ""
	}
	return "; there are " + strings.Join(candidates, ", ")
}
