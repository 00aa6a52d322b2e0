package pii

import "strings"

var (
	phoneWords = keywordList(`call calls called calling phone telephone tel telephon telefon telefono teléfono téléphone fon mobile mobil
		móvil cell cellphone cellular handy fax whatsapp viber telegram sms text texted contact reach ring dial dialled hotline
		helpline voicemail landline ph mob celular portable appelez llame llamar anrufen rufnummer
		answer answers answered answering message messages ringing rang
		тел телефон телефону моб позвоните звоните факс هاتف الهاتف تلفون جوال رقم טלפון נייד फ़ोन फोन
		电话 電話 手机 手機 传真 携帯 휴대폰 전화 โทร`)
	phoneSuffixes = keywordList("office fax mobile cell home work desk phone tel landline")
	// otherNumberWords precede numbers that are not phone numbers.
	otherNumberWords = keywordList(`isbn issn ean upc sku serial model part invoice order tracking ticket item reference ref version imei vin
		account acct routing passport license licence card ssn id patent case claim policy nhs tin ein sin tfn bsn`)
)

// callingCodes are the country codes of one to three digits that ITU-T E.164
// assigns. No code is a prefix of another.
var callingCodes = func() map[string]bool {
	m := map[string]bool{}
	for _, code := range strings.Fields(`1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62
		63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234
		235 236 237 238 239 240 241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 266
		267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 372 373 374 375 376 377 378 380 381 382 383
		385 386 387 389 420 421 423 500 501 502 503 504 505 506 507 508 509 590 591 592 593 594 595 596 597 598 599 670 672 673 674
		675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 800 808 850 852 853 855 856 870 878 880 881 882 883 886
		888 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 979 992 993 994 995 996 998`) {
		m[code] = true
	}
	return m
}()

// phoneNumber is a candidate for a phone number: groups of digits, optionally
// after a plus and with the area code in parentheses.
type phoneNumber struct {
	groups
	plus        bool
	paren       int  // the group in parentheses, or -1
	near        int  // the distance in cells to a phone keyword before it, or -1
	otherNearer bool // a word of otherNumberWords is nearer
}

// readPhone reads numbers with a country code (+, 00 or 011), numbers of the
// North American plan, numbers with the trunk prefix 0, and numbers with the
// area code in parentheses. Other numbers of 7 to 13 digits, or of 6 digits in
// groups, need a keyword such as "call" or "mobile" nearby. An extension belongs
// to the number.
func readPhone(t *cells, i int) (int, float64) {
	c := t.class(i)
	if !isDigit(c) && c != '+' && c != '(' || t.continuesNumber(i) || strings.ContainsRune("$€£¥₹₽", t.rune(i-1)) {
		return 0, 0
	}
	p := readNumber(t, i)
	if p.n == 0 || p.count(p.n) < 6 {
		return 0, 0
	}
	if !p.plus {
		p.near = phoneWords.before(t, i, 60, true)
		other := otherNumberWords.before(t, i, 20, false)
		p.otherNearer = other >= 0 && (p.near < 0 || other < p.near)
	}
	for n := p.n; n > 0; n-- {
		end := p.hi[n-1]
		if p.paren == n-1 {
			continue
		}
		// Only a space may end the number early. A dash continues it.
		if n < p.n && !(t.class(end) == space && isDigit(t.class(end+1))) {
			continue
		}
		extended := extension(t, end)
		if extended == end && t.numberContinues(end) {
			continue
		}
		if score := p.score(t, i, n, extended); score > 0 {
			return extended, score
		}
	}
	return 0, 0
}

// readNumber reads groups of digits that are separated by at most two cells.
func readNumber(t *cells, i int) (p phoneNumber) {
	p.paren = -1
	if t.class(i) == '+' {
		p.plus = true
		i = skip(t, i+1, " ")
	}
	for p.n < maxGroups {
		if t.class(i) == '(' {
			p.paren = p.n
			i++
		}
		j := t.digits(i, maxGroupDigits)
		if j == i || j-i > maxGroupDigits {
			break
		}
		p.lo[p.n], p.hi[p.n] = i, j
		p.n++
		i = j
		if p.paren == p.n-1 {
			if t.class(i) != ')' {
				p.n = 0
				return p
			}
			i++
		}
		// Between two groups: one separator, optionally with a parenthesis.
		c := t.class(i)
		switch {
		case contains(" -./", c):
			i++
			if c == '-' && t.class(i) == ' ' || c == ' ' && t.class(i) == '-' {
				i++
			}
		case c == '(' && p.paren < 0, isDigit(c):
		default:
			return p
		}
		if t.class(i) == '(' && p.paren >= 0 {
			return p
		}
	}
	return p
}

// extension returns the end of an extension such as "x123" or "ext. 123" at i,
// or i if there is none.
func extension(t *cells, i int) int {
	j := skip(t, i, ",;")
	j = skip(t, j, " ")
	k := j
	for k-j < 9 && isLetter(t.class(k)) {
		k++
	}
	switch t.lower(j, k) {
	case "x", "ext", "extn", "extension":
	default:
		return i
	}
	k = skip(t, k, ".:")
	k = skip(t, k, " ")
	end := t.digits(k, 7)
	if end == k || end-k > 7 || !t.wordEnd(end) {
		return i
	}
	return end
}

// score returns the score of the first n groups as a phone number that starts
// at i and ends, with its extension, at end. It is 0 if they are not one.
func (p *phoneNumber) score(t *cells, i, n, end int) float64 {
	count := p.count(n)
	size := func(g int) int { return p.hi[g] - p.lo[g] }
	first := string(t.c[p.lo[0]:p.hi[0]])
	sameSep := true
	for g := 1; g+1 < n; g++ {
		sameSep = sameSep && t.class(p.hi[g]) == t.class(p.hi[0])
	}
	dotted := n == 4 && sameSep && t.class(p.hi[0]) == '.' && dottedQuad(t, i) > 0
	if count < 6 || dotted && !p.plus {
		return 0
	}
	if p.plus {
		if count <= 15 && hasCallingCode(string(p.digits(t, n))) {
			return 0.95
		}
		return 0
	}
	if p.otherNearer {
		return 0
	}
	digits := string(p.digits(t, n))
	for _, prefix := range []string{"00", "011"} {
		rest, ok := strings.CutPrefix(digits, prefix)
		if ok && strings.HasPrefix(first, prefix) && n > 1 && len(rest) >= 8 && len(rest) <= 15 && hasCallingCode(rest) {
			return 0.85
		}
	}
	small := 0 // groups of one digit
	for g := range n {
		if size(g) == 1 {
			small++
		}
	}
	inParen := p.paren == 0
	// After another number and a space, the start of the number is unclear.
	afterNumber := t.class(i-1) == space && isDigit(t.class(i-2))
	switch {
	case n == 3 && size(0) == 3 && size(1) == 3 && size(2) == 4 && nanp(digits) && !afterNumber,
		n == 2 && inParen && size(0) == 3 && size(1) == 7 && nanp(digits),
		n == 4 && first == "1" && size(1) == 3 && size(2) == 3 && size(3) == 4 && nanp(digits[1:]) && !afterNumber:
		return 0.8
	case inParen && n > 1 && size(0) >= 2 && size(0) <= 5 && count >= 8 && count <= 12 && small == 0:
		return 0.78
	case n > 1 && n <= 6 && (first[0] == '0' && len(first) > 1 && len(first) <= 5 && first[1] != '0') && (count >= 10 || count == 9 && n > 2) && count <= 12 && small == 0 && !afterNumber && !ssnShape(p, n):
		return 0.72
	case count > 13 || count == 6 && n == 1 || small > 1 || n > 6 || afterNumber || ssnShape(p, n):
		return 0
	case p.near >= 0 && (count > 6 || p.near <= 8):
		return nearness(p.near)
	case phoneSuffixes.after(t, end) && (n > 1 || count > 8):
		return nearness(20)
	}
	return 0
}

// ssnShape reports whether the first n groups have the lengths of a US social
// security number.
func ssnShape(p *phoneNumber, n int) bool {
	return n == 3 && p.hi[0]-p.lo[0] == 3 && p.hi[1]-p.lo[1] == 2 && p.hi[2]-p.lo[2] == 4
}

// nanp reports whether digits have the form of the North American Numbering
// Plan: NXX-NXX-XXXX, where N is 2 to 9.
func nanp(digits string) bool {
	return len(digits) == 10 && digits[0] >= '2' && digits[3] >= '2'
}

// hasCallingCode reports whether digits start with a country code and have at
// least 8 digits.
func hasCallingCode(digits string) bool {
	for n := 1; n <= 3 && n < len(digits); n++ {
		if callingCodes[digits[:n]] {
			return len(digits) >= 8
		}
	}
	return false
}
