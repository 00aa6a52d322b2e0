package entity

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/firesteel/firesteel/llm"
)

// tokensOf returns the tokens of a text, which are its words. A word has its label in labels with the
// probability p, or the first label.
func tokensOf(text string, labels []string, words map[string]string, p float32) (tokens []llm.TagToken) {
	for _, at := range regexp.MustCompile(`[\pL\pN\pM]+`).FindAllStringIndex(text, -1) {
		all := make([]float32, len(labels))
		label := max(0, slices.Index(labels, words[text[at[0]:at[1]]]))
		all[0] = 1 - p
		all[label] = p
		if label == 0 {
			all[0] = 1
		}
		tokens = append(tokens, llm.TagToken{Start: at[0], End: at[1], Probabilities: all})
	}
	return tokens
}

func TestKinds(t *testing.T) {
	for label, want := range map[string]Kind{
		"Person": Person, "NAMES": Person, "first-name": GivenName, "Last Names": Surname, "cities": City, "Home_Address": Address, "zip code": PostalCode,
		"countries": Country, "companies": Organization, "passport number": Passport, "tax-id": NationalID, "diagnosis": 0, "people": 0, "": 0,
	} {
		if got, ok := KindOf(label); got != want || ok != (want != 0) {
			t.Errorf("the label %q is of kind %d, %v; expected %d", label, got, ok, want)
		}
	}
	for label, want := range map[string]Kind{
		"B-PER": Person, "I-PERSON": Person, "L-per": Person, "NAME": Person, "GIVEN_NAME": GivenName, "B-SURNAME": Surname, "LABEL_0": 0, "O": 0,
		"B-LOC": Place, "GPE": Place, "U-CITY": City, "B-STREET_NAME": Street, "BUILDINGNUM": Building, "I-ORG": Organization, "B-MISC": 0, "I-DRIVERS_LICENSE": DriverLicence,
	} {
		if got := kindOfTag(label); got != want {
			t.Errorf("the tag %q is of kind %d, expected %d", label, got, want)
		}
	}
}

func TestHas(t *testing.T) {
	private := NewTagger([]string{"O", "B-GIVEN_NAME", "I-GIVEN_NAME", "B-CITY", "B-STREET_NAME", "B-PASSPORT"})
	news := NewTagger([]string{"O", "B-PER", "I-PER", "B-LOC", "B-ORG"})
	for _, c := range []struct {
		kind          Kind
		private, news bool
	}{
		{Person, true, true}, {GivenName, true, false}, {Surname, false, false}, {Place, true, true}, {City, true, true}, {Region, false, true}, {Country, true, true},
		{Address, true, false}, {Organization, false, true}, {Passport, true, false}, {NationalID, true, false}, {BankAccount, false, false},
	} {
		if got := private.Has(c.kind); got != c.private {
			t.Errorf("private data, kind %d: %v", c.kind, got)
		}
		if got := news.Has(c.kind); got != c.news {
			t.Errorf("news, kind %d: %v", c.kind, got)
		}
	}
}

func TestFind(t *testing.T) {
	labels := []string{"O", "B-GIVEN_NAME", "B-SURNAME", "B-CITY", "B-STREET_NAME", "B-BUILDING_NUMBER", "B-ZIP_CODE", "B-GOVERNMENT_ID"}
	given, surname, city, street, building, zip, id := labels[1], labels[2], labels[3], labels[4], labels[5], labels[6], labels[7]
	for _, c := range []struct {
		name, text string
		kind       Kind
		p          float32
		words      map[string]string
		want       string // the spans, separated by |
	}{
		{"parts of a name are one span", "Ask Ann Lee now", Person, 0.9, map[string]string{"Ann": given, "Lee": surname}, "Ann Lee"},
		{"names without capitals", "ask ann lee now", Person, 0.6, map[string]string{"ann": given, "lee": surname}, "ann lee"},
		{"a word in lower case in a text with capitals", "It was too tinny for Ann", Person, 0.8, map[string]string{"tinny": given, "Ann": given}, "Ann"},
		{"the first word of a sentence needs more", "Awkward. Call Ann.", Person, 0.55, map[string]string{"Awkward": given, "Ann": given}, "Ann"},
		{"a title", "I met Dr. Wu and Wu", Person, 0.2, map[string]string{"Wu": surname}, "Wu"},
		{"a title is not a part", "MR SMITH left", Person, 0.9, map[string]string{"MR": given, "SMITH": surname}, "SMITH"},
		{"a suffix is a part", "By Ann Lee, MD.", Person, 0.9, map[string]string{"Ann": given, "Lee": surname}, "Ann Lee, MD"},
		{"a possessive s is not", "Ann's and Lee’s", Person, 0.9, map[string]string{"Ann": given, "Lee": surname}, "Ann|Lee"},
		{"a particle joins", "Ludwig van Beethoven", Person, 0.9, map[string]string{"Ludwig": given, "Beethoven": surname}, "Ludwig van Beethoven"},
		{"an initial", "John F. Kennedy spoke", Person, 0.9, map[string]string{"John": given, "F": given, "Kennedy": surname}, "John F. Kennedy"},
		{"another line", "Ann Lee\nBo", Person, 0.9, map[string]string{"Ann": given, "Lee": surname, "Bo": given}, "Ann Lee|Bo"},
		{"an organization", "We met at Nera Economic Consulting", Person, 0.9, map[string]string{"Nera": given}, ""},
		{"a brand", "My Nokia and Ann", Person, 0.9, map[string]string{"Nokia": given, "Ann": given}, "Ann"},
		{"given names", "Ann Mary Lee and Bo", GivenName, 0.9, map[string]string{"Ann": given, "Mary": given, "Lee": surname, "Bo": given}, "Ann Mary|Bo"},
		{"surnames", "Ann Lee", Surname, 0.9, map[string]string{"Ann": given, "Lee": surname}, "Lee"},
		{"another script", "Ann ג", Person, 0.9, map[string]string{"Ann": given, "ג": given}, "Ann|ג"},
		{"a city", "from New York to Oslo", Place, 0.9, map[string]string{"New": city, "York": city, "Oslo": city}, "New York|Oslo"},
		{"countries by a list", "Poland and New Zealand, not Maliard", Place, 0.9, nil, "Poland|New Zealand"},
		{"countries without capitals", "from sri lanka", Country, 0.9, nil, "sri lanka"},
		{"a person with the name of a country", "Ask Jordan Lee", Country, 0.9, map[string]string{"Jordan": given, "Lee": surname}, ""},
		{"an address", "at 7 Elm Street,\nOslo, Norway 0150. Now", Address, 0.9, map[string]string{"7": building, "Elm": street, "Street": street, "Oslo": city, "0150": zip}, "7 Elm Street,\nOslo, Norway 0150"},
		{"an abbreviation in an address", "12 Elm St, NJ 07001", Address, 0.9, map[string]string{"12": building, "Elm": street, "St": street, "07001": zip}, "12 Elm St, NJ 07001"},
		{"a flat", "12 Elm St. Suite 446, Oslo", Address, 0.9, map[string]string{"12": building, "Elm": street, "St": street, "Oslo": city}, "12 Elm St. Suite 446, Oslo"},
		{"a number is no address", "My Motorola 325 works", Address, 0.9, map[string]string{"325": building}, ""},
		{"a place is no address", "She lives in Oslo", Address, 0.9, map[string]string{"Oslo": city}, ""},
		{"a street", "12 Elm St, Oslo", Street, 0.9, map[string]string{"12": building, "Elm": street, "St": street, "Oslo": city}, "Elm St"},
		{"a number of a document", "the id AB-12 34 is", NationalID, 0.9, map[string]string{"AB": id, "12": id, "34": id}, "AB-12 34"},
		{"a document without a digit", "the id card", NationalID, 0.9, map[string]string{"card": id}, ""},
		{"no text", "", Person, 0.9, nil, ""},
	} {
		var found []string
		for _, s := range NewTagger(labels).Find(c.text, tokensOf(c.text, labels, c.words, c.p), []Kind{c.kind}, nil) {
			if s.Kind != c.kind || s.Score < 0 || s.Score > 1.01 {
				t.Errorf("%s: %+v", c.name, s)
			}
			found = append(found, c.text[s.Start:s.End])
		}
		if got := strings.Join(found, "|"); got != c.want {
			t.Errorf("%s: %q gives %q, expected %q", c.name, c.text, got, c.want)
		}
	}
}

// Words that exact rules have taken are no part of a name or an address.
func TestTaken(t *testing.T) {
	labels := []string{"O", "B-PER", "B-STREET_ADDRESS"}
	const text = "Ann ann@lee.org, 7 Elm Street 2125550143"
	words := map[string]string{"Ann": "B-PER", "ann": "B-PER", "lee": "B-PER", "7": "B-STREET_ADDRESS", "Elm": "B-STREET_ADDRESS", "Street": "B-STREET_ADDRESS", "2125550143": "B-STREET_ADDRESS"}
	at := func(s string) Span { i := strings.Index(text, s); return Span{Start: i, End: i + len(s)} }
	var found []string
	for _, s := range NewTagger(labels).Find(text, tokensOf(text, labels, words, 0.95), []Kind{Person, Address}, []Span{at("ann@lee.org"), at("2125550143")}) {
		found = append(found, text[s.Start:s.End])
	}
	if want := []string{"Ann", "7 Elm Street"}; !slices.Equal(found, want) {
		t.Errorf("found %q, expected %q", found, want)
	}
}

// Any text and any tokens give spans of whole characters within the text.
func FuzzFind(f *testing.F) {
	f.Add("Ann Lee's at 7 Elm St, Oslo", uint8(3))
	f.Add("\xff#é\u0301 ג-x 's", uint8(1))
	labels := []string{"O", "B-PER", "B-CITY", "B-STREET", "B-ZIP", "B-ORG", "B-ID"}
	f.Fuzz(func(t *testing.T, text string, seed uint8) {
		var tokens []llm.TagToken
		for i, r := range text {
			p := make([]float32, len(labels))
			p[(i+int(seed))%len(labels)] = 0.9
			tokens = append(tokens, llm.TagToken{Start: i, End: min(len(text), i+utf8.RuneLen(r)), Probabilities: p})
		}
		all := []Kind{Person, GivenName, Place, Country, Address, Street, Organization, NationalID}
		for _, s := range NewTagger(labels).Find(text, tokens, all, []Span{{Start: 1, End: 3}}) {
			if s.Start < 0 || s.End > len(text) || s.Start >= s.End {
				t.Fatalf("%q: %+v", text, s)
			}
		}
	})
}
