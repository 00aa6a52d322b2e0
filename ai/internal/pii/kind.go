package pii

import (
	"strings"
	"unicode"
)

// Kind is a kind of private data that has a pattern.
type Kind uint8

// The kinds. "With a keyword" marks the kinds that are found only after a word
// that names them, such as "passport" or "ZIP".
const (
	Email         Kind = iota + 1
	Phone              // with its extension
	CreditCard         // ISO/IEC 7812 number of a known scheme, Luhn
	IBAN               // ISO 13616
	BankAccount        // national number, with a keyword
	RoutingNumber      // ABA number, SWIFT code (ISO 9362) or sort code, with a keyword
	IPAddress          // version 4 or 6
	MACAddress         // EUI-48 or EUI-64
	URL                // with a scheme, or a host under a common top-level domain
	SSN                // social security number of the USA
	Date               // a day, or a month with its year or day; includes the time that follows
	Passport           // with a keyword
	DriverLicence      // with a keyword
	NationalID         // identity, tax and health numbers of several countries
	PostalCode         // with a keyword
	CryptoAddress      // Bitcoin and similar (Base58Check, Bech32), Ethereum
	numKinds           // one more than the last kind
)

// names lists the name of each kind and its synonyms.
var names = [numKinds][]string{
	Email:         {"email", "email address", "e-mail", "mail address", "electronic mail"},
	Phone:         {"phone", "phone number", "telephone", "telephone number", "tel", "mobile", "mobile number", "mobile phone", "cell", "cell phone", "cell number", "fax", "fax number", "contact number"},
	CreditCard:    {"credit card", "credit card number", "card", "card number", "debit card", "debit card number", "payment card", "bank card", "pan", "cc", "cc number"},
	IBAN:          {"iban", "iban code", "iban number", "international bank account number"},
	BankAccount:   {"bank account", "bank account number", "account number", "account", "bank number", "us bank number", "bank details"},
	RoutingNumber: {"routing number", "bank routing number", "aba", "aba routing number", "swift", "swift code", "bic", "bic code", "swift bic", "sort code"},
	IPAddress:     {"ip address", "ip", "ipv4", "ipv6", "ipv4 address", "ipv6 address", "internet address"},
	MACAddress:    {"mac address", "mac", "hardware address", "device address"},
	URL:           {"url", "uri", "link", "web address", "web site", "website", "web link", "web page", "domain", "domain name", "host name"},
	SSN:           {"ssn", "us ssn", "social security", "social security number", "social security no"},
	Date:          {"date", "date time", "datetime", "timestamp", "date of birth", "birth date", "birthdate", "birthday", "dob"},
	Passport:      {"passport", "passport number", "us passport", "passport no"},
	DriverLicence: {"driver licence", "driver license", "drivers licence", "drivers license", "driving licence", "driving license", "driver licence number", "driver license number", "drivers licence number", "drivers license number", "driving licence number", "us driver license", "licence number", "license number"},
	NationalID:    {"national id", "id", "id number", "id card", "identity number", "identity card", "identification number", "national id number", "national identity number", "national identification number", "tax id", "tax number", "tax identification number", "tin", "itin", "us itin", "nhs", "nhs number", "uk nhs", "nino", "uk nino", "national insurance number", "cpf", "dni", "nie", "es nif", "nif", "aadhaar", "in aadhaar", "codice fiscale", "it fiscal code", "government id"},
	PostalCode:    {"postal code", "zip", "zip code", "zipcode", "postcode", "post code", "us zip code"},
	CryptoAddress: {"crypto address", "crypto", "crypto wallet", "wallet address", "wallet", "bitcoin", "bitcoin address", "btc address", "ethereum address", "eth address", "cryptocurrency address"},
}

// covers lists the narrower kinds that a wider kind includes.
var covers = [numKinds][]Kind{
	BankAccount: {IBAN, RoutingNumber},
	NationalID:  {SSN, Passport, DriverLicence},
}

var kindOf = func() map[string]Kind {
	m := map[string]Kind{}
	for kind, list := range names {
		for _, name := range list {
			m[labelKey(name)] = Kind(kind)
		}
	}
	return m
}()

// labelKey returns the same key for labels that differ only in case, spaces,
// hyphens, underscores or a plural.
func labelKey(label string) string {
	key := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, label)
	if strings.HasSuffix(key, "sses") { // addresses
		key = strings.TrimSuffix(key, "es")
	}
	return strings.TrimSuffix(key, "s")
}

// KindOf returns the kind that a label names. A label may be in any case,
// singular or plural, with spaces, hyphens or underscores. KindOf returns false
// if the label names no kind of this package, such as a person's name.
func KindOf(label string) (Kind, bool) {
	kind, ok := kindOf[labelKey(label)]
	return kind, ok
}

// Kinds returns all kinds.
func Kinds() []Kind {
	all := make([]Kind, 0, numKinds-1)
	for k := Kind(1); k < numKinds; k++ {
		all = append(all, k)
	}
	return all
}

// String returns the name of the kind, which [KindOf] accepts.
func (k Kind) String() string {
	if k == 0 || k >= numKinds {
		return "unknown"
	}
	return names[k][0]
}

// Covers returns the narrower kinds that [Find] also returns for k: a bank
// account may be an IBAN, an identity number may be a passport number.
func (k Kind) Covers() []Kind {
	if k >= numKinds {
		return nil
	}
	return covers[k]
}

func wantedKinds(kinds []Kind) [numKinds]bool {
	var wanted [numKinds]bool
	if len(kinds) == 0 {
		kinds = Kinds()
	}
	for _, k := range kinds {
		if k >= numKinds {
			continue
		}
		wanted[k] = true
		for _, c := range covers[k] {
			wanted[c] = true
		}
	}
	return wanted
}
