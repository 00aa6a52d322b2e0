package metric

import (
	"slices"
	"sort"
)

// None is the prediction of a row without an answer: NULL, an error, or an answer
// that could not be read. It is not a label and always counts as wrong.
const None = ""

// Other is the column of a confusion matrix for answers that are not labels.
const Other = "\x00"

// Labels compares predicted labels with gold labels: accuracy, macro-F1, and
// precision, recall and F1 of each gold label. No gold label may be None.
//
// Macro-F1 is the mean over the gold labels. Other predictions count as wrong and
// form no class. A label without rows in a sample is not part of the mean of that
// sample.
func Labels(gold, predicted []string) *Statistics {
	sameLength("predictions", len(gold), len(predicted))
	classes := distinct(gold)
	index := make(map[string]int, len(classes))
	for i, c := range classes {
		index[c] = i
	}
	// Sums: correct rows, all rows, then for each class correct, found and wanted.
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

// Confusion counts the answers of each gold label.
type Confusion struct {
	Gold    []string // rows
	Answers []string // columns: the gold labels, then other answers, then None
	Counts  [][]int
}

// Confuse computes the confusion matrix.
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

// distinct returns the different values in order.
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
