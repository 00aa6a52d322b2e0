package pii

import "slices"

// issuer is a range of prefixes that belongs to a card scheme, with the lengths
// of its card numbers (ISO/IEC 7812; the schemes' published ranges).
type issuer struct {
	low, high string // prefixes of equal length, inclusive
	lengths   []int
}

var issuers = []issuer{
	{"4", "4", []int{13, 16, 19}},                       // Visa
	{"51", "55", []int{16}},                             // Mastercard
	{"2221", "2720", []int{16}},                         // Mastercard
	{"34", "34", []int{15}},                             // American Express
	{"37", "37", []int{15}},                             // American Express
	{"300", "305", []int{14, 16, 17, 18, 19}},           // Diners Club
	{"3095", "3095", []int{14, 16, 17, 18, 19}},         // Diners Club
	{"36", "36", []int{14, 15, 16, 17, 18, 19}},         // Diners Club
	{"38", "39", []int{14, 16, 17, 18, 19}},             // Diners Club
	{"6011", "6011", []int{16, 17, 18, 19}},             // Discover
	{"644", "659", []int{16, 17, 18, 19}},               // Discover, RuPay
	{"60", "60", []int{16}},                             // RuPay
	{"3528", "3589", []int{16, 17, 18, 19}},             // JCB
	{"1800", "1800", []int{15}},                         // JCB
	{"2131", "2131", []int{15}},                         // JCB
	{"62", "62", []int{16, 17, 18, 19}},                 // UnionPay
	{"81", "82", []int{16, 17, 18, 19}},                 // UnionPay, RuPay
	{"50", "50", []int{12, 13, 14, 15, 16, 17, 18, 19}}, // Maestro, Verve
	{"56", "58", []int{12, 13, 14, 15, 16, 17, 18, 19}}, // Maestro
	{"63", "63", []int{12, 13, 14, 15, 16, 17, 18, 19}}, // Maestro
	{"67", "67", []int{12, 13, 14, 15, 16, 17, 18, 19}}, // Maestro
	{"2200", "2205", []int{16, 17, 18, 19}},             // Mir
	{"9792", "9792", []int{16}},                         // Troy
}

var cardWords = keywordList("card cards visa mastercard amex discover diners maestro jcb cc carte karte tarjeta cartão carta kaart kort карта карты 卡 カード 카드")

// readCard reads a number of 12 to 19 digits without separators, or in groups
// of at least 3 digits (the last may be shorter) that are all separated by a
// space or all by a dash. A number of fewer than 14 digits, or without a known
// issuer, needs a keyword nearby.
func readCard(t *cells, i int) (int, float64) {
	g := readGroups(t, i, " -")
	for n := g.n; n > 0; n-- {
		count := g.count(n)
		if count < 12 || count > 19 || !g.whole(t, n) || g.shortest(n-1) < 3 {
			continue
		}
		digits := g.digits(t, n)
		if !luhn(digits) || (count < 14 || !issued(digits)) && cardWords.before(t, i, 60, false) < 0 {
			continue
		}
		return g.hi[n-1], 0.97
	}
	return 0, 0
}

// issued reports whether a card scheme uses this prefix with this length.
func issued(digits []byte) bool {
	for _, x := range issuers {
		prefix := string(digits[:len(x.low)])
		if x.low <= prefix && prefix <= x.high && slices.Contains(x.lengths, len(digits)) {
			return true
		}
	}
	return false
}

// luhn reports whether the last digit is the check digit of the others
// (ISO/IEC 7812-1, annex B).
func luhn(digits []byte) bool {
	sum := 0
	for i, c := range digits {
		d := int(c - '0')
		if (len(digits)-i)%2 == 0 {
			d *= 2
			if d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
