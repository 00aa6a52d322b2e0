package match

import (
	"math"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold returns the words of a text without case, accents and punctuation. Texts that
// differ only in these have equal words.
func fold(text string) []string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return ' '
	}, norm.NFKD.String(text))
	return strings.Fields(plain)
}

// gram is a sequence of two or three letters of a word, whose ends count as letters, and
// its weight.
type gram struct {
	text   string
	weight float64
}

// grams returns the grams of a text in byte order, with weights whose squares add up to
// 1: the square root of how often a gram is in the text, over the length of the vector.
// The order of the words makes no difference.
func grams(text string) []gram {
	count := map[string]int{}
	for _, w := range fold(text) {
		letters := []rune(" " + w + " ")
		for n := 2; n <= 3; n++ {
			for i := 0; i+n <= len(letters); i++ {
				count[string(letters[i:i+n])]++
			}
		}
	}
	all := make([]gram, 0, len(count))
	total := 0
	for g, n := range count {
		all = append(all, gram{g, math.Sqrt(float64(n))})
		total += n
	}
	slices.SortFunc(all, func(a, b gram) int { return strings.Compare(a.text, b.text) })
	for i := range all {
		all[i].weight /= math.Sqrt(float64(total))
	}
	return all
}

// NearestByLetters returns for each left text its k nearest right texts by the grams
// that they share, nearest first. Texts that share none are not paired. Score is the
// cosine of the vectors of grams.
func NearestByLetters(left, right []string, k int) [][]Pair {
	type posting struct {
		text   int
		weight float64
	}
	index := map[string][]posting{}
	for j, text := range right {
		for _, g := range grams(text) {
			index[g.text] = append(index[g.text], posting{j, g.weight})
		}
	}
	found := make([][]Pair, len(left))
	score := make([]float64, len(right))
	for i, text := range left {
		var touched []int
		for _, g := range grams(text) { // in byte order, so that the sums are the same everywhere
			for _, p := range index[g.text] {
				if score[p.text] == 0 {
					touched = append(touched, p.text)
				}
				score[p.text] += g.weight * p.weight
			}
		}
		n := nearest{k: k, texts: right}
		for _, j := range touched {
			n.add(Pair{i, j, score[j]})
			score[j] = 0
		}
		found[i] = n.pairs
	}
	return found
}

// Letters returns how similar two texts are by their letters, from 0 to 1: 1 less the
// number of letters to insert, delete, replace or swap with the next one, over the number
// of letters of the longer text. Case, accents and punctuation are ignored. The words of a
// are also compared from each other word on, as in "Smith, John"; the best counts.
func Letters(a, b string) float64 {
	x, y := fold(a), fold(b)
	best := likeness(strings.Join(x, " "), strings.Join(y, " "))
	if len(x) > 1 || len(y) > 1 {
		for range x {
			x = append(x[1:], x[0])
			best = max(best, likeness(strings.Join(x, " "), strings.Join(y, " ")))
		}
	}
	return best
}

func likeness(a, b string) float64 {
	x, y := []rune(a), []rune(b)
	longer := max(len(x), len(y))
	if longer == 0 {
		return 0
	}
	return 1 - float64(edits(x, y))/float64(longer)
}

// edits is the optimal string alignment distance: the least number of letters to insert,
// delete, replace, or swap with the next one, where no part is changed twice.
func edits(x, y []rune) int {
	before, above, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range above {
		above[j] = j
	}
	for i := range x {
		row[0] = i + 1
		for j := range y {
			change := 1
			if x[i] == y[j] {
				change = 0
			}
			row[j+1] = min(above[j]+change, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(y)]
}
