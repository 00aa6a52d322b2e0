package pii

import "strings"

// keywords are words that identify a weak pattern near them.
type keywords struct {
	whole map[string]bool // match a whole word, in lower case
	parts []string        // match within a word: keywords in scripts without spaces
}

func keywordList(list string) keywords {
	w := keywords{whole: map[string]bool{}}
	for _, word := range strings.Fields(list) {
		if first := fold([]rune(word)[0]); first == unspaced {
			w.parts = append(w.parts, word)
		} else {
			w.whole[word] = true
		}
	}
	return w
}

// before returns the distance in cells from i back to the nearest keyword, or
// -1 if there is none within max cells. The end of a sentence counts as
// sentenceCost cells. The search stops at an empty line and, unless overDigits
// is set, at a digit.
func (w keywords) before(t *cells, i, max int, overDigits bool) int {
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

// longestWord is the length in cells after which reading of a word stops.
const longestWord = 24

func inWord(t *cells, i int) bool {
	c := t.class(i)
	return isWord(c) && !isDigit(c) || c == '\''
}

// endsSentence reports whether cell i ends a sentence, given that a space
// follows it. The full stop of an abbreviation such as "tel." or "no." does not.
func endsSentence(t *cells, i int) bool {
	switch t.class(i) {
	case '!', '?':
		return true
	case '.':
		return inWord(t, i-1) && inWord(t, i-2) && inWord(t, i-3) && inWord(t, i-4)
	}
	return false
}

// after reports whether the next word after i is a keyword. The word must start
// in the same line, at most 4 cells away.
func (w keywords) after(t *cells, i int) bool {
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

func (w keywords) match(t *cells, lo, hi int) bool {
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

// nearness returns the score of a pattern with a keyword at this distance in
// cells. The kind with the nearest keyword gets the highest score.
func nearness(distance int) float64 {
	return 0.7 - 0.002*float64(distance)
}
