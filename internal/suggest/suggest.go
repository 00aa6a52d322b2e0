// Package suggest finds the known name that is closest to a misspelled one.
package suggest

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible returns name as it is, or quoted with escapes if it is empty, has
// blanks at its ends or has invisible characters. Different names look different.
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

// Nearest returns the candidate with the smallest Distance from name, ignoring
// case. ok is false if no candidate lies within MaxDistance.
func Nearest(name string, candidates []string) (nearest string, ok bool) {
	name = strings.ToLower(name)
	best, least := "", MaxDistance(name)+1
	for _, c := range candidates {
		if d := Distance(name, strings.ToLower(c), least); d < least {
			best, least = c, d
		}
	}
	return best, best != ""
}

// MaxDistance is the largest Distance from name at which a candidate is
// suggested.
func MaxDistance(name string) int { return max(2, len(name)/3) }

// Distance is the optimal string alignment distance of a and b in bytes: the
// number of insertions, deletions, substitutions and swaps of neighbours that
// turn a into b. It is at most limit.
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
