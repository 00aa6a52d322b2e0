package fit

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// names returns rough vectors of the labels of synthetic: a row of each with less noise.
func names(classes int) map[string][]float32 {
	all := map[string][]float32{}
	for _, r := range synthetic(classes, classes, 0.8) {
		all[r.Labels[0]] = r.Vector
	}
	return all
}

// right is the share of rows whose label is predicted.
func right(t *testing.T, r *Result, rows []Row) float64 {
	t.Helper()
	n := 0
	for _, row := range rows {
		best, score := 0, float32(0)
		for k := range r.Head.Labels {
			s := r.Head.Bias[k]
			for i, x := range row.Vector {
				s += x * r.Head.Weights[k*len(row.Vector)+i]
			}
			if k == 0 || s > score {
				best, score = k, s
			}
		}
		if r.Head.Labels[best] == row.Labels[0] {
			n++
		}
	}
	return float64(n) / float64(len(rows))
}

// With few rows of each label, the names help; labels without rows are predicted by them.
func TestNames(t *testing.T) {
	const classes = 40
	all := synthetic(20*classes, classes, 1.5)
	few, test := all[:2*classes], all[2*classes:18*classes]
	plain := fitted(t, slices.Clone(few), Options{Predicts: "label"})
	named := fitted(t, slices.Clone(few), Options{Predicts: "label", Names: names(classes)})
	if a, b := right(t, plain, test), right(t, named, test); b < a+0.05 || named.Head.Names == 0 {
		t.Errorf("without names %.3f of the rows are right, and with names %.3f, weight %g", a, b, named.Head.Names)
	}
	if !bytes.Equal(file(t, named), file(t, fitted(t, slices.Clone(few), Options{Predicts: "label", Names: names(classes), Threads: 1}))) {
		t.Error("the number of threads changes the file")
	}
	half := slices.DeleteFunc(slices.Clone(few), func(r Row) bool {
		return slices.Contains([]string{"class 0", "class 2", "class 4", "class 6"}, r.Labels[0])
	})
	r := fitted(t, half, Options{Predicts: "label", Names: names(classes)})
	unseen := slices.DeleteFunc(slices.Clone(test), func(r Row) bool {
		return !slices.Contains([]string{"class 0", "class 2", "class 4", "class 6"}, r.Labels[0])
	})
	if share := right(t, r, unseen); r.Unseen != 4 || len(r.Head.Labels) != classes || share < 0.3 {
		t.Errorf("%d labels have no row, %d are predicted, %.3f of their rows are right", r.Unseen, len(r.Head.Labels), share)
	}
	var text strings.Builder
	if err := (&Summary{Result: r, Text: func(Row) string { return "" }}).WriteText(&text); err != nil || !strings.Contains(text.String(), "labels without a row: 4, predicted by their names") ||
		!strings.Contains(text.String(), "drawn to the names of the labels, with the weight ") {
		t.Errorf("%v\n%s", err, &text)
	}
	// With many rows of each label, names change nothing.
	many := synthetic(25*4, 4, 0.5)
	if !bytes.Equal(file(t, fitted(t, slices.Clone(many), Options{Predicts: "label"})), file(t, fitted(t, slices.Clone(many), Options{Predicts: "label", Names: names(4)}))) {
		t.Error("names change a fit of many rows")
	}
	for _, c := range []struct {
		rows, labels int
		want         bool
	}{{100, 5, false}, {99, 5, true}} {
		if got := ReadsNames("label", c.rows, c.labels); got != c.want {
			t.Errorf("%s: %v", fmt.Sprint(c), got)
		}
	}
}
