package eval

import (
	"slices"
	"sort"
)

// None stands for a row without an answer: NULL, an error, or an answer that
// could not be read. It is no label, and always wrong.
const None = ""

// Other stands in a confusion matrix for answers that are no labels.
const Other = "\x00"

// Labels measures predicted labels against gold ones: accuracy, macro-F1, and
// each gold label's precision, recall and F1. No gold label may be None.
//
// Macro-F1 is the mean over the labels that gold has; predictions of others
// are wrong, but no class of their own. A label without rows in a resample is
// left out of that resample's mean.
func Labels(gold, predicted []string) *Statistics {
	sameLength("predictions", len(gold), len(predicted))
	classes := distinct(gold)
	index := make(map[string]int, len(classes))
	for i, c := range classes {
		index[c] = i
	}
	// Sums: right rows, all rows, then of each class right, found and wanted.
	s := &Statistics{sums: 2 + 3*len(classes), exact: true, names: []string{"accuracy", "macro-F1"}}
	for _, c := range classes {
		s.names = append(s.names, "precision of "+c, "recall of "+c, "F1 of "+c)
	}
	for i, want := range gold {
		at := 2 + 3*index[want]
		row := []term{{1, 1}, {at + 2, 1}}
		if predicted[i] == want {
			row = append(row, term{0, 1}, term{at, 1})
		}
		if c, ok := index[predicted[i]]; ok {
			row = append(row, term{2 + 3*c + 1, 1})
		}
		s.rows = append(s.rows, row)
	}
	s.figure = func(sums, out []float64) {
		out[0] = ratio(sums[0], sums[1])
		mean, n := 0.0, 0.0
		for c := range classes {
			right, found, wanted := sums[2+3*c], sums[3+3*c], sums[4+3*c]
			out[2+3*c], out[3+3*c] = ratio(right, found), ratio(right, wanted)
			f := f1(right, found, wanted)
			out[4+3*c] = f
			if found+wanted > 0 {
				mean += f
				n++
			}
		}
		out[1] = ratio(mean, n)
	}
	return s
}

// Confusion counts how often each gold label got which answer.
type Confusion struct {
	Gold    []string // rows
	Answers []string // columns: the gold labels, then others, then None if it occurs
	Counts  [][]int
}

// Confuse makes the confusion matrix.
func Confuse(gold, predicted []string) Confusion {
	sameLength("predictions", len(gold), len(predicted))
	c := Confusion{Gold: distinct(gold)}
	c.Answers = slices.Clone(c.Gold)
	none := false
	for _, p := range distinct(predicted) {
		if p == None {
			none = true
		} else if !slices.Contains(c.Gold, p) {
			c.Answers = append(c.Answers, p)
		}
	}
	if none {
		c.Answers = append(c.Answers, None)
	}
	column := make(map[string]int, len(c.Answers))
	for i, a := range c.Answers {
		column[a] = i
	}
	c.Counts = make([][]int, len(c.Gold))
	for i := range c.Counts {
		c.Counts[i] = make([]int, len(c.Answers))
	}
	for i, g := range gold {
		c.Counts[column[g]][column[predicted[i]]]++
	}
	return c
}

// distinct gives the different values, sorted.
func distinct(values []string) []string {
	seen := map[string]bool{}
	var all []string
	for _, v := range values {
		if !seen[v] {
			seen[v] = true
			all = append(all, v)
		}
	}
	sort.Strings(all)
	return all
}
