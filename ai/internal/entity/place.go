package entity

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// countryPatterns returns expressions for the English names of countries. Taggers of private data have no label for them.
func countryPatterns() (exact, anyCase *regexp.Regexp) {
	list := strings.Split(countryNames, "|")
	slices.SortStableFunc(list, func(a, b string) int { return len(b) - len(a) })
	pattern := `\b(?:` + strings.Join(list, "|") + `)\b`
	return regexp.MustCompile(pattern), regexp.MustCompile("(?i)" + pattern)
}

const countryNames = `Afghanistan|Albania|Algeria|Andorra|Angola|Antigua and Barbuda|Argentina|Armenia|Australia|Austria|Azerbaijan|Bahamas|Bahrain|` +
	`Bangladesh|Barbados|Belarus|Belgium|Belize|Benin|Bhutan|Bolivia|Bosnia and Herzegovina|Botswana|Brazil|Brunei|Bulgaria|Burkina Faso|Burundi|` +
	`Cambodia|Cameroon|Canada|Cape Verde|Central African Republic|Chad|Chile|China|Colombia|Comoros|Congo|Costa Rica|Croatia|Cuba|Cyprus|` +
	`Czech Republic|Czechia|Denmark|Djibouti|Dominica|Dominican Republic|Ecuador|Egypt|El Salvador|England|Equatorial Guinea|Eritrea|Estonia|Eswatini|Ethiopia|` +
	`Fiji|Finland|France|Gabon|Gambia|Georgia|Germany|Ghana|Greece|Greenland|Grenada|Guatemala|Guinea|Guinea-Bissau|Guyana|Haiti|Honduras|Hungary|` +
	`Iceland|India|Indonesia|Iran|Iraq|Ireland|Israel|Italy|Ivory Coast|Jamaica|Japan|Jordan|Kazakhstan|Kenya|Kiribati|Kosovo|Kuwait|Kyrgyzstan|` +
	`Laos|Latvia|Lebanon|Lesotho|Liberia|Libya|Liechtenstein|Lithuania|Luxembourg|Madagascar|Malawi|Malaysia|Maldives|Mali|Malta|Mauritania|Mauritius|` +
	`Mexico|Micronesia|Moldova|Monaco|Mongolia|Montenegro|Morocco|Mozambique|Myanmar|Namibia|Nauru|Nepal|Netherlands|New Zealand|Nicaragua|Niger|Nigeria|` +
	`North Korea|North Macedonia|Northern Ireland|Norway|Oman|Pakistan|Palau|Palestine|Panama|Papua New Guinea|Paraguay|Peru|Philippines|Poland|Portugal|Qatar|Romania|` +
	`Russia|Rwanda|Samoa|San Marino|Saudi Arabia|Scotland|Senegal|Serbia|Seychelles|Sierra Leone|Singapore|Slovakia|Slovenia|Solomon Islands|Somalia|South Africa|` +
	`South Korea|South Sudan|Spain|Sri Lanka|Sudan|Suriname|Sweden|Switzerland|Syria|Taiwan|Tajikistan|Tanzania|Thailand|Togo|Tonga|Trinidad and Tobago|` +
	`Tunisia|Turkey|Turkmenistan|Tuvalu|Uganda|Ukraine|United Arab Emirates|United Kingdom|United States of America|United States|Uruguay|USA|UK|Uzbekistan|Vanuatu|` +
	`Vatican City|Venezuela|Vietnam|Wales|Yemen|Zambia|Zimbabwe`

var countriesExact, countriesAnyCase = countryPatterns()

// countries returns the words that are a country, by a list. A word that the tagger takes for a part of
// a person's name is none.
func (f *finder) countries() []bool {
	re := countriesExact
	if !f.cased {
		re = countriesAnyCase
	}
	marked := make([]bool, len(f.words))
	from := 0
	for _, m := range re.FindAllStringIndex(f.text, -1) {
		for from < len(f.words) && f.words[from].start < m[0] {
			from++
		}
		to := from
		for to+1 < len(f.words) && f.words[to].end < m[1] {
			to++
		}
		if from == len(f.words) || f.words[from].start != m[0] || f.words[to].end != m[1] || f.mean(from, to, Person) >= ordinary {
			continue
		}
		for i := from; i <= to; i++ {
			marked[i] = true
		}
	}
	return marked
}

// places returns the places of a kind.
func (f *finder) places(k Kind) (spans []Span) {
	marked := make([]bool, len(f.words))
	never := func(i int) bool {
		return brands[f.words[i].lower] || !strings.ContainsFunc(f.words[i].text, unicode.IsLetter)
	}
	if by := f.labelled(k); by != 0 {
		for i := range f.words {
			marked[i] = !never(i) && f.probability(i, by) >= f.threshold(i)
		}
		f.joinBeside(marked, by, never)
	}
	listed := make([]bool, len(f.words))
	if k.has(Country) {
		listed = f.countries()
	}
	for i, is := range listed {
		marked[i] = marked[i] || is
	}
	f.runs(marked, f.sameName, func(from, to int) {
		score := f.mean(from, to, Place)
		if !slices.Contains(listed[from:to+1], false) {
			score = 1
		}
		spans = append(spans, Span{f.words[from].start, f.words[to].end, k, score})
	})
	return spans
}

// addresses returns the addresses, or the parts of a kind in them.
func (f *finder) addresses(k Kind) (spans []Span) {
	marked := make([]bool, len(f.words))
	countries := f.countries()
	for i := range f.words {
		marked[i] = countries[i] || f.probability(i, Address)+f.probability(i, Place) >= inAddress || f.isNumber(i)
	}
	for i := 1; i+1 < len(marked); i++ { // an abbreviation of a state, or "Apt", between other parts
		w := f.words[i]
		short := len(w.text) > 1 && len(w.text) <= 3 && w.text == strings.ToUpper(w.text)
		marked[i] = marked[i] || marked[i-1] && marked[i+1] && !w.taken && (short || unitWords[w.lower])
	}
	joined := func(i int) bool { return isAddressGap(f.gap(i)) }
	f.runs(marked, joined, func(from, to int) {
		if !f.isAddress(from, to) {
			return
		}
		if k == Address {
			spans = append(spans, Span{f.words[from].start, f.words[to].end, k, f.mean(from, to, k) + f.mean(from, to, Place)})
			return
		}
		part := make([]bool, len(f.words))
		for i := from; i <= to; i++ {
			part[i] = f.probability(i, k) >= ordinary
		}
		f.runs(part, joined, func(from, to int) {
			spans = append(spans, Span{f.words[from].start, f.words[to].end, k, f.mean(from, to, k)})
		})
	})
	return spans
}

// unitWords precede the number of a part of a building.
var unitWords = wordSet("suite ste apt apartment unit floor flat room rm box building bldg block no")

// isNumber reports whether word i is a number of at most six digits, which is a part of an address if
// it is beside one.
func (f *finder) isNumber(i int) bool {
	w := &f.words[i]
	return !w.taken && len(w.text) <= 6 && strings.Trim(w.text, "0123456789") == ""
}

// isAddress reports whether a run of words has the parts of an address: a street or a flat, or a
// number of a building or a postal code with a place.
func (f *finder) isAddress(from, to int) bool {
	number, place := false, false
	for i := from; i <= to; i++ {
		w := &f.words[i]
		if w.p[Street]+w.p[Secondary]+w.p[Address] >= ordinary && !brands[w.lower] {
			return true
		}
		number = number || w.p[Building]+w.p[PostalCode] >= ordinary
		place = place || f.probability(i, Place) >= ordinary && strings.ContainsFunc(w.text, unicode.IsLetter) && !brands[w.lower]
	}
	return number && place
}

// isAddressGap reports whether the parts of an address on both sides of a gap are one: it is short and
// has only white space and punctuation.
func isAddressGap(gap string) bool {
	return len(gap) <= 8 && strings.Trim(gap, " \t\r\n\u00a0,.;#-–/()?") == ""
}
