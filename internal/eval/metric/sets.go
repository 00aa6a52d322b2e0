package metric

import "slices"

// Sets compares sets of predicted labels with sets of gold labels: micro-F1, macro-F1
// over the labels, the share of rows whose sets are equal, and precision, recall and
// F1 of each label.
func Sets(gold, predicted [][]string) *Statistics {
	sameLength("predictions", len(gold), len(predicted))
	var all []string
	for _, labels := range gold {
		all = append(all, labels...)
	}
	classes := distinct(all)
	index := make(map[string]int, len(classes))
	for i, c := range classes {
		index[c] = i
	}
	// Sums: equal sets, rows, then for each class right, found and wanted, then labels
	// that were found and are no class.
	s := &Statistics{sums: 3 + 3*len(classes), names: []string{"micro-F1", "macro-F1", "exact match"}}
	other := 2 + 3*len(classes)
	for _, c := range classes {
		s.names = append(s.names, "precision of "+c, "recall of "+c, "F1 of "+c)
	}
	for i, want := range gold {
		row := []term{{1, 1}}
		equal := len(want) == len(predicted[i])
		for _, c := range want {
			at := 2 + 3*index[c]
			row = append(row, term{at + 2, 1})
			if slices.Contains(predicted[i], c) {
				row = append(row, term{at, 1})
			} else {
				equal = false
			}
		}
		for _, c := range predicted[i] {
			if at, ok := index[c]; ok {
				row = append(row, term{2 + 3*at + 1, 1})
			} else {
				row = append(row, term{other, 1})
			}
		}
		if equal {
			row = append(row, term{0, 1})
		}
		s.rows = append(s.rows, row)
	}
	s.figure = func(sums, out []float64) {
		out[2] = ratio(sums[0], sums[1])
		right, found, wanted, mean, n := 0.0, sums[other], 0.0, 0.0, 0.0
		for c := range classes {
			r, f, w := sums[2+3*c], sums[3+3*c], sums[4+3*c]
			right, found, wanted = right+r, found+f, wanted+w
			out[3+3*c], out[4+3*c], out[5+3*c] = ratio(r, f), ratio(r, w), f1(r, f, w)
			if f+w > 0 {
				mean += f1(r, f, w)
				n++
			}
		}
		out[0], out[1] = f1(right, found, wanted), ratio(mean, n)
	}
	return s
}
