package pii

import (
	"strings"
)

// words are what, standing near a weak pattern, says what it is. Those of
// scripts with spaces match whole words, in lower case.
type words struct {
	whole map[string]bool
	parts []string // found anywhere: words of scripts without spaces
}

func wordList(list string) words {
	w := words{whole: map[string]bool{}}
	for _, word := range strings.Fields(list) {
		if first := fold([]rune(word)[0]); first == ideo {
			w.parts = append(w.parts, word)
		} else {
			w.whole[word] = true
		}
	}
	return w
}

// before gives the distance in cells from i back to the nearest of the words,
// at most max; -1 if there is none. The end of a sentence counts as
// sentenceCost cells. It does not look across an empty line or, where no digits
// may come between, a digit.
func (w words) before(t *cells, i, max int, overDigits bool) int {
	cost := 0
	for j := i; j > 0 && i-j+cost < max; {
		c := t.class(j - 1)
		if t.class(j) == ' ' && endsSentence(t, j-1) || c == other && t.rune(j-1) == '。' {
			cost += sentenceCost
		}
		switch {
		case isDigit(c) && !overDigits, c == '\n' && t.class(j-2) == '\n':
			return -1
		case isWord(c) && !isDigit(c):
			end := j
			for j > 0 && end-j < longestWord && inWord(t, j-1) {
				j--
			}
			if w.match(t, j, end) {
				return i - end + cost
			}
		default:
			j--
		}
	}
	return -1
}

const sentenceCost = 20

// longestWord bounds how far a word is read.
const longestWord = 24

func inWord(t *cells, i int) bool {
	c := t.class(i)
	return isWord(c) && !isDigit(c) || c == '\''
}

// endsSentence tells whether the cell at i ends a sentence if a space follows:
// not the point of an abbreviation such as "tel." or "no.".
func endsSentence(t *cells, i int) bool {
	switch t.class(i) {
	case '!', '?':
		return true
	case '.':
		return inWord(t, i-1) && inWord(t, i-2) && inWord(t, i-3) && inWord(t, i-4)
	}
	return false
}

// after tells whether the next word from i on, in the same line and at most a
// few cells away, is one of the words.
func (w words) after(t *cells, i int) bool {
	j := i
	for ; j < i+4 && j < t.len() && !isWord(t.class(j)); j++ {
		if t.class(j) == '\n' {
			return false
		}
	}
	end := j
	for end-j < longestWord && inWord(t, end) {
		end++
	}
	return end > j && w.match(t, j, end)
}

func (w words) match(t *cells, lo, hi int) bool {
	word := strings.ToLower(t.text[t.start(lo):t.end(hi-1)])
	word = strings.TrimSuffix(strings.Trim(word, "'"), "'s")
	if w.whole[word] || w.whole[strings.TrimSuffix(word, "s")] {
		return true
	}
	for _, part := range w.parts {
		if strings.Contains(word, part) {
			return true
		}
	}
	return false
}

// nearness is the score of a pattern that a word at this distance vouches for.
// The nearest word decides between kinds.
func nearness(distance int) float64 {
	return 0.7 - 0.002*float64(distance)
}
