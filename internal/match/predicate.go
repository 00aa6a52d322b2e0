package match

import (
	"errors"
	"strings"
)

// Blanks of a predicate. OfEach stands for the text of either side.
const (
	OfLeft  = "{left}"
	OfRight = "{right}"
	OfEach  = "{each}"
)

// Predicate is a statement about the texts of a pair, or about the text of one side.
type Predicate struct {
	template    string
	left, right bool // which sides it is about
	each        bool // it is about one text, of either side
}

// ErrNoBlank reports a predicate without a blank, ErrEach one that has {each} and another
// blank.
var (
	ErrNoBlank = errors.New("it has no blank: write {left} and {right} where the texts of a pair belong, as in \"{left} and {right} name the same person\", or {each} for a statement about each text alone, as in \"{each} is a positive review\"")
	ErrEach    = errors.New("{each} is for a statement about one text; it excludes {left} and {right}")
)

// ParsePredicate reads a predicate with the blanks {left} and {right}, a predicate about
// one side with one of them, or a predicate about each side alone with {each}.
func ParsePredicate(text string) (Predicate, error) {
	p := Predicate{template: text, left: strings.Contains(text, OfLeft), right: strings.Contains(text, OfRight), each: strings.Contains(text, OfEach)}
	switch {
	case p.each && (p.left || p.right):
		return p, ErrEach
	case p.each:
		p.left, p.right = true, true
	case !p.left && !p.right:
		return p, ErrNoBlank
	}
	return p, nil
}

// String returns the text that was parsed.
func (p Predicate) String() string { return p.template }

// OfPair reports whether the predicate is about a pair. It is asked once for a pair, and
// otherwise once for a text.
func (p Predicate) OfPair() bool { return p.left && p.right && !p.each }

// Left and Right report whether the predicate is about the texts of a side.
func (p Predicate) Left() bool  { return p.left }
func (p Predicate) Right() bool { return p.right }

// theText stands in a statement for the text that the model reads.
const theText = "the text"

// Alone returns the statement about the text of one side.
func (p Predicate) Alone() string {
	return strings.NewReplacer(OfLeft, theText, OfRight, theText, OfEach, theText).Replace(p.template)
}

// Statement returns the statement about a left text whose right text is given. A model
// judges a statement about one text better than one about two texts that it reads.
func (p Predicate) Statement(right string) string {
	return strings.NewReplacer(OfLeft, theText, OfRight, strings.Join(strings.Fields(right), " ")).Replace(p.template)
}
