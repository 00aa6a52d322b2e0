package grammar

const (
	year     = `[0-9]{4}`
	leapYear = `([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)`
	day      = `(` + year + `-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|` + leapYear + `-02-29)`
	clock    = `([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])`
	label    = `[A-Za-z0-9](-?[A-Za-z0-9]){0,30}`
	host     = label + `(\.` + label + `){0,3}`
	byteText = `(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])`
	address4 = byteText + `(\.` + byteText + `){3}`
	group    = `[0-9A-Fa-f]{1,4}`
	address6 = `((` + group + `:){7}` + group +
		`|(` + group + `:){1,7}:|(` + group + `:){1,6}:` + group + `|(` + group + `:){1,5}(:` + group + `){1,2}` +
		`|(` + group + `:){1,4}(:` + group + `){1,3}|(` + group + `:){1,3}(:` + group + `){1,4}|(` + group + `:){1,2}(:` + group + `){1,5}` +
		`|` + group + `:(:` + group + `){1,6}|:(:` + group + `){1,7}|::)`
	pathChar = `([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})`
	address  = `[A-Za-z][A-Za-z0-9+.-]{0,20}://` + host + `(:[0-9]{1,5})?(/` + pathChar + `*)*(\?(` + pathChar + `|[/?])*)?(#(` + pathChar + `|[/?])*)?`
	mailWord = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
	mail     = mailWord + `+(\.` + mailWord + `+)*@` + host
	period   = `P([0-9]{1,9}W|([0-9]{1,9}Y([0-9]{1,9}M([0-9]{1,9}D)?)?|[0-9]{1,9}M([0-9]{1,9}D)?|[0-9]{1,9}D)(T` + hours + `)?|T` + hours + `)`
	hours    = `([0-9]{1,9}H([0-9]{1,9}M([0-9]{1,9}S)?)?|[0-9]{1,9}M([0-9]{1,9}S)?|[0-9]{1,9}S)`
)

// formats are expressions for the whole string of each format. Everything that
// they match is valid in the format, but they do not match all valid strings:
// times have no leap seconds, URIs have a host, and names are ASCII. Dates are
// valid dates (RFC 3339; 29 February only in leap years).
var formats = map[string]string{
	"date":          day,
	"time":          clock,
	"date-time":     day + `T` + clock,
	"duration":      period,
	"email":         mail,
	"idn-email":     mail,
	"hostname":      host,
	"idn-hostname":  host,
	"ipv4":          address4,
	"ipv6":          address6,
	"uuid":          `[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}`,
	"uri":           address,
	"uri-reference": address,
	"iri":           address,
	"iri-reference": address,
	"json-pointer":  `(/([^~/]|~[01])*)*`,
}

// unsupportedFormats are the formats of the standard that are not regular
// languages or are rarely used. Formats outside the standard are ignored.
var unsupportedFormats = map[string]bool{"regex": true, "uri-template": true, "relative-json-pointer": true}
