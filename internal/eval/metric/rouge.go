package metric

import (
	"math/bits"
	"strings"
	"unicode"
)

// Rouge holds the F-measures of ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004) of one
// text.
type Rouge struct{ One, Two, L float64 }

// RougeOf compares a text with a reference by their words: ROUGE-1 and ROUGE-2 by
// n-grams of words, ROUGE-L by the longest common subsequence of the whole texts.
// Words are not stemmed. For ASCII text the results are those of the Python
// package rouge-score; for other text see Words.
func RougeOf(predicted, reference string) Rouge {
	p, r := Words(predicted), Words(reference)
	return Rouge{
		One: overlapF(ngrams(p, 1), ngrams(r, 1)),
		Two: overlapF(ngrams(p, 2), ngrams(r, 2)),
		L:   zeroIfUndefined(f1(float64(longestCommon(p, r)), float64(len(p)), float64(len(r)))),
	}
}

// Words returns the lower-case words of a text: runs of letters, marks and digits.
// In scripts without spaces between words, each letter is a word.
func Words(text string) []string {
	var words []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
			end()
			words = append(words, string(r))
		case unicode.In(r, unicode.L, unicode.M, unicode.N):
			word.WriteRune(unicode.ToLower(r))
		default:
			end()
		}
	}
	end()
	return words
}

// ngrams counts the n-grams of words.
func ngrams(words []string, n int) map[string]int {
	counts := map[string]int{}
	for i := 0; i+n <= len(words); i++ {
		counts[strings.Join(words[i:i+n], " ")]++
	}
	return counts
}

func overlapF(a, b map[string]int) float64 {
	common, inA, inB := overlap(a, b)
	return zeroIfUndefined(f1(common, inA, inB))
}

// overlap counts the common elements of two multisets, and their sizes.
func overlap[K comparable](a, b map[K]int) (common, inA, inB float64) {
	for k, n := range a {
		inA += float64(n)
		common += float64(min(n, b[k]))
	}
	for _, n := range b {
		inB += float64(n)
	}
	return common, inA, inB
}

// zeroIfUndefined replaces NaN: texts without words have nothing in common.
func zeroIfUndefined(v float64) float64 {
	if v != v {
		return 0
	}
	return v
}

// longestCommon is the length of the longest common subsequence. It handles 64
// words at a time (Hyyrö 2004): the zeros of row mark where the length grows.
func longestCommon(a, b []string) int {
	width := (len(a) + 63) / 64
	places := map[string][]uint64{}
	for i, w := range a {
		if places[w] == nil {
			places[w] = make([]uint64, width)
		}
		places[w][i/64] |= 1 << (i % 64)
	}
	row := make([]uint64, width)
	for i := range row {
		row[i] = ^uint64(0)
	}
	for _, w := range b {
		match := places[w]
		if match == nil {
			continue
		}
		carry := uint64(0)
		for i, v := range row {
			u := v & match[i]
			var sum uint64
			sum, carry = bits.Add64(v, u, carry)
			row[i] = sum | (v &^ match[i])
		}
	}
	n := 0
	for i := range a {
		if row[i/64]&(1<<(i%64)) == 0 {
			n++
		}
	}
	return n
}
