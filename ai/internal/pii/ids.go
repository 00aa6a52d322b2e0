package pii

var (
	ssnWords      = keywordList("ssn social security ss")
	passportWords = keywordList("passport passports reisepass pasaporte passeport passaporto passaporte паспорт паспорта 护照 護照 パスポート 여권")
	licenceWords  = keywordList("license licence licenses licences driver's drivers dl führerschein fuehrerschein permis conducir patente rijbewijs driving 驾照 駕照 운전면허")
)

// readSSN reads AAA-GG-SSSS. The forms with spaces, with dots and without
// separators need a keyword. The areas 000, 666 and 900 to 999, group 00 and
// serial 0000 are never assigned (Social Security Administration).
func readSSN(t *cells, i int) (int, float64) {
	g := readGroups(t, i, "- .")
	var end int
	dashes := false
	switch {
	case g.shape(t, 3, 2, 4):
		end, dashes = g.hi[2], t.class(g.hi[0]) == '-'
	case g.shape(t, 9):
		end = g.hi[0]
	default:
		return 0, 0
	}
	d := string(g.digits(t, g.n))[:9]
	if d[:3] == "000" || d[:3] == "666" || d[0] == '9' || d[3:5] == "00" || d[5:] == "0000" {
		return 0, 0
	}
	if near := ssnWords.before(t, i, 40, false); near >= 0 {
		return end, nearness(near) + 0.25
	}
	if dashes {
		return end, 0.9
	}
	return 0, 0
}

func readPassport(t *cells, i int) (int, float64) { return numberAfter(t, i, passportWords, 6, 10) }
func readLicence(t *cells, i int) (int, float64)  { return numberAfter(t, i, licenceWords, 6, 20) }

// numberAfter reads a number after one of the keywords w: shortest to longest
// letters and digits, at least four of them digits. It may have hyphens and
// spaces between digits. Letters must be capitals, or at most as many as the
// digits.
func numberAfter(t *cells, i int, w keywords, shortest, longest int) (int, float64) {
	if !isAlnum(t.class(i)) || t.continuesNumber(i) {
		return 0, 0
	}
	j, digits, letters, small := i, 0, 0, 0
	for j-i <= longest+4 {
		c := t.class(j)
		switch {
		case isDigit(c):
			digits++
		case isLetter(c):
			letters++
			if !isUpper(c) {
				small++
			}
		case (c == '-' || c == ' ' && digits > 0 && isDigit(t.class(j-1))) && isDigit(t.class(j+1)):
		default:
			if count := digits + letters; count < shortest || count > longest || digits < 4 || small > 0 && digits < letters || t.numberContinues(j) {
				return 0, 0
			}
			near := w.before(t, i, 40, false)
			if near < 0 {
				return 0, 0
			}
			return j, nearness(near)
		}
		j++
	}
	return 0, 0
}
