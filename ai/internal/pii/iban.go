package pii

import "strings"

// ibanLengths maps the code of a country to the length of its IBANs (ISO 13616,
// SWIFT's IBAN registry).
var ibanLengths = func() map[string]int {
	m := map[string]int{}
	for _, entry := range strings.Fields(`
		AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28
		EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26
		IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28
		NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25
		SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30`) {
		m[entry[:2]] = int(entry[2]-'0')*10 + int(entry[3]-'0')
	}
	return m
}()

// readIBAN reads an IBAN without separators, or in groups of four that are all
// separated by a space or all by a dash.
func readIBAN(t *cells, i int) (int, float64) {
	if !isLetter(t.class(i)) || !isLetter(t.class(i+1)) || !isDigit(t.class(i+2)) || !isDigit(t.class(i+3)) {
		return 0, 0
	}
	length, ok := ibanLengths[strings.ToUpper(string(t.c[i:i+2]))]
	if !ok {
		return 0, 0
	}
	var sep byte
	var iban [34]byte
	j := i
	for n := 0; n < length; {
		c := t.class(j)
		switch {
		case isAlnum(c):
			if isLetter(c) {
				c &^= 0x20
			}
			iban[n] = c
			n++
		case n > 0 && n%4 == 0 && (c == space || c == '-') && (sep == c || sep == 0 && n == 4) && isAlnum(t.class(j-1)):
			sep = c
		default:
			return 0, 0
		}
		j++
	}
	if !t.wordEnd(j) || mod97(iban[4:length], iban[:4]) != 1 {
		return 0, 0
	}
	return j, 0.98
}

// mod97 concatenates the parts, replaces A to Z by 10 to 35, and returns the
// remainder of this number modulo 97 (ISO 7064, MOD 97-10).
func mod97(parts ...[]byte) int {
	rest := 0
	for _, part := range parts {
		for _, c := range part {
			if isDigit(c) {
				rest = (rest*10 + int(c-'0')) % 97
			} else {
				rest = (rest*100 + int(c-'A') + 10) % 97
			}
		}
	}
	return rest
}
