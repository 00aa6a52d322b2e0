package pii

import "strings"

var idWords = keywordList(`id identity identification identifier tin itin ein taxpayer nhs nin bsn sin tfn nif nie dni cpf cnpj rut curp
		aadhaar aadhar pan pesel ahv avs oib personnummer steuernummer ausweis personalausweis ausweisnummer cédula cedula fiscale
		social tax medicare инн снилс 身份证 身份證 주민등록번호 マイナンバー`)

// readNationalID reads a national number with a check digit or a distinctive
// form, or any number after a keyword.
func readNationalID(t *cells, i int) (int, float64) {
	for _, read := range []func(*cells, int) int{nino, cpf, chineseID, codiceFiscale, dni} {
		if end := read(t, i); end > i {
			return end, 0.9
		}
	}
	return numberAfter(t, i, idWords, 6, 20)
}

// nino reads a British National Insurance number in capitals: two letters,
// three pairs of digits, and a letter A to D.
func nino(t *cells, i int) int {
	const first, second = "ABCEGHJKLMNOPRSTWXYZ", "ABCEGHJKLMNPRSTWXYZ"
	if !contains(first, t.class(i)) || !contains(second, t.class(i+1)) {
		return 0
	}
	switch string(t.c[i : i+2]) {
	case "BG", "GB", "KN", "NK", "NT", "TN", "ZZ":
		return 0
	}
	j := i + 2
	for range 3 {
		j = skip(t, j, " ")
		if !isDigit(t.class(j)) || !isDigit(t.class(j+1)) {
			return 0
		}
		j += 2
	}
	j = skip(t, j, " ")
	if c := t.class(j); c < 'A' || c > 'D' || !t.wordEnd(j+1) {
		return 0
	}
	return j + 1
}

// cpf reads a Brazilian taxpayer number, 000.000.000-00. The last two digits
// are check digits.
func cpf(t *cells, i int) int {
	g := readGroups(t, i, ".")
	if g.n < 3 || g.hi[0]-g.lo[0] != 3 || g.hi[1]-g.lo[1] != 3 || g.hi[2]-g.lo[2] != 3 || t.class(g.hi[2]) != '-' {
		return 0
	}
	end := t.digits(g.hi[2]+1, 2)
	if end != g.hi[2]+3 || !t.wordEnd(end) {
		return 0
	}
	d := append(g.digits(t, 3), t.c[end-2:end]...)
	if strings.Count(string(d), string(d[0])) == len(d) {
		return 0
	}
	for n := 9; n <= 10; n++ {
		sum := 0
		for k := range n {
			sum += int(d[k]-'0') * (n + 1 - k)
		}
		if sum*10%11%10 != int(d[n]-'0') {
			return 0
		}
	}
	return end
}

// chineseID reads a Chinese resident identity number of 18 characters: region,
// date of birth, serial number, and a check character (GB 11643, ISO 7064 MOD
// 11-2).
func chineseID(t *cells, i int) int {
	if t.digits(i, 18) < i+17 || t.continuesNumber(i) {
		return 0
	}
	last := t.class(i + 17)
	if !isDigit(last) && last|0x20 != 'x' || t.numberContinues(i+18) {
		return 0
	}
	if year := t.number(i+6, i+10); !validYear(year) || !validDay(year, t.number(i+10, i+12), t.number(i+12, i+14)) {
		return 0
	}
	sum := 0
	for k, weight := range [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(t.c[i+k]-'0') * weight
	}
	if "10X98765432"[sum%11] != last&^0x20 && "10X98765432"[sum%11] != last {
		return 0
	}
	return i + 18
}

// codiceFiscale reads an Italian fiscal code: letters of the names, year, letter
// of the month, day, place, and a check letter.
func codiceFiscale(t *cells, i int) int {
	const form = "AAAAAA00A00A000A"
	if i+len(form) > t.len() || !t.wordEnd(i+len(form)) {
		return 0
	}
	odd := [26]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}
	sum := 0
	for k := range len(form) {
		c := t.c[i+k]
		if isDigit(c) != (form[k] == '0') || !isAlnum(c) {
			return 0
		}
		value := int(c - '0')
		if isLetter(c) {
			value = int(c&^0x20 - 'A')
		}
		switch {
		case k == len(form)-1:
			if sum%26 != value {
				return 0
			}
		case k%2 == 0:
			sum += odd[value]
		default:
			sum += value
		}
	}
	return i + len(form)
}

// dni reads a Spanish identity number in capitals: eight digits (or X, Y or Z
// and seven digits) and a check letter.
func dni(t *cells, i int) int {
	n := 0
	j := i
	if at := strings.IndexByte("XYZ", t.class(i)); at >= 0 {
		n = at
		j = skip(t, i+1, "-")
	}
	digits := 8
	if j > i {
		digits = 7
	}
	end := t.digits(j, 8)
	if end-j != digits || t.continuesNumber(i) {
		return 0
	}
	n = n*10_000_000 + t.number(j, end)
	end = skip(t, end, "-")
	if t.class(end) != "TRWAGMYFPDXBNJZSQVHLCKE"[n%23] || !t.wordEnd(end+1) {
		return 0
	}
	return end + 1
}
