package match

import (
	"cmp"
	"slices"
	"strings"
)

// OneToOne keeps the pairs of which each text is the best match of the other, so that a
// text is in one pair at most. Of equal scores the right text, and then the left text,
// that is less in byte order is better.
func OneToOne(left, right []string, pairs []Pair) []Pair {
	better := func(a, b Pair) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(right[a.Right], right[b.Right]), strings.Compare(left[a.Left], left[b.Left]))
	}
	bestOfLeft, bestOfRight := map[int]Pair{}, map[int]Pair{}
	for _, p := range pairs {
		if b, ok := bestOfLeft[p.Left]; !ok || better(p, b) < 0 {
			bestOfLeft[p.Left] = p
		}
		if b, ok := bestOfRight[p.Right]; !ok || better(p, b) < 0 {
			bestOfRight[p.Right] = p
		}
	}
	return slices.DeleteFunc(slices.Clone(pairs), func(p Pair) bool {
		return bestOfLeft[p.Left] != p || bestOfRight[p.Right] != p
	})
}
