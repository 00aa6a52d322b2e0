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

var recognisers = []recogniser{
	{CreditCard, digit, readCard},
	{IBAN, letter, readIBAN},
	{Phone, digit | sign, readPhone},
	{IPAddress, digit | letter | colon, readIP},
	{URL, digit | letter | otherLetter, readURL},
	{SSN, digit, readSSN},
	{Date, digit | letter | otherLetter, readDate},
	{MACAddress, digit | letter, readMAC},
	{CryptoAddress, digit | letter, readCrypto},
	{RoutingNumber, digit | letter, readRouting},
	{BankAccount, digit, readAccount},
	{Passport, digit | letter, readPassport},
	{DriverLicence, digit | letter, readLicence},
	{NationalID, digit | letter, readNationalID},
	{PostalCode, digit | letter, readPostalCode},
}

// Find returns the spans of the given kinds and of the kinds that they cover
// (see [Kind.Covers]), in text order and without overlaps. If kinds is empty,
// it returns spans of all kinds. Of overlapping findings, the one with the
// higher score wins, then the longer one. How a number is classified does not
// depend on kinds: a date is not returned as a phone number when only phone
// numbers are requested.
func Find(text string, kinds []Kind) []Span {
	t := newCells(text)
	var found []span
	var lastEnd [numKinds]int // the end of each kind's last finding
	for i, c := range t.c {
		at := startClass(c)
		if at == 0 || at&(digit|letter) != 0 && !t.wordStart(i) {
			continue
		}
		for _, r := range recognisers {
			if r.starts&at == 0 || i < lastEnd[r.kind] {
				continue
			}
			if end, score := r.read(t, i); end > i {
				found = append(found, span{i, end, r.kind, score})
				lastEnd[r.kind] = end
			}
		}
	}
	found = append(found, findEmails(t)...)

	wanted := wantedKinds(kinds)
	// A URL or e-mail address hides the findings within it only if its own kind
	// is wanted.
	found = slices.DeleteFunc(found, func(s span) bool {
		return !wanted[s.kind] && (s.kind == URL || s.kind == Email)
	})
	var spans []Span
	for _, s := range resolve(found, t.len()) {
		if wanted[s.kind] {
			spans = append(spans, Span{t.start(s.lo), t.end(s.hi - 1), s.kind, s.score})
		}
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
