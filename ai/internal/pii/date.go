package pii

import "strings"

// months maps the name of a month, in lower case, to its number. It holds the
// names in English, German, French, Spanish, Italian, Portuguese, Dutch,
// Polish, Russian, Ukrainian and the Nordic languages, except spellings that
// mean different months in different languages.
var months = func() map[string]int {
	m := map[string]int{}
	for i, list := range [12]string{
		"january jan januar jänner janvier enero gennaio janeiro januari stycznia января січня januára",
		"february feb februar février fevrier febrero febbraio fevereiro februari lutego февраля лютого févr",
		"march mar märz maerz mars marzo março maart marca марта березня",
		"april apr avril abril aprile kwietnia апреля квітня",
		"may mai mayo maggio maio mei maja мая травня maj",
		"june jun juni juin junio giugno junho czerwca июня червня",
		"july jul juli juillet julio luglio julho lipca июля липня",
		"august aug août aout agosto augustus sierpnia августа серпня augusti",
		"september sep sept septembre septiembre settembre setembro września сентября вересня",
		"october oct oktober octobre octubre ottobre outubro października октября жовтня okt",
		"november nov novembre noviembre novembro listopada ноября листопада",
		"december dec dezember décembre decembre diciembre dicembre dezembro grudnia декабря грудня dez",
	} {
		for _, name := range strings.Fields(list) {
			m[name] = i + 1
		}
	}
	return m
}()

// ambiguous are names of months that are also other words. They are read as a
// month if they have a capital or both day and year. "Mars" needs day and year.
var ambiguous = keywordList("may mar march mars jan jun sept dec maja mai mei").whole

const (
	firstYear, lastYear = 1000, 2199
	// recentYear is the first year that is accepted after a month without a
	// day. A larger number may be a house number: streets are named after days
	// ("Rua Cinco de Outubro 1257").
	recentYear = 1900
)

// readDate reads a day with month and year, in digits or with the name of the
// month. With the name, the day or the year may be missing. A time that follows
// belongs to the date. A year, a weekday or a time alone is not a date.
func readDate(t *cells, i int) (int, float64) {
	switch c := t.class(i); {
	case isDigit(c):
		if t.continuesNumber(i) {
			return 0, 0
		}
		for _, read := range []func(*cells, int) int{numericDate, eastAsianDate, dayFirst, compactDate} {
			if end := read(t, i); end > i {
				return readTime(t, end), 0.92
			}
		}
		if end := dayMonth(t, i); end > i {
			return end, 0.75
		}
	case isLetter(c) || c == latin || c == spaced:
		if isWord(t.class(i-1)) || t.class(i-1) == '-' {
			return 0, 0
		}
		return monthFirst(t, i)
	}
	return 0, 0
}

func validDay(year, month, day int) bool {
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	days := [12]int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
	if month == 2 && year > 0 && (year%4 != 0 || year%100 == 0 && year%400 != 0) {
		days = 28
	}
	return day <= days
}

func validYear(year int) bool { return firstYear <= year && year <= lastYear }

// numericDate reads 1998-06-28, 28.6.1998 and 6/28/1998. A year of two digits
// is accepted with slashes (28/6/98) or in pairs with dots (28.06.98).
func numericDate(t *cells, i int) int {
	for _, sep := range []string{"-", ".", "/"} {
		g := readGroups(t, i, sep)
		if g.n < 3 {
			continue
		}
		end := g.hi[2]
		size := func(n int) int { return g.hi[n] - g.lo[n] }
		a, b, c := t.number(g.lo[0], g.hi[0]), t.number(g.lo[1], g.hi[1]), t.number(g.lo[2], g.hi[2])
		if size(1) > 2 || g.n > 3 || t.class(end) == sep[0] && isAlnum(t.class(end+1)) || !t.wordEnd(end) && t.class(end)|0x20 != 't' {
			continue
		}
		pairs := size(0) == 2 && size(1) == 2
		switch {
		case size(0) == 4 && size(2) <= 2:
			if validYear(a) && validDay(a, b, c) {
				return end
			}
		case size(0) <= 2 && (size(2) == 4 && validYear(c) || size(2) == 2 && (sep == "/" || pairs && sep == ".")):
			year := c
			if size(2) == 2 {
				year = 0
			}
			version := sep == "." && size(2) == 2 && versionWords.before(t, i, 12, false) >= 0
			if (validDay(year, b, a) || validDay(year, a, b)) && !version {
				return end
			}
		}
	}
	return 0
}

// eastAsianDate reads 2017年3月29日, 2017년 3월 29일, and a year and month
// without a day.
func eastAsianDate(t *cells, i int) int {
	end := 0
	values := [3]int{}
	for n, marks := range [3]string{"年년", "月월", "日号號일"} {
		j := t.digits(i, 4)
		if j == i || !strings.ContainsRune(marks, t.rune(j)) {
			break
		}
		values[n] = t.number(i, j)
		i = j + 1
		if n == 0 && !validYear(values[0]) || n == 1 && !validDay(0, values[1], 1) || n == 2 && !validDay(values[0], values[1], values[2]) {
			break
		}
		if n > 0 {
			end = i
		}
		if t.class(i) == space {
			i++
		}
	}
	return end
}

// compactDate reads 19980628 after a keyword, or followed by T and a time.
func compactDate(t *cells, i int) int {
	j := t.digits(i, 8)
	if j-i != 8 || !validYear(t.number(i, i+4)) || !validDay(t.number(i, i+4), t.number(i+4, i+6), t.number(i+6, j)) {
		return 0
	}
	if t.class(j) == 'T' && t.digits(j+1, 6) >= j+5 {
		end := t.digits(j+1, 6)
		if t.class(end) == 'Z' {
			end++
		}
		if t.wordEnd(end) {
			return end
		}
		return 0
	}
	if t.numberContinues(j) || dateWords.before(t, i, 25, false) < 0 {
		return 0
	}
	return j
}

var dateWords = keywordList("date dated datum fecha data dob born birth birthday birthdate expires expiry geboren né née nacimiento дата рождения 日期 生日 生年月日 생년월일")

// dayFirst reads 28 June 1998, 28th of June, 1998, 28-Jun-98, 28. Juni 1998, 28
// de junio de 1998 and 1998-Jun-28.
func dayFirst(t *cells, i int) int {
	j := t.digits(i, 4)
	first := t.number(i, j)
	k, month, _ := monthAfterDay(t, j)
	if month == 0 {
		return 0
	}
	if j-i == 4 {
		end := t.digits(skip(t, k, " -"), 2)
		if day := t.number(skip(t, k, " -"), end); validYear(first) && validDay(first, month, day) && t.wordEnd(end) {
			return end
		}
		return 0
	}
	if j-i > 2 {
		return 0
	}
	k = skip(t, k, ".")
	if t.class(k) == '-' || t.class(k) == '/' {
		k++
		end := t.digits(k, 4)
		year := t.number(k, end)
		if t.wordEnd(end) && (end-k == 2 && validDay(0, month, first) || end-k == 4 && validYear(year) && validDay(year, month, first)) {
			return end
		}
		return 0
	}
	k = skip(t, k, ",")
	k = skip(t, k, " ")
	k = skipWord(t, k, "de", "of", "del", "do")
	end := t.digits(k, 4)
	if year := t.number(k, end); end-k == 4 && validYear(year) && validDay(year, month, first) && t.wordEnd(end) {
		return end
	}
	return 0
}

// monthAfterDay reads the name of a month after the digits of a day, which end
// at j. See readMonth for sure.
func monthAfterDay(t *cells, j int) (end, month int, sure bool) {
	if suffix := t.lower(j, min(j+2, t.len())); (suffix == "st" || suffix == "nd" || suffix == "rd" || suffix == "th") && t.wordEnd(j+2) {
		j += 2
	}
	k := skip(t, j, ".-/")
	k = skip(t, k, " ")
	if k == j {
		return 0, 0, false
	}
	k = skipWord(t, k, "of", "de", "di")
	return readMonth(t, k)
}

// dayMonth reads 28 June without a year.
func dayMonth(t *cells, i int) int {
	j := t.digits(i, 2)
	if j-i > 2 {
		return 0
	}
	end, month, sure := monthAfterDay(t, j)
	if !sure || month == 0 || !validDay(0, month, t.number(i, j)) {
		return 0
	}
	if c := t.class(end); c == '-' || c == '/' {
		return 0
	}
	return end
}

// monthFirst reads June 28, 1998, Jun. 28th 1998, June 28 and June 1998.
func monthFirst(t *cells, i int) (int, float64) {
	j, month, sure := readMonth(t, i)
	if month == 0 {
		return 0, 0
	}
	k := skip(t, j, ".")
	k = skip(t, k, " ")
	if k == j {
		if t.class(k) != '-' && t.class(k) != '/' {
			return 0, 0
		}
		k++
	}
	k = skipWord(t, k, "the", "of", "de")
	end := t.digits(k, 4)
	n := t.number(k, end)
	switch end - k {
	case 4:
		if sure && validYear(n) && n >= recentYear && !t.numberContinues(end) {
			return end, 0.75
		}
	case 1, 2:
		if suffix := t.lower(end, min(end+2, t.len())); suffix == "st" || suffix == "nd" || suffix == "rd" || suffix == "th" {
			end += 2
		}
		if !validDay(0, month, n) || t.numberContinues(end) && !(t.class(end) == ',' || t.class(end) == '-') || t.class(end) == '%' {
			return 0, 0
		}
		y := skip(t, end, ",-")
		y = skip(t, y, " ")
		if to := t.digits(y, 4); y > end && to-y == 4 && validYear(t.number(y, to)) && !t.numberContinues(to) {
			return readTime(t, to), 0.92
		}
		if !sure || t.numberContinues(end) {
			return 0, 0
		}
		return end, 0.75
	}
	return 0, 0
}

// longestMonth is the length in cells of the longest name in months.
const longestMonth = 11

// readMonth reads the name of a month. sure is false if the word may have
// another meaning.
func readMonth(t *cells, i int) (end, month int, sure bool) {
	j := i
	for j-i <= longestMonth && isWord(t.class(j)) && !isDigit(t.class(j)) && t.class(j) != unspaced {
		j++
	}
	if j-i < 3 || j-i > longestMonth {
		return 0, 0, false
	}
	name := t.text[t.start(i):t.end(j-1)]
	low := strings.ToLower(name)
	return j, months[low], low != "mars" && (name != low || !ambiguous[low])
}

// readTime reads the time of day after a date: 14:48, T14:48:14.5Z, at 2:48 pm.
func readTime(t *cells, i int) int {
	j := skip(t, i, ",")
	switch c := t.class(j); {
	case c == 'T' || c == 't':
		j++
	case c == space:
		j = skipWord(t, j+1, "at", "um", "à", "le")
	default:
		return i
	}
	k := t.digits(j, 2)
	if k == j || k-j > 2 || t.number(j, k) > 24 || t.class(k) != ':' {
		return i
	}
	for n := 0; n < 2 && t.class(k) == ':'; n++ {
		end := t.digits(k+1, 2)
		if end != k+3 || t.number(k+1, end) > 60 {
			break
		}
		k = end
	}
	if !isDigit(t.class(k - 1)) {
		return i
	}
	if t.class(k) == '.' && isDigit(t.class(k+1)) {
		k = t.digits(k+1, 9)
	}
	switch half := t.lower(skip(t, k, " "), min(skip(t, k, " ")+2, t.len())); {
	case (half == "am" || half == "pm") && t.wordEnd(skip(t, k, " ")+2):
		k = skip(t, k, " ") + 2
	case t.class(k) == 'Z' && t.wordEnd(k+1):
		k++
	case t.class(k) == '+' || t.class(k) == '-':
		if end := t.digits(k+1, 4); end == k+5 && t.wordEnd(end) {
			k = end
		} else if end == k+3 && t.class(end) == ':' && t.digits(end+1, 2) == end+3 {
			k = end + 3
		}
	}
	if !t.wordEnd(k) {
		return i
	}
	return k
}
