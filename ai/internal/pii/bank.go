package pii

var (
	routingWords = keywordList("routing aba rtn transit fedwire")
	sortWords    = keywordList("sort")
	swiftWords   = keywordList("swift bic")
	accountWords = keywordList("account acct accounts iban konto kontonummer kontonr cuenta compte conto rekening rekeningnummer счёт счет 账号 账户 帳號 口座 계좌")
)

// readRouting reads an ABA number with its check digit, a sort code (three
// pairs of digits) or a SWIFT code, each after a keyword.
func readRouting(t *cells, i int) (int, float64) {
	if g := readGroups(t, i, "-"); g.shape(t, 9) {
		near := routingWords.before(t, i, 40, false)
		if near >= 0 && isABA(g.digits(t, 1)) {
			return g.hi[0], nearness(near) + 0.25
		}
	} else if g.shape(t, 2, 2, 2) {
		if near := sortWords.before(t, i, 20, false); near >= 0 {
			return g.hi[2], nearness(near) + 0.25
		}
	}
	if end := bic(t, i); end > i {
		if near := swiftWords.before(t, i, 20, false); near >= 0 {
			return end, nearness(near) + 0.2
		}
	}
	return 0, 0
}

// isABA reports whether nine digits are an ABA routing number: they start with
// a Federal Reserve prefix, and their sum with weights 3, 7, 1 is a multiple of
// 10.
func isABA(d []byte) bool {
	prefix := int(d[0]-'0')*10 + int(d[1]-'0')
	if !(prefix <= 12 || 21 <= prefix && prefix <= 32 || 61 <= prefix && prefix <= 72 || prefix == 80) {
		return false
	}
	sum := 0
	for i, c := range d {
		sum += int(c-'0') * [3]int{3, 7, 1}[i%3]
	}
	return sum%10 == 0 && sum > 0
}

// bic reads a business identifier code (ISO 9362) in capitals: four letters,
// two letters of the country, two letters or digits, and optionally three for
// the branch. It returns the end, or 0.
func bic(t *cells, i int) int {
	j := i
	for j-i < 12 && (isUpper(t.class(j)) || j-i >= 6 && isDigit(t.class(j))) {
		j++
	}
	if (j-i != 8 && j-i != 11) || !t.wordEnd(j) {
		return 0
	}
	return j
}

// readAccount reads 6 to 17 digits after a keyword.
func readAccount(t *cells, i int) (int, float64) {
	g := readGroups(t, i, "- ")
	for n := g.n; n > 0; n-- {
		if count := g.count(n); count >= 6 && count <= 17 && g.whole(t, n) && g.hi[0]-g.lo[0] > 1 {
			if near := accountWords.before(t, i, 30, false); near >= 0 {
				return g.hi[n-1], nearness(near)
			}
			return 0, 0
		}
	}
	return 0, 0
}
