package pii

var postalWords = keywordList("zip zipcode postcode postal plz postleitzahl cp postnummer индекс 邮编 郵編 우편번호")

// readPostalCode reads ZIP codes, ZIP+4 codes, and codes of 3 to 8 letters and
// digits of other countries, after a keyword.
func readPostalCode(t *cells, i int) (int, float64) {
	end := postalCode(t, i)
	if end == 0 || t.continuesNumber(i) {
		return 0, 0
	}
	near := postalWords.before(t, i, 12, false)
	if near < 0 {
		return 0, 0
	}
	return end, nearness(near) + 0.1
}

func postalCode(t *cells, i int) int {
	if !hasDigit(t.c[i:alnums(t, i, 8)]) {
		return 0
	}
	if g := readGroups(t, i, "-"); g.shape(t, 5, 4) || g.shape(t, 3, 4) || g.shape(t, 5, 3) || g.shape(t, 2, 3) {
		return g.hi[1]
	}
	// Czechia and Sweden: 394 13.
	if g := readGroups(t, i, " "); g.shape(t, 3, 2) {
		return g.hi[1]
	}
	// Canada K1A 0B1, the Netherlands 1011 AB, Britain SW1A 1AA.
	j := alnums(t, i, 4)
	if t.class(j) == ' ' && hasDigit(t.c[i:j]) {
		k := alnums(t, j+1, 3)
		if k-j >= 3 && t.wordEnd(k) && (isUpper(t.class(k-1)) || isDigit(t.class(k-1)) && isUpper(t.class(i))) {
			return k
		}
	}
	j = alnums(t, i, 8)
	if j-i < 3 || !hasDigit(t.c[i:j]) || t.numberContinues(j) {
		return 0
	}
	return j
}

// alnums returns the end of the ASCII letters and digits at i, at most i+max.
func alnums(t *cells, i, max int) int {
	j := i
	for j-i < max && isAlnum(t.class(j)) {
		j++
	}
	return j
}

func hasDigit(c []byte) bool {
	for _, x := range c {
		if isDigit(x) {
			return true
		}
	}
	return false
}
