package metric

import "unicode"

// chrF compares texts by their n-grams of 1 to 6 characters without white space
// (Popovic 2015). Recall weighs beta² = 4 times as much as precision.
const (
	chrfOrder = 6
	chrfBeta2 = 4
)

// chrfCounts holds for each n the number of n-grams of the prediction, of the
// reference, and of both.
type chrfCounts [3 * chrfOrder]float64

func countChrF(predicted, reference string) chrfCounts {
	var c chrfCounts
	p, r := withoutSpace(predicted), withoutSpace(reference)
	for n := 1; n <= chrfOrder; n++ {
		at := 3 * (n - 1)
		c[at+2], c[at], c[at+1] = overlap(charNgrams(p, n), charNgrams(r, n))
		if c[at+1] == 0 {
			c[at] = 0 // as in sacreBLEU
		}
	}
	return c
}

// withoutSpace removes white space.
func withoutSpace(text string) []rune {
	var out []rune
	for _, r := range text {
		if !unicode.IsSpace(r) {
			out = append(out, r)
		}
	}
	return out
}

func charNgrams(text []rune, n int) map[string]int {
	counts := map[string]int{}
	for i := 0; i+n <= len(text); i++ {
		counts[string(text[i:i+n])]++
	}
	return counts
}

// chrfScore averages precision and recall over each n for which both texts have
// n-grams, as sacreBLEU does. It is 0 if there is no such n.
func chrfScore(c []float64) float64 {
	precision, recall, orders := 0.0, 0.0, 0.0
	for n := range chrfOrder {
		found, wanted, common := c[3*n], c[3*n+1], c[3*n+2]
		if found > 0 && wanted > 0 {
			precision += common / found
			recall += common / wanted
			orders++
		}
	}
	if orders == 0 {
		return 0
	}
	precision, recall = precision/orders, recall/orders
	return zeroIfUndefined((1 + chrfBeta2) * precision * recall / (chrfBeta2*precision + recall))
}

// ChrF is the chrF2 of one text with one reference.
func ChrF(predicted, reference string) float64 {
	c := countChrF(predicted, reference)
	return chrfScore(c[:])
}
