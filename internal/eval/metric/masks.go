package metric

import (
	"strings"
	"unicode/utf8"
)

// Masked returns the spans of original that mask replaces in masked. If the text
// between two masks occurs more than once, the first occurrence counts, which
// gives the shortest mask. intact is false if the text was also changed in another
// way; then the spans are the runs of words of the original that masked does not
// have.
func Masked(original, masked, mask string) (spans []Span, intact bool) {
	pieces := strings.Split(masked, mask)
	first, last := pieces[0], pieces[len(pieces)-1]
	if len(pieces) == 1 {
		if masked == original {
			return nil, true
		}
		return rewritten(original, masked), false
	}
	if len(first)+len(last) > len(original) || !strings.HasPrefix(original, first) || !strings.HasSuffix(original, last) {
		return rewritten(original, strings.Join(pieces, " ")), false
	}
	begin, limit := len(first), len(original)-len(last)
	var bytes [][2]int // where each mask begins and ends
	for _, piece := range pieces[1 : len(pieces)-1] {
		// A mask replaces at least one byte.
		at := -1
		if begin+1 <= limit {
			at = strings.Index(original[begin+1:limit], piece)
		}
		if at < 0 {
			return rewritten(original, strings.Join(pieces, " ")), false
		}
		end := begin + 1 + at
		bytes = append(bytes, [2]int{begin, end})
		begin = end + len(piece)
	}
	bytes = append(bytes, [2]int{begin, limit})
	places := characterPlaces(original)
	for _, b := range bytes {
		if b[0] < b[1] {
			spans = append(spans, Span{Start: places(b[0]), End: places(b[1]), Text: original[b[0]:b[1]]})
		}
	}
	return spans, true
}

// characterPlaces returns a function from byte offsets to character offsets. It is
// fast for offsets in ascending order.
func characterPlaces(text string) func(int) int {
	at, count := 0, 0
	return func(offset int) int {
		if offset < at {
			at, count = 0, 0
		}
		count += utf8.RuneCountInString(text[at:offset])
		at = offset
		return count
	}
}

// maxAligned bounds the number of aligned words; the table has its square.
const maxAligned = 4000

// rewritten returns the runs of words of original that are not in the longest
// common subsequence of the words of both texts. It reads the first maxAligned
// words.
func rewritten(original, kept string) []Span {
	words := fieldPlaces(original)
	other := strings.Fields(kept)
	words, other = words[:min(len(words), maxAligned)], other[:min(len(other), maxAligned)]
	// length[i*width+j] is the length for words[i:] and other[j:].
	width := len(other) + 1
	length := make([]uint16, (len(words)+1)*width)
	for i := len(words) - 1; i >= 0; i-- {
		for j := len(other) - 1; j >= 0; j-- {
			if original[words[i][0]:words[i][1]] == other[j] {
				length[i*width+j] = length[(i+1)*width+j+1] + 1
			} else {
				length[i*width+j] = max(length[(i+1)*width+j], length[i*width+j+1])
			}
		}
	}
	var spans []Span
	places := characterPlaces(original)
	open := false
	hide := func(w [2]int) {
		if open {
			last := &spans[len(spans)-1]
			last.End = places(w[1])
			return
		}
		spans = append(spans, Span{Start: places(w[0]), End: places(w[1])})
		open = true
	}
	for i, j := 0, 0; i < len(words); {
		switch {
		case j < len(other) && original[words[i][0]:words[i][1]] == other[j]:
			i, j, open = i+1, j+1, false
		case j >= len(other) || length[(i+1)*width+j] >= length[i*width+j+1]:
			hide(words[i])
			i++
		default:
			j++
		}
	}
	runes := []rune(original)
	for i := range spans {
		spans[i].Text = string(runes[spans[i].Start:spans[i].End])
	}
	return spans
}

// fieldPlaces returns the byte range of each word between white space.
func fieldPlaces(text string) [][2]int {
	var places [][2]int
	at := 0
	for _, word := range strings.Fields(text) {
		at += strings.Index(text[at:], word)
		places = append(places, [2]int{at, at + len(word)})
		at += len(word)
	}
	return places
}
