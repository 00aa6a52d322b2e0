// Package pii finds private data of a known pattern in text: card and account
// numbers, e-mail addresses, phone numbers, dates and the like. Each kind is
// recognised by the rules of its standard (check digits, assigned prefixes,
// lengths), and by words around it where the pattern alone is too weak to be
// believed. Names, places and postal addresses have no pattern and are not
// found here.
//
// The work is linear in the length of the text, which may be in any script and
// any bytes. Digits of other scripts, full-width forms and typographic dashes
// and spaces count as their ASCII forms.
package pii

import (
	"cmp"
	"slices"
)

// Span is one finding: the bytes text[Start:End]. It begins and ends between
// characters, and holds a character together with its combining marks.
type Span struct {
	Start, End int
	Kind       Kind
	// Score orders findings by how sure they are, up to 1. It is no
	// probability: about 0.95 and more where a check digit or a strict grammar
	// holds, 0.7 to 0.9 for a telling shape, less where a word nearby decides.
	Score float64
}

// recogniser reads the pattern of one kind that starts at a cell: a character
// of its starts, with no ASCII letter or digit before it if it is one itself.
// It gives the end of what it found and how sure it is: nothing if end <= i. It
// looks at a bounded number of cells.
type recogniser struct {
	kind   Kind
	starts starts
	read   func(t *cells, i int) (end int, score float64)
}

// starts is a set of characters that a pattern may start with.
type starts uint8

const (
	digit   starts = 1 << iota
	letter         // of ASCII
	foreign        // another letter
	sign           // + or (
	colon
)

func startOf(c byte) starts {
	switch {
	case isDigit(c):
		return digit
	case isLetter(c):
		return letter
	case isWord(c):
		return foreign
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
	{URL, digit | letter | foreign, readURL},
	{SSN, digit, readSSN},
	{Date, digit | letter | foreign, readDate},
	{MACAddress, digit | letter, readMAC},
	{CryptoAddress, digit | letter, readCrypto},
	{RoutingNumber, digit | letter, readRouting},
	{BankAccount, digit, readAccount},
	{Passport, digit | letter, readPassport},
	{DriverLicence, digit | letter, readLicence},
	{NationalID, digit | letter, readNationalID},
	{PostalCode, digit | letter, readPostalCode},
}

// Find gives the spans of the wanted kinds, and of kinds that those cover (see
// [Kind.Covers]), in the order of the text and not overlapping. No kinds means
// all. Where two readings of the same characters compete, the surer wins, and
// then the longer; what a number is taken for does not depend on which kinds
// are asked for, so that a date is never given as a phone number merely because
// only phone numbers were wanted.
func Find(text string, kinds []Kind) []Span {
	t := newCells(text)
	var found []span
	var free [numKinds]int // where a kind's last finding ends
	for i, c := range t.c {
		at := startOf(c)
		if at == 0 || at&(digit|letter) != 0 && !t.border(i) {
			continue
		}
		for _, r := range recognisers {
			if r.starts&at == 0 || i < free[r.kind] {
				continue
			}
			if end, score := r.read(t, i); end > i {
				found = append(found, span{i, end, r.kind, score})
				free[r.kind] = end
			}
		}
	}
	found = append(found, findEmails(t)...)

	wanted := wantedKinds(kinds)
	// Addresses that hold numbers hide them only where they are given
	// themselves.
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

// span is a finding in cells.
type span struct {
	lo, hi int
	kind   Kind
	score  float64
}

// resolve keeps the surest of overlapping findings, and of equally sure ones
// the longest, in the order of the text. Findings of one kind do not overlap,
// so their lengths sum to at most n cells a kind.
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
