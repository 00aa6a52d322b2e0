package pii

import (
	"slices"
	"strings"
	"testing"
)

// cases are texts for each kind. ‹ and › enclose the expected findings. In a
// text without them, nothing of any kind is found. The numbers are examples of
// the standards and of issuers' documentation, or are constructed to the same
// rules.
var cases = []struct {
	kind  Kind
	texts []string
}{
	{Email, []string{
		"write to ‹ann@example.com›.", "‹Ann.Lee+tag@mail.example.co.uk›, please", "<‹x_y-z@sub.example.org›>", "mailto:‹o'brien@example.ie›?subject=hi",
		"q=1&mail=‹ann@example.com›&x=2", "‹\"ann lee\"@example.com› is quoted", "‹admin@[192.168.2.1]›", "‹ann@[IPv6:2001:db8::1]›",
		"‹用户@例子.广告›", "请联系‹zhang@example.com›谢谢", "‹müller@bücher.example›", "‹иван@пример.рф› и ещё", "אל ‹dana@example.co.il›, תודה",
		"‹ann@example.com›.Then", "‹ann@xn--bcher-kva.example›", "'‹bob@example.com›'", "‹_x@example.com›", "‹12125551234@txt.example.net›", "‹ａｎｎ＠ｅｘａｍｐｌｅ.ｃｏｍ›",
		"‹a@example.com›,‹b@example.com›", "‹kim@example.com›으로", "‹ann@example.com›-- bye", "ann@foo--.com", "no@host", "@handle hello", "a@b", "ann@example.c0m", "a@@example.com", "meet @ 5.30", "@example.com",
		strings.Repeat("a", 65) + "@example.com",
	}},
	{Phone, []string{
		"‹+1 (212) 555-0123›", "‹+44 20 7946 0958›", "‹+49 (0)30 901820›", "‹+972-50-123-4567›", "‹+33 6 12 34 56 78›", "‹+86 138 0013 8000›", "‹+14155552671›",
		"‹(212) 555-0123›", "‹212-555-0123 ext. 45›", "‹212.555.0123x77›", "‹1-800-555-0199›", "‹020 7946 0958› in London", "‹0171/1234567›", "‹06 12 34 56 78›",
		"‹0044 20 7946 0958›", "‹001-420-335-7509x38548›", "call ‹5550123›", "Tel.: ‹555-0123›", "my mobile is ‹2125550123›", "‹555 0123› (office)", "电话‹13800138000›。", "טלפון: ‹050-1234567›",
		"هاتف ‹٠٥٠١٢٣٤٥٦٧›", "тел. ‹8 (495) 123-45-67›", "‹＋81 3-1234-5678›", "+999 123 456 789", "2125550123 is a number", "order 5550123 now", "$212 555 0123", "ISBN 0-306-40615-2", "pages 100-200-3000", "0123 times", "1234567 bottles", "+5 points", "call 911",
	}},
	{CreditCard, []string{
		"‹4111111111111111›", "‹4111 1111 1111 1111› 123", "‹4111-1111-1111-1111›", "‹378282246310005›", "‹3782 822463 10005›", "‹5555555555554444›", "‹2223003122003222›",
		"‹6011111111111117›", "‹30569309025904›", "‹3530111333300000›", "‹6250941006528599›", "‹2200000000000004›", "visa ‹4222222222222›", "card ‹6759649826438453›", "卡号‹4111111111111111›。", "‹４１１１１１１１１１１１１１１１›",
		"4111111111111112", "4222222222222", "1234567812345670", "0.4111111111111111", "A4111111111111111", "41111111111111111111", "0000000000000000", "0 1 1 2 3 5 8 13 21 34 55 89 144 233",
	}},
	{IBAN, []string{
		"‹GB29NWBK60161331926819›", "‹GB29 NWBK 6016 1331 9268 19›", "‹DE89 3704 0044 0532 0130 00›,", "‹de89370400440532013000›", "‹FR1420041010050500013M02606›", "‹NO93 8601 1117 947›", "‹MT84MALT011000012345MTLCAST001S›",
		"‹CH93-0076-2011-6238-5295-7›", "GB28NWBK60161331926819", "DE8937040044053201300", "ZZ29NWBK60161331926819", "GB29 NWBK-6016 1331 9268 19", "GB29NWBK60161331926819X",
	}},
	{IPAddress, []string{
		"‹192.0.2.1›", "at ‹10.0.0.255›:8080", "‹198.51.100.0›/24", "%20|‹98.85.59.159›|", "‹2001:db8::1›", "[‹2001:db8:0:0:0:0:0:1›]:443", "‹::1›", "‹::ffff:192.0.2.128›", "‹fe80::1ff:fe23:4567:890a%eth0›", "地址‹192.0.2.1›。",
		"256.1.1.1", "1.2.3", "1.2.3.4.5", "version 1.2.3.4", "01.2.3.4", "std::string", "a::b", "10:20:30", "2001:db8::1::2", "12345::1",
	}},
	{MACAddress, []string{"‹00:1A:2B:3C:4D:5E›", "‹00-1a-2b-3c-4d-5e›", "‹001a.2b3c.4d5e›", "‹02:00:5e:10:00:00:00:01›", "00:1A:2B:3C:4D", "00:1A:2B:3C:4D:5G", "00:1A-2B:3C-4D:5E", "1234.5678.9012"}},
	{URL, []string{
		"see ‹https://example.com/a_(b)?q=1&r=%20#top›.", "(‹http://www.example.org/›)", "‹ftp://ftp.example.net/x.txt›, then", "‹www.example.com›!", "‹example.com› and ‹Example.co.uk/path›", "‹http://user:pw@example.com:8080/x›", "‹http://[2001:db8::1]:80/›",
		"‹http://localhost:3000/x›", "访问‹https://example.com/路径›。谢谢", "见‹https://example.com/abc›谢谢", "‹https://пример.рф/путь›", "‹https://ja.wikipedia.org/wiki/日本›", "‹bit.ly/3xYz›", "‹http://192.0.2.7/x›", "‹https://x.com/?m=ann@example.com›", "<a href=\"‹https://example.com/›\">",
		"e.g. this", "the end.So what", "node.js and main.go", "it.is", "http:// nothing", "foo://bar.baz", "‹example.com›.It is", "v1.2", "and/or", "a.b",
	}},
	{SSN, []string{"‹536-90-4399›", "SSN ‹536 90 4399›", "social security number: ‹536904399›", "000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000", "123 45 6789", "1123-45-6789"}},
	{Date, []string{
		"‹1998-06-28 14:48:14›", "‹2024-02-29T23:59:59.123Z›", "‹12/27/1986›", "‹27.12.1986›", "‹1/2/98›", "on ‹March 29, 2017›.", "‹29 March 2017›", "the ‹29th of March, 2017›", "‹29-Mar-2017›", "‹Mar. 29th 2017 at 2:48 pm›", "‹5 de mayo de 2017›", "am ‹3. Oktober 1990›", "‹12 января 2020› г.", "‹14 juillet 1789›",
		"‹2017年3月29日›", "‹2017년 3월 29일›", "于‹2017年3月›。", "‹٢٠١٧-٠٣-٢٩›", "in ‹March 2017›", "‹June 5th›", "‹5 mar 2017›", "born ‹19980628›", "‹19980628T144814Z›",
		"2023-02-29", "2017-003-29", "1998-06-28-5", "12/027/1986", "13/13/2013", "31.04.2020", "in 1998", "Friday", "may 5 people", "1.2.3", "1-2-3", "at 14:48", "24/7", "19980628", "version 10.11.12", "1990s", "March on", "the 2nd one", "Mars 2020", "Rua Cinco de Outubro 1257",
	}},
	{CryptoAddress, []string{
		"‹1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa›", "‹3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy›", "‹bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4›", "‹bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0›", "‹0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed›",
		"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", "abcdefghijkmnopqrstuvwxyzABCDEFGH",
	}},
	{RoutingNumber, []string{"routing number ‹021000021›", "ABA: ‹011401533›", "sort code ‹20-00-00›", "SWIFT: ‹DEUTDEFF500›", "BIC ‹NEDSZAJJ›", "routing number 021000022", "021000021", "DEUTDEFF500", "Swift SOLUTION2"}},
	{BankAccount, []string{"account number ‹12345678›", "acct ‹0532013000›", "Konto: ‹532 013 000›", "账号‹6222021234›。", "12345678", "my account 12345", "on account of 3 people and 12345678"}},
	{Passport, []string{"passport ‹C03005988›", "Passport No. ‹925665416›", "护照‹E12345678›", "C03005988", "passport photo 2x2", "passport expires 2030"}},
	{DriverLicence, []string{"my driver's license number is ‹481195160›", "DL: ‹F255-9215-0094›", "driving licence ‹MORGA753116SM9IJ›", "licensed for 2 years", "481195160"}},
	{NationalID, []string{
		"‹AB 12 34 56 C›", "‹AB123456C›", "‹529.982.247-25›", "‹11010519491231002X›", "‹RSSMRA85T10A562S›", "‹12345678Z›", "‹X1234567L›", "‹Y1234567X›", "‹Z-7654321-H›", "NHS number ‹943 476 5919›", "ID: ‹A1234567›", "身份证‹11010519491231002X›", "tax id ‹12-3456789›",
		"BG123456C", "529.982.247-26", "110105194912310021", "RSSMRA85T10A562T", "12345678A", "943 476 5919x",
	}},
	{PostalCode, []string{"ZIP: ‹11164›", "zip code is ‹90210-1234›", "postcode ‹SW1A 1AA›", "PLZ ‹10115›", "ZIP: ‹394 13›", "邮编‹100000›", "11164", "zip file", "a zip of 3"}},
}

// parseCase returns a text of cases without ‹ and ›, and the spans between them.
func parseCase(kind Kind, text string) (string, []Span) {
	var plain strings.Builder
	var spans []Span
	for _, r := range text {
		switch r {
		case '‹':
			spans = append(spans, Span{Start: plain.Len(), Kind: kind})
		case '›':
			spans[len(spans)-1].End = plain.Len()
		default:
			plain.WriteRune(r)
		}
	}
	return plain.String(), spans
}

// TestFind requests all kinds, and then only the kind of the case.
func TestFind(t *testing.T) {
	for _, c := range cases {
		for _, text := range c.texts {
			plain, want := parseCase(c.kind, text)
			for _, kinds := range [][]Kind{nil, {c.kind}} {
				if got := Find(plain, kinds); !slices.EqualFunc(got, want, samePlace) {
					t.Errorf("%s: %q gives%s", c.kind, text, list(plain, got))
				}
			}
		}
	}
}

func samePlace(a, b Span) bool { return a.Start == b.Start && a.End == b.End && a.Kind == b.Kind }

// TestSurroundingScripts surrounds findings with other scripts, emoji and
// invalid bytes, and with direction marks, which are not part of the finding.
func TestSurroundingScripts(t *testing.T) {
	for _, around := range [][2]string{{"価格", "です"}, {"见：", "。"}, {"\u200f", "\u200e"}, {"שלום ", " תודה"}, {"\u202b", "\u202c"}, {"👩‍👩‍👧 ", " 👍🏽"}, {"\xff ", "\xff"}, {"e\u0301 ", ""}} {
		for _, c := range []struct {
			kind Kind
			text string
		}{{Email, "ann@example.com"}, {CreditCard, "4111111111111111"}, {IBAN, "GB29NWBK60161331926819"}, {Phone, "+1 212 555 0123"}, {IPAddress, "192.0.2.1"},
			{URL, "https://example.com/x"}, {SSN, "536-90-4399"}, {Date, "1998-06-28"}, {MACAddress, "00:1A:2B:3C:4D:5E"}} {
			text := around[0] + c.text + around[1]
			want := []Span{{Start: len(around[0]), End: len(around[0]) + len(c.text), Kind: c.kind}}
			if got := Find(text, nil); !slices.EqualFunc(got, want, samePlace) {
				t.Errorf("%q gives%s", text, list(text, got))
			}
		}
	}
}

// TestCombiningMarks checks that a span includes the combining marks of its
// last character.
func TestCombiningMarks(t *testing.T) {
	text := "jose\u0301@exa\u0308mple.com\u0301 now"
	got := Find(text, nil)
	if len(got) != 1 || text[got[0].Start:got[0].End] != "jose\u0301@exa\u0308mple.com\u0301" {
		t.Errorf("%q gives%s", text, list(text, got))
	}
}

func TestOverlaps(t *testing.T) {
	for _, c := range []struct {
		text  string
		kinds []Kind
		want  string
	}{
		{"https://example.com/?mail=ann@example.com", nil, " url https://example.com/?mail=ann@example.com;"},
		{"https://example.com/?mail=ann@example.com", []Kind{Email}, " email ann@example.com;"},
		{"http://192.0.2.7/x", []Kind{IPAddress}, " ip address 192.0.2.7;"},
		{"call 536-90-4399", []Kind{Phone}, " nothing"},
		{"call 12/27/1986", []Kind{Phone}, " nothing"},
		{"call about account 123456789", nil, " bank account 123456789;"},
		{"account questions? call 123456789", nil, " phone 123456789;"},
		{"account GB29NWBK60161331926819", []Kind{BankAccount}, " iban GB29NWBK60161331926819;"},
		{"536-90-4399", []Kind{NationalID}, " ssn 536-90-4399;"},
		{"a@example.com 192.0.2.1", []Kind{IPAddress, Email, 200}, " email a@example.com; ip address 192.0.2.1;"},
		{"", nil, " nothing"},
	} {
		if got := list(c.text, Find(c.text, c.kinds)); got != c.want {
			t.Errorf("%q for %v gives%s, want%s", c.text, c.kinds, got, c.want)
		}
	}
}

func TestKindOf(t *testing.T) {
	for label, want := range map[string]Kind{
		"email": Email, "E-Mail": Email, "EMAIL_ADDRESS": Email, "email addresses": Email, "Phone numbers": Phone, "PHONE_NUMBER": Phone,
		"credit card": CreditCard, "CREDIT_CARD": CreditCard, "creditCardNumber": CreditCard, "SSN": SSN, "US_SSN": SSN, "social-security-number": SSN,
		"ip address": IPAddress, "IPv6": IPAddress, "IBAN_CODE": IBAN, "url": URL, "DOMAIN_NAME": URL, "date": Date, "DATE_TIME": Date, "date of birth": Date,
		"US_DRIVER_LICENSE": DriverLicence, "driver's license": DriverLicence, "passport number": Passport, "ZIP": PostalCode, "UK_NHS": NationalID, "CRYPTO": CryptoAddress,
		"MAC address": MACAddress, "routing number": RoutingNumber, "account number": BankAccount,
		"person": 0, "address": 0, "city": 0, "": 0, "location": 0, "organization": 0,
	} {
		if got, ok := KindOf(label); got != want || ok != (want != 0) {
			t.Errorf("%q is %v, %v; want %v", label, got, ok, want)
		}
	}
	for _, kind := range Kinds() {
		if got, ok := KindOf(kind.String()); !ok || got != kind {
			t.Errorf("KindOf(%q) is %v", kind, got)
		}
	}
	if s := Kind(99).String(); s != "unknown" {
		t.Errorf("kind 99 is %q", s)
	}
}

// TestNamesAreUnique checks that no label names two kinds.
func TestNamesAreUnique(t *testing.T) {
	seen := map[string]Kind{}
	for kind, list := range names {
		for _, name := range list {
			if other, ok := seen[labelKey(name)]; ok && other != Kind(kind) {
				t.Errorf("%q is %v and %v", name, other, Kind(kind))
			}
			seen[labelKey(name)] = Kind(kind)
		}
	}
}

func list(text string, spans []Span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(" " + s.Kind.String() + " " + text[s.Start:s.End] + ";")
	}
	if len(spans) == 0 {
		return " nothing"
	}
	return b.String()
}
