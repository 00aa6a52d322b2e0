// Package join joins the rows of two tables by the meaning or the letters of their texts,
// and finds the clusters of one table. It asks every distinct text once, and of the pairs
// of texts only those that package match finds.
package join

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/match"
)

// By is the measure that finds the candidates of a text.
type By string

// The measures. Both takes the candidates of either.
const (
	Letters By = "letters"
	Vectors By = "vectors"
	Both    By = "both"
)

// Options configure Join and Dedup.
type Options struct {
	// Predicates must all be true of a pair. Without one about a pair, Threshold decides.
	Predicates []match.Predicate
	By         By
	// Threshold is the least probability that a predicate is true or, without a predicate
	// about a pair, the least similarity.
	Threshold float64
	// Recall is the share of the matches that the candidates should have. Nearest, if not
	// 0, is the number of candidates of a text instead.
	Recall  float64
	Nearest int
	// OneToOne keeps the pairs of which each text is the best match of the other.
	OneToOne bool
	// MaxPairs bounds the pairs to ask or, without a predicate about a pair, of the result.
	MaxPairs int
	// Sample is the number of texts from which the recall is estimated, by Seed.
	Sample int
	Seed   uint64
}

// OfPair reports whether a predicate is about a pair.
func (o Options) OfPair() bool {
	return slices.ContainsFunc(o.Predicates, match.Predicate.OfPair)
}

// UsesVectors reports whether candidates are found by vectors.
func (o Options) UsesVectors() bool { return o.By != Letters && o.needsCandidates() }

// needsCandidates reports whether pairs are chosen by their texts. If all predicates are
// about one side, every pair of the texts that pass is a match.
func (o Options) needsCandidates() bool { return o.OfPair() || len(o.Predicates) == 0 }

// Row is a row of a table: its text, and the values that must be equal in both tables.
type Row struct {
	Text string
	Key  string
	OK   bool // false for NULL or blank text and for NULL in the key; the row matches none
}

// Match is a row of the left table with one of the right table.
type Match struct {
	Left, Right int
	// Score is the probability of the predicates, or the similarity.
	Score float64
	Err   error // why it is unknown whether they match
}

// Facts describe how a result was found.
type Facts struct {
	Left, Right int // distinct texts that may match
	Pairs       int // of these: all pairs of equal keys
	Candidates  int // pairs that were compared or asked
	Estimated   bool
	Estimate    match.Estimate
	SamplePairs int // pairs that were asked only for the estimate
	Errors      int // texts and pairs without an answer
}

// Asker asks models.
type Asker interface {
	// Vectors returns the vector of each text, of length 1; nil for one that has none.
	Vectors(ctx context.Context, texts []string) ([][]float32, error)
	// Ask returns the probability that the statement of each question is true.
	Ask(ctx context.Context, questions []Question) ([]Answer, error)
}

// Question is whether a statement is true of a text.
type Question struct{ Text, Statement string }

// Answer is the probability that a statement is true, or an error.
type Answer struct {
	Probability float64
	Err         error
}

// TooManyError reports more pairs than MaxPairs, before any is asked.
type TooManyError struct{ Pairs, Most, Nearest int }

func (e *TooManyError) Error() string {
	at := ""
	if e.Nearest > 0 {
		at = fmt.Sprintf(" (the %d nearest of each text)", e.Nearest)
	}
	return fmt.Sprintf("there are %d pairs%s, and the limit is %d", e.Pairs, at, e.Most)
}

// ErrPredicate reports predicates that Dedup cannot use.
var ErrPredicate = errors.New("a cluster needs a predicate about a pair, with {left} and {right}")

// item is a distinct text with a key.
type item struct {
	text string
	rows []int // that have it
	err  error // why it is unknown whether the text passes the predicates of its side
}

// group holds the distinct texts of both tables that have one key.
type group struct{ left, right []*item }

// texts returns the texts of items.
func texts(items []*item) []string {
	all := make([]string, len(items))
	for i, it := range items {
		all[i] = it.text
	}
	return all
}

// groups divides the rows of both tables by their keys, in the order of the left rows.
func groups(left, right []Row) []*group {
	var order []*group
	of := map[string]*group{}
	seen := [2]map[[2]string]*item{{}, {}}
	for side, rows := range [][]Row{left, right} {
		for i, r := range rows {
			if !r.OK {
				continue
			}
			g := of[r.Key]
			if g == nil {
				g = &group{}
				of[r.Key] = g
				order = append(order, g)
			}
			id := [2]string{r.Key, r.Text}
			it := seen[side][id]
			if it == nil {
				it = &item{text: r.Text}
				seen[side][id] = it
				if side == 0 {
					g.left = append(g.left, it)
				} else {
					g.right = append(g.right, it)
				}
			}
			it.rows = append(it.rows, i)
		}
	}
	return slices.DeleteFunc(order, func(g *group) bool { return len(g.left) == 0 || len(g.right) == 0 })
}

// distinct returns the distinct texts of one side of the groups.
func distinct(all []*group, side func(*group) []*item) []string {
	seen := map[string]bool{}
	var found []string
	for _, g := range all {
		for _, it := range side(g) {
			if !seen[it.text] {
				seen[it.text] = true
				found = append(found, it.text)
			}
		}
	}
	return found
}

func leftOf(g *group) []*item  { return g.left }
func rightOf(g *group) []*item { return g.right }

// Join returns the pairs of rows that match, in the order of the left rows and then of
// the right rows.
func Join(ctx context.Context, ask Asker, left, right []Row, o Options) ([]Match, Facts, error) {
	j := &joiner{Options: o, ask: ask, groups: groups(left, right)}
	if err := j.run(ctx); err != nil {
		return nil, j.facts, err
	}
	var all []Match
	for _, p := range j.found {
		for _, l := range p.left.rows {
			for _, r := range p.right.rows {
				all = append(all, Match{l, r, p.score, p.err})
			}
		}
	}
	slices.SortFunc(all, func(a, b Match) int {
		if a.Left != b.Left {
			return a.Left - b.Left
		}
		return a.Right - b.Right
	})
	return all, j.facts, nil
}

// Dedup returns for each row the id of its cluster, and "" for a row that is not OK. Rows
// of equal texts, and of texts that match, are in one cluster.
func Dedup(ctx context.Context, ask Asker, rows []Row, o Options) ([]string, Facts, error) {
	for _, p := range o.Predicates {
		if !p.OfPair() {
			return nil, Facts{}, ErrPredicate
		}
	}
	j := &joiner{Options: o, ask: ask, groups: groups(rows, rows), self: true}
	for _, g := range j.groups {
		g.right = g.left // the same items
	}
	if err := j.run(ctx); err != nil {
		return nil, j.facts, err
	}
	ids := make([]string, len(rows))
	for _, g := range j.groups {
		at := map[*item]int{}
		for i, it := range g.left {
			at[it] = i
		}
		var pairs []match.Pair
		for _, p := range j.found {
			if a, ok := at[p.left]; ok && p.err == nil {
				pairs = append(pairs, match.Pair{Left: a, Right: at[p.right]})
			}
		}
		of := texts(g.left)
		for i, root := range match.Clusters(of, pairs) {
			for _, row := range g.left[i].rows {
				ids[row] = match.ClusterID(rows[row].Key + strings.Repeat("\x00", min(1, len(rows[row].Key))) + of[root])
			}
		}
	}
	return ids, j.facts, nil
}
