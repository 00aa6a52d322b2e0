// Package suggest finds the name that a person meant by one that is not there.
package suggest

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible shows a name as it is, or, where it is empty or has characters that
// are not seen, quoted with escapes, so that two different names differ.
func Visible(name string) string {
	quoted := strconv.QuoteToASCII(name)
	hidden := func(r rune) bool { return r != ' ' && (!unicode.IsPrint(r) || unicode.Is(unicode.Mn, r)) }
	switch {
	case name == "" || strings.TrimSpace(name) != name:
		return quoted
	case strings.ContainsFunc(name, hidden) || !utf8.ValidString(name):
		return quoted
	}
	return name
}

// Nearest gives the candidate that is most like name, if any is alike enough
// to be what was meant. Capitals do not count.
func Nearest(name string, candidates []string) (string, bool) {
	name = strings.ToLower(name)
	best, least := "", Most(name)+1
	for _, c := range candidates {
		if d := Distance(name, strings.ToLower(c), least); d < least {
			best, least = c, d
		}
	}
	return best, best != ""
}

// Most is the distance of what is still alike enough to a name.
func Most(name string) int { return max(2, len(name)/3) }

// Distance is the number of letters to insert, leave out, change or swap with
// their neighbour that makes b of a, by bytes; what reaches limit is not told
// further.
func Distance(a, b string, limit int) int {
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
