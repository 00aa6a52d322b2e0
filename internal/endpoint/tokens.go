package endpoint

import "unicode"

// counter estimates the number of tokens of a text. Typical vocabularies have
// most short words, groups of up to three digits, and one or two characters of
// other scripts as tokens. A space belongs to the following word.
type counter struct {
	tokens int
	run    int // characters of the current run
	kind   int
}

const (
	kindNone = iota
	kindLetter
	kindDigit
	kindSpace
	kindNonASCII // letters of alphabets beyond ASCII
	kindOther    // one token each
)

// perToken is the number of characters of a kind in one token.
var perToken = [...]int{kindLetter: 6, kindDigit: 3, kindSpace: 16, kindNonASCII: 2, kindOther: 1}

func kindOf(c rune) int {
	switch {
	case c == ' ' || c == '\t':
		return kindSpace
	case c < 0x80 && unicode.IsLetter(c):
		return kindLetter
	case c < 0x80 && unicode.IsDigit(c):
		return kindDigit
	case c < 0x2e80 && unicode.IsLetter(c):
		return kindNonASCII
	}
	return kindOther
}

func (n *counter) add(c rune) {
	kind := kindOf(c)
	if kind == kindSpace && n.kind != kindSpace {
		n.kind, n.run = kindSpace, 0
		return // one space is free
	}
	if kind != n.kind || n.run == perToken[kind] {
		n.kind, n.run = kind, 0
	}
	if n.run == 0 {
		n.tokens++
	}
	n.run++
}

func estimate(text string) int {
	var n counter
	for _, c := range text {
		n.add(c)
	}
	return n.tokens
}

func cut(text string, most int) (string, bool) {
	var n counter
	for i, c := range text {
		if n.add(c); n.tokens > most {
			return text[:i], true
		}
	}
	return text, false
}
