// Package entity finds persons, places, addresses and numbers of documents in a text with a tagger:
// a model that gives the probabilities of labels for each token. It knows the labels of common
// taggers, so that any of them can be used, and joins the parts of one thing: a given name and a
// surname, or a street, a city and a postal code.
package entity

import (
	"slices"
	"strings"
	"unicode"
)

// Kind is a kind of thing in a text.
type Kind uint8

// The kinds that taggers know.
const (
	Person Kind = iota + 1
	GivenName
	Surname
	Place
	City
	Region // a state, a county or a province
	Country
	Address
	Street
	Building  // the number of a building
	Secondary // a flat, a floor or a post-office box
	PostalCode
	Organization
	Product
	Work  // a work of art or a book
	Group // nationality, religion or political group
	Event
	Passport
	DriverLicence
	NationalID // numbers of identity, tax, social security and health
	BankAccount
	RoutingNumber
	numKinds
)

// parts lists the narrower kinds of a kind.
var parts = map[Kind][]Kind{
	Person:     {GivenName, Surname},
	Place:      {City, Region, Country},
	Address:    {Street, Building, Secondary, PostalCode},
	NationalID: {Passport, DriverLicence},
}

// names lists the names of each kind: those of labels of users and those of labels of taggers.
var names = [numKinds]struct{ users, tags []string }{
	Person: {
		[]string{"person", "name", "person name", "full name", "human", "individual", "customer name", "patient name", "name of person"},
		[]string{"PER", "PERSON", "NAME", "PERSON_NAME", "FULL_NAME", "PATIENT", "DOCTOR", "PREFIX_NAME"},
	},
	GivenName: {
		[]string{"first name", "given name", "forename", "christian name", "firstname", "middle name"},
		[]string{"GIVEN_NAME", "GIVENNAME", "GIVENNAME1", "GIVENNAME2", "FIRST_NAME", "FIRSTNAME", "MIDDLE_NAME", "MIDDLENAME"},
	},
	Surname: {
		[]string{"last name", "surname", "family name", "lastname"},
		[]string{"SURNAME", "LASTNAME", "LASTNAME1", "LASTNAME2", "LASTNAME3", "LAST_NAME", "FAMILY_NAME"},
	},
	Place: {
		[]string{"place", "location", "geographic location", "geopolitical entity"},
		[]string{"LOC", "LOCATION", "GPE", "PLACE", "FAC", "GEO"},
	},
	City:    {[]string{"city", "cities", "town", "village"}, []string{"CITY", "TOWN"}},
	Region:  {[]string{"state", "region", "province", "county"}, []string{"STATE", "COUNTY", "REGION", "PROVINCE"}},
	Country: {[]string{"country", "countries", "nation"}, []string{"COUNTRY"}},
	Address: {
		[]string{"address", "postal address", "street address", "home address", "mailing address", "physical address", "billing address", "shipping address"},
		[]string{"ADDRESS", "STREET_ADDRESS", "STREETADDRESS", "FULL_ADDRESS"},
	},
	Street:       {[]string{"street", "street name", "road"}, []string{"STREET", "STREET_NAME", "STREETNAME"}},
	Building:     {[]string{"building number", "house number"}, []string{"BUILDING_NUMBER", "BUILDINGNUMBER", "BUILDINGNUM", "BUILDING", "HOUSE_NUMBER"}},
	Secondary:    {[]string{"apartment", "secondary address"}, []string{"SECONDARY_ADDRESS", "SECONDARYADDRESS", "SECADDRESS"}},
	PostalCode:   {[]string{"postal code", "zip", "zip code", "zipcode", "postcode", "post code"}, []string{"ZIP_CODE", "ZIPCODE", "ZIP", "POSTAL_CODE", "POSTCODE"}},
	Organization: {[]string{"organization", "organisation", "company", "companies", "corporation", "employer", "institution"}, []string{"ORG", "ORGANIZATION", "ORGANISATION", "CORPORATION", "COMPANY", "COMPANYNAME", "COMPANY_NAME"}},
	Product:      {[]string{"product", "brand"}, []string{"PRODUCT", "PROD", "BRAND"}},
	Work:         {[]string{"creative work", "work of art", "title of a work"}, []string{"WORK_OF_ART", "CREATIVE_WORK", "CREATIVEWORK"}},
	Group:        {[]string{"nationality", "religion", "nrp", "political group"}, []string{"NORP", "NRP", "GROUP", "NATIONALITY"}},
	Event:        {[]string{"event"}, []string{"EVENT"}},
	Passport:     {[]string{"passport", "passport number"}, []string{"PASSPORT", "PASSPORT_NUMBER", "PASSPORTNUM"}},
	DriverLicence: {
		[]string{"driver licence", "driver license", "drivers license", "driving licence"},
		[]string{"DRIVERS_LICENSE", "DRIVER_LICENSE", "DRIVERLICENSENUM", "DRIVERLICENSE", "US_DRIVER_LICENSE"},
	},
	NationalID: {
		[]string{"national id", "id", "id number", "id card", "government id", "tax id"},
		[]string{"GOVERNMENT_ID", "TAX_ID", "TAXNUM", "IDCARDNUM", "IDCARD", "ID", "ID_NUM", "IDNUM", "NATIONAL_ID", "SSN", "SOCIALNUM", "SOCIAL_SECURITY_NUMBER", "US_SSN"},
	},
	BankAccount:   {[]string{"bank account", "account number", "bank account number"}, []string{"BANK_ACCOUNT", "ACCOUNTNUM", "ACCOUNTNUMBER", "ACCOUNT_NUMBER"}},
	RoutingNumber: {[]string{"routing number", "bank routing number"}, []string{"ROUTING_NUMBER"}},
}

var ofUser, ofTag = func() (map[string]Kind, map[string]Kind) {
	users, tags := map[string]Kind{}, map[string]Kind{}
	for kind := range names {
		for _, name := range names[kind].users {
			users[key(name)] = Kind(kind)
		}
		for _, name := range names[kind].tags {
			tags[key(name)] = Kind(kind)
		}
	}
	return users, tags
}()

// key returns the letters and digits of a name, in lower case.
func key(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// KindOf returns the kind that a label of a user names, in any case, singular or plural, with spaces,
// hyphens or underscores.
func KindOf(label string) (Kind, bool) {
	k := key(label)
	for _, name := range []string{k, strings.TrimSuffix(k, "s"), strings.TrimSuffix(k, "es")} {
		if kind, ok := ofUser[name]; ok {
			return kind, true
		}
	}
	return 0, false
}

// kindOfTag returns the kind of a label of a tagger, such as B-PER, or 0.
func kindOfTag(label string) Kind {
	if len(label) > 2 && strings.ContainsRune("BIOLUESbioluES", rune(label[0])) && (label[1] == '-' || label[1] == '_') {
		label = label[2:]
	}
	return ofTag[key(label)]
}

// has reports whether a kind includes another: itself and its parts.
func (k Kind) has(other Kind) bool { return k == other || slices.Contains(parts[k], other) }

// wider returns the kind that includes k, or 0.
func (k Kind) wider() Kind {
	for whole, list := range parts {
		if slices.Contains(list, k) {
			return whole
		}
	}
	return 0
}
