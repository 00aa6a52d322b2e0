package entity

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// wordSet returns a set of words.
func wordSet(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(text) {
		set[w] = true
	}
	return set
}

// titles precede a name and are not a part of it.
var titles = wordSet("mr mrs ms miss mx dr prof professor sir dame lord lady madam mme herr frau señor señora monsieur madame")

// suffixes follow a name and are a part of it.
var suffixes = wordSet("jr sr ii iii iv md phd dds dvm esq")

// particles join the parts of a name.
var particles = wordSet("de da di do dos das du del della der den van von zu la le el al bin ben ibn y")

// organizationWords end the name of an organization: a name before such a word is not a person.
var organizationWords = wordSet(`inc llc llp ltd limited corp corporation company co plc gmbh ag sa consulting group bank university college school institute
	hospital clinic partners associates association foundation industries systems technologies technology solutions services international holdings airlines
	motors insurance records studios pictures press society club council ministry department agency airport museum hotel restaurant`)

// brands are names of well-known makers and services that taggers take for persons.
var brands = wordSet(`samsung nokia sony ericsson motorola verizon sprint apple iphone ipod ipad macbook blackberry microsoft windows google android amazon kindle
	ebay walmart costco ikea toyota honda nissan bmw audi volkswagen hyundai kia tesla dell hp ibm intel amd nvidia lenovo asus acer toshiba hitachi panasonic
	philips siemens bosch canon nikon epson lg htc huawei xiaomi oppo sanyo casio jabra plantronics logitech garmin adidas nike puma reebok gucci prada chanel
	rolex starbucks pepsi nestle disney netflix facebook twitter instagram youtube yahoo paypal visa mastercard fedex dhl uber lyft airbnb spotify vodafone skype`)

// persons returns the names of persons, or the given names or surnames in them.
func (f *finder) persons(k Kind) (spans []Span) {
	marked := make([]bool, len(f.words))
	never := func(i int) bool {
		lower := f.words[i].lower
		return titles[lower] || brands[lower] || !strings.ContainsFunc(lower, unicode.IsLetter)
	}
	for i := range f.words {
		if never(i) {
			continue
		}
		least := f.threshold(i)
		if i > 0 && titles[f.words[i-1].lower] && isBlankGap(f.gap(i-1)) {
			least = afterTitle
		}
		marked[i] = f.probability(i, Person) >= least
	}
	f.joinBeside(marked, Person, never)
	for i := 1; i+1 < len(marked); i++ { // "Ludwig van Beethoven"
		if !marked[i] && marked[i-1] && marked[i+1] && particles[f.words[i].lower] && isBlankGap(f.gap(i-1)) && isBlankGap(f.gap(i)) {
			marked[i] = !f.words[i].taken
		}
	}
	f.runs(marked, func(i int) bool { return f.sameName(i) || f.gap(i) == "." }, func(from, to int) {
		if f.isOrganization(to) {
			return
		}
		if k != Person && f.labelled(k) == k {
			spans = append(spans, f.partsOf(from, to, k)...)
			return
		}
		end := f.words[to].end
		if f.hasSuffix(to) {
			end = f.words[to+1].end
		}
		spans = append(spans, Span{f.words[from].start, end, k, f.mean(from, to, Person)})
	})
	return spans
}

// hasSuffix reports whether a suffix such as "Jr" or "MD" follows word i.
func (f *finder) hasSuffix(i int) bool {
	if i+1 >= len(f.words) || !isBlankGap(strings.TrimPrefix(f.gap(i), ",")) {
		return false
	}
	next := f.words[i+1]
	first, _ := utf8.DecodeRuneInString(next.text)
	return unicode.IsUpper(first) && suffixes[next.lower]
}

// isOrganization reports whether the words with capitals after word i include one that ends the name
// of an organization.
func (f *finder) isOrganization(i int) bool {
	for ; i+1 < len(f.words); i++ {
		gap := f.gap(i)
		next := f.words[i+1]
		first, _ := utf8.DecodeRuneInString(next.text)
		if strings.Trim(strings.NewReplacer("&", "", "and", "").Replace(gap), " \t,") != "" || !unicode.IsUpper(first) {
			return false
		}
		if organizationWords[next.lower] {
			return true
		}
	}
	return false
}

// partsOf returns the given names or the surnames of a name.
func (f *finder) partsOf(from, to int, k Kind) (spans []Span) {
	for i := from; i <= to; i++ {
		p := f.probability(i, k)
		if p < f.probability(i, GivenName+Surname-k) {
			continue
		}
		if n := len(spans); n > 0 && i > from && spans[n-1].End == f.words[i-1].end {
			spans[n-1].End = f.words[i].end
			continue
		}
		spans = append(spans, Span{f.words[i].start, f.words[i].end, k, float64(p)})
	}
	return spans
}
