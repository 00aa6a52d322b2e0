package metric

import "strings"

// Texts compares predicted texts with one or more references each: the mean of
// ROUGE-1, ROUGE-2 and ROUGE-L over rows, chrF of all rows together (its counts are
// added up), and the share of texts that equal a reference except for white space.
// The best score over the references counts. A row without an answer is an empty
// text.
func Texts(predicted []string, references [][]string) *Statistics {
	sameLength("references", len(predicted), len(references))
	// Sums: equal texts, rows, ROUGE-1, ROUGE-2, ROUGE-L, then the counts of chrF.
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

// TextQuality is the quality of one text: 1 if it equals a reference except for
// white space, otherwise the larger of ROUGE-L and chrF, and less than 1.
func TextQuality(predicted string, references []string) float64 {
	best, counts, equal := bestOf(predicted, references)
	if equal == 1 {
		return 1
	}
	return min(0.999, max(best.L, chrfScore(counts[:])))
}
