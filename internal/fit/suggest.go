package fit

import (
	"cmp"
	"math"
	"slices"

	"github.com/firesteel/firesteel/internal/head"
	"github.com/firesteel/firesteel/llm"
)

// Suggestion is a row without a label whose label would help.
type Suggestion struct {
	Row         Row
	Label       string // what the head predicts
	Probability float64
	doubt       float64 // 0 is none, 1 most
}

// similar is the cosine from which two rows say the same, so that one of them is suggested.
const similar = 0.95

// Suggest returns up to n rows, the most doubtful first: those whose two best labels are about equally
// probable or, of several labels, that have a label near the threshold. Of similar rows it returns one.
func Suggest(h *head.Head, rows []Row, n int) []Suggestion {
	var all []Suggestion
	for _, r := range rows {
		scores := h.Apply(r.Vector)
		best := 0
		for k, p := range scores {
			if p > scores[best] {
				best = k
			}
		}
		s := Suggestion{Row: r, Label: h.Labels[best], Probability: scores[best]}
		if h.Predicts == llm.PredictsLabels {
			for _, p := range scores {
				s.doubt = max(s.doubt, 1-math.Abs(p-h.Threshold))
			}
		} else {
			second := 0.0
			for k, p := range scores {
				if k != best {
					second = max(second, p)
				}
			}
			s.doubt = 1 - (scores[best] - second)
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b Suggestion) int {
		return cmp.Or(cmp.Compare(b.doubt, a.doubt), cmp.Compare(a.Row.Number, b.Row.Number))
	})
	var chosen, rest []Suggestion
	for _, s := range all {
		if len(chosen) == n {
			break
		}
		if slices.ContainsFunc(chosen, func(c Suggestion) bool { return cosine(c.Row.Vector, s.Row.Vector) >= similar }) {
			rest = append(rest, s)
			continue
		}
		chosen = append(chosen, s)
	}
	return append(chosen, rest[:min(len(rest), n-len(chosen))]...)
}

// cosine is that of two vectors of length 1.
func cosine(a, b []float32) float64 {
	sum := 0.0
	for i, x := range a {
		sum += float64(x) * float64(b[i])
	}
	return sum
}
