// Package match finds the pairs of texts of two tables that may belong together: the
// nearest texts of each text by their letters or by their vectors, how many of these are
// needed to find a stated share of the matches, and the clusters that matches form.
//
// It asks no model. Every result is a function of the set of distinct texts alone: it
// does not depend on their order, on threads, or on the parts that a table is divided
// into.
package match

import (
	"cmp"
	"slices"
	"strings"
)

// The defaults of a threshold: of a probability, and of a similarity by letters, which was
// chosen on development data; see docs/join.md.
const (
	TrueFrom    = 0.5
	LettersFrom = 0.8
)

// Pair is a text of the left table with one of the right table, by index.
type Pair struct {
	Left, Right int
	// Score is the similarity of the two, from 0 to 1 by letters and from -1 to 1 by vectors.
	Score float64
}

// nearest collects the k pairs of a text with the highest scores. Of equal scores the
// text that is less in byte order comes first, so that the order of the texts makes no
// difference.
type nearest struct {
	k     int
	texts []string // of the right table
	pairs []Pair   // sorted; at most k
}

func (n *nearest) add(p Pair) {
	if len(n.pairs) == n.k && n.compare(p, n.pairs[n.k-1]) > 0 {
		return
	}
	i, _ := slices.BinarySearchFunc(n.pairs, p, n.compare)
	if len(n.pairs) == n.k {
		n.pairs = n.pairs[:n.k-1]
	}
	n.pairs = slices.Insert(n.pairs, i, p)
}

func (n *nearest) compare(a, b Pair) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(n.texts[a.Right], n.texts[b.Right]))
}
