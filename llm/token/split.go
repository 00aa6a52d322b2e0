package token

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A splitRule cuts text into words, front to back, until yield is false.
// Merges never cross words. Bytes that are no UTF-8 count as punctuation.
type splitRule func(text string, yield func(word string) bool)

// splitRules by their names in tokenizer.ggml.pre.
var splitRules = map[string]splitRule{
	"gpt-2":     splitGPT2,
	"starcoder": splitDigits,
	"smollm":    splitDigits,
}

// Pres lists the names of the rules that are supported.
func Pres() []string {
	var names []string
	for name := range splitRules {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// splitGPT2 cuts by the expression
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
func splitGPT2(text string, yield func(string) bool) {
	for text != "" {
		n := wordGPT2(text)
		if !yield(text[:n]) {
			return
		}
		text = text[n:]
	}
}

// splitDigits sets each numeral apart, and cuts what is between as GPT-2 does.
func splitDigits(text string, yield func(string) bool) {
	more := true
	for text != "" && more {
		n := strings.IndexFunc(text, unicode.IsNumber)
		if n < 0 {
			n = len(text)
		}
		splitGPT2(text[:n], func(word string) bool {
			more = yield(word)
			return more
		})
		text = text[n:]
		if text != "" && more {
			_, n := utf8.DecodeRuneInString(text)
			more = yield(text[:n])
			text = text[n:]
		}
	}
}

type class int

const (
	space class = iota
	letter
	number
	other
)

func classOf(r rune) class {
	switch {
	case unicode.IsLetter(r):
		return letter
	case unicode.IsNumber(r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

var contractions = []string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}

// wordGPT2 gives the length of the first word of a text that is not empty.
func wordGPT2(text string) int {
	if text[0] == '\'' {
		for _, c := range contractions {
			if strings.HasPrefix(text, c) {
				return len(c)
			}
		}
	}
	start := 0
	if text[0] == ' ' && len(text) > 1 {
		start = 1
	}
	r, n := utf8.DecodeRuneInString(text[start:])
	if c := classOf(r); c != space {
		end, _ := run(text, start+n, c)
		return end
	}
	r, n = utf8.DecodeRuneInString(text)
	end, last := run(text, n, space)
	if end < len(text) && last > 0 {
		return last // leave one to the word that follows
	}
	return end
}

// run gives the end of the characters of one class that begin before end, and
// where the last of them begins (0 if there are none from end on).
func run(text string, end int, c class) (after, last int) {
	for end < len(text) {
		r, n := utf8.DecodeRuneInString(text[end:])
		if classOf(r) != c {
			break
		}
		last = end
		end += n
	}
	return end, last
}
