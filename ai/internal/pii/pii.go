// Package pii finds personally identifiable information that has a pattern:
// card and account numbers, e-mail addresses, phone numbers, dates and others.
// Each kind is recognised by the rules of its standard (check digits, assigned
// prefixes, lengths). A weak pattern also needs a keyword nearby. Names, places
// and postal addresses have no pattern, so this package does not find them.
//
// The time is linear in the length of the text. The text may be in any script
// and need not be valid UTF-8. Digits of other scripts, full-width forms,
// typographic dashes and spaces are read as their ASCII forms.
package pii

import (
	"cmp"
	"slices"
)

// Span is one finding: the bytes text[Start:End]. Start and End are boundaries
// of characters; a combining mark belongs to the character before it.
type Span struct {
	Start, End int
	Kind       Kind
	// Score ranks findings by confidence, greater than 0 and at most 1. It is
	// not a probability: 0.95 and more if a check digit or a strict grammar
	// holds, 0.7 to 0.9 for a distinctive shape, less for a number that only a
	// keyword nearby identifies.
	Score float64
}

// recogniser recognises one kind. read is called for each cell i in starts,
// but not for an ASCII letter or digit within a word. It returns the end of the
// match and its score; end <= i means no match. It examines a bounded number of
// cells.
type recogniser struct {
	kind   Kind
	starts startSet
	read   func(t *cells, i int) (end int, score float64)
	// A text without one of the characters some, or with fewer than digits
	// digits, has no match.
	some   contents
	digits int
	// reach is the distance in cells within which a match that starts with a
	// letter has a digit, or 0 if it may have none.
	reach int
	// best is the highest score of a match.
	best float64
}

// startSet is a set of characters that a pattern may start with.
type startSet uint8

const (
	digit       startSet = 1 << iota
	letter               // ASCII
	otherLetter          // not ASCII
	sign                 // + or (
	colon
)

func startClass(c byte) startSet {
	switch {
	case isDigit(c):
		return digit
	case isLetter(c):
		return letter
	case isWord(c):
		return otherLetter
	case c == '+', c == '(':
		return sign
	case c == ':':
		return colon
	}
	return 0
}

// startClasses holds startClass of each cell.
var startClasses = func() (all [256]startSet) {
	for c := range all {
		all[c] = startClass(byte(c))
	}
	return all
}()

var recognisers = []recogniser{
	{CreditCard, digit, readCard, hasDigits, 12, 0, 0.97},
	{IBAN, letter, readIBAN, hasDigits, 2, 2, 0.98},
	{Phone, digit | sign, readPhone, hasDigits, 6, 0, 0.95},
	{IPAddress, digit, readIP, hasDot | hasColon, 0, 0, 0.94},
	{IPAddress, letter | colon, readIP, hasColon, 0, 0, 0.94},
	{URL, digit | letter | otherLetter, readURL, hasDot | hasColon, 0, 0, 0.98},
	{SSN, digit, readSSN, hasDigits, 9, 0, 0.95},
	{Date, digit | letter | otherLetter, readDate, hasDigits, 1, longestMonth + len(". the "), 0.92},
	{MACAddress, digit | letter, readMAC, hasDot | hasColon | hasDash, 0, 0, 0.95},
	{CryptoAddress, digit | letter, readCrypto, hasDigits | hasLetters, 0, 0, 0.98},
	{RoutingNumber, digit, readRouting, hasDigits, 6, 0, 0.95},
	{RoutingNumber, letter, readRouting, hasCapitals, 0, 0, 0.95},
	{BankAccount, digit, readAccount, hasDigits, 6, 0, 0.7},
	{Passport, digit | letter, readPassport, hasDigits, 4, 14, 0.7},
	{DriverLicence, digit | letter, readLicence, hasDigits, 4, 24, 0.7},
	{NationalID, digit | letter, readNationalID, hasDigits, 4, 24, 0.9},
	{PostalCode, digit | letter, readPostalCode, hasDigits, 1, 8, 0.8},
}

// Find returns the spans of the given kinds and of the kinds that they cover
// (see [Kind.Covers]), in text order and without overlaps. If kinds is empty,
// it returns spans of all kinds. Of overlapping findings, the one with the
// higher score wins, then the longer one. How a number is classified does not
// depend on kinds: a date is not returned as a phone number when only phone
// numbers are requested.
//
// Find reads the wanted kinds first. The other kinds matter only if they may
// hide one of these findings, which takes at least its score.
func Find(text string, kinds []Kind) []Span {
	wanted := wantedKinds(kinds)
	has := contentsOf(text)
	if has&notASCII == 0 && !mayHave(has, wanted) {
		return nil
	}
	return findWanted(text, has, wanted)
}

func findWanted(text string, has contents, wanted [numKinds]bool) []Span {
	f := finder{has: has}
	if has&notASCII == 0 {
		f.cells = asciiCells(text)
	} else {
		f.cells = newCells(text)
		if f.has = f.cells.contents(); !mayHave(f.has, wanted) {
			return nil
		}
	}
	f.find(wanted)
	if len(f.found) == 0 {
		return nil
	}
	least := f.found[0].score
	for _, s := range f.found {
		least = min(least, s.score)
	}
	f.find(mayHide(wanted, least))
	found := resolve(f.found, f.cells.len())
	spans := make([]Span, 0, len(found))
	for _, s := range found {
		if wanted[s.kind] {
			spans = append(spans, Span{f.cells.start(s.lo), f.cells.end(s.hi - 1), s.kind, s.score})
		}
	}
	if len(spans) == 0 {
		return nil
	}
	return spans
}

// span is a finding: the cells lo:hi.
type span struct {
	lo, hi int
	kind   Kind
	score  float64
}

// resolve removes overlaps: it keeps the finding with the highest score, then
// the longest. The result is in text order. n is the number of cells. Findings
// of one kind do not overlap, so their lengths sum to at most n.
func resolve(found []span, n int) []span {
	if len(found) < 2 {
		return found
	}
	slices.SortFunc(found, func(a, b span) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.hi-b.lo, a.hi-a.lo), cmp.Compare(a.lo, b.lo), cmp.Compare(a.kind, b.kind))
	})
	taken := make([]bool, n)
	kept := found[:0]
	for _, s := range found {
		if slices.Contains(taken[s.lo:s.hi], true) {
			continue
		}
		for i := s.lo; i < s.hi; i++ {
			taken[i] = true
		}
		kept = append(kept, s)
	}
	slices.SortFunc(kept, func(a, b span) int { return cmp.Compare(a.lo, b.lo) })
	return kept
}
