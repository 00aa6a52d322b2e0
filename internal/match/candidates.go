package match

import (
	"cmp"
	"slices"
	"strings"
)

// Candidate is a pair that may match. Rank is its place among the nearest of its left
// text, from 1.
type Candidate struct{ Left, Right, Rank int }

// Merge returns the candidates of each left text, in the order of their ranks, from the
// lists of nearest texts of several measures. The rank of a pair is the best that it has
// in one of the lists. texts are the right texts.
func Merge(texts []string, lists ...[][]Pair) [][]Candidate {
	if len(lists) == 0 {
		return nil
	}
	merged := make([][]Candidate, len(lists[0]))
	for i := range merged {
		rank := map[int]int{}
		for _, list := range lists {
			for at, p := range list[i] {
				if r, known := rank[p.Right]; !known || at+1 < r {
					rank[p.Right] = at + 1
				}
			}
		}
		for right, r := range rank {
			merged[i] = append(merged[i], Candidate{i, right, r})
		}
		slices.SortFunc(merged[i], func(a, b Candidate) int {
			return cmp.Or(cmp.Compare(a.Rank, b.Rank), strings.Compare(texts[a.Right], texts[b.Right]))
		})
	}
	return merged
}

// Within returns the candidates of all left texts whose rank is at most k.
func Within(candidates [][]Candidate, k int) (all []Candidate) {
	for _, list := range candidates {
		for _, c := range list {
			if c.Rank > k {
				break
			}
			all = append(all, c)
		}
	}
	return all
}
