package eval

import "strings"

// Texts measures predicted texts against one or more references each: the mean
// ROUGE-1, -2 and -L over rows, chrF over the whole (its counts are added up
// over rows), and the share of texts that equal a reference but for white
// space. Of several references the one of best score counts. A row without an
// answer is an empty text.
func Texts(predicted []string, references [][]string) *Statistics {
	sameLength("references", len(predicted), len(references))
	// Sums: equal texts, rows, ROUGE-1, -2, -L, then chrF's counts.
	const chrf = 5
	s := &Statistics{sums: chrf + 3*chrfOrder, names: []string{"ROUGE-1", "ROUGE-2", "ROUGE-L", "chrF", "exact match"}}
	for i, p := range predicted {
		best, counts, equal := bestOf(p, references[i])
		row := []term{{0, equal}, {1, 1}, {2, best.One}, {3, best.Two}, {4, best.L}}
		for k, v := range counts {
			if v != 0 {
				row = append(row, term{chrf + k, v})
			}
		}
		s.rows = append(s.rows, row)
	}
	s.figure = func(sums, out []float64) {
		for k := range 3 {
			out[k] = ratio(sums[2+k], sums[1])
		}
		out[3] = chrfScore(sums[chrf:])
		out[4] = ratio(sums[0], sums[1])
	}
	return s
}

func bestOf(predicted string, references []string) (best Rouge, counts chrfCounts, equal float64) {
	bestChrF := -1.0
	for _, reference := range references {
		r := RougeOf(predicted, reference)
		best = Rouge{max(best.One, r.One), max(best.Two, r.Two), max(best.L, r.L)}
		c := countChrF(predicted, reference)
		if score := chrfScore(c[:]); score > bestChrF {
			bestChrF, counts = score, c
		}
		if strings.Join(strings.Fields(predicted), " ") == strings.Join(strings.Fields(reference), " ") {
			equal = 1
		}
	}
	return best, counts, equal
}
