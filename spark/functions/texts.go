package functions

import "github.com/firesteel/firesteel/spark"

// Functions of texts.

// Upper is the text in upper case.
func Upper(c spark.Column) spark.Column {
	return spark.Call("upper", c)
}

// Lower is the text in lower case.
func Lower(c spark.Column) spark.Column {
	return spark.Call("lower", c)
}

// InitCap is the text with the first letter of each word in upper case.
func InitCap(c spark.Column) spark.Column {
	return spark.Call("initcap", c)
}

// Length is the number of characters of a text, or of bytes of a BINARY.
func Length(c spark.Column) spark.Column {
	return spark.Call("length", c)
}

// Trim is the text without spaces at both ends.
func Trim(c spark.Column) spark.Column {
	return spark.Call("trim", c)
}

// LTrim is the text without spaces at the start.
func LTrim(c spark.Column) spark.Column {
	return spark.Call("ltrim", c)
}

// RTrim is the text without spaces at the end.
func RTrim(c spark.Column) spark.Column {
	return spark.Call("rtrim", c)
}

// LPad is the text filled at the start with pad, or cut, to length characters.
func LPad(c spark.Column, length any, pad any) spark.Column {
	return spark.Call("lpad", c, length, pad)
}

// RPad is the text filled at the end with pad, or cut, to length characters.
func RPad(c spark.Column, length any, pad any) spark.Column {
	return spark.Call("rpad", c, length, pad)
}

// Substring is length characters from position start, which counts from 1, or from the end if it is negative.
func Substring(c spark.Column, start any, length any) spark.Column {
	return spark.Call("substring", c, start, length)
}

// SubstringIndex is the text before the delimiter number count; of a negative one, counted from the end, the text after it.
func SubstringIndex(c spark.Column, delimiter any, count any) spark.Column {
	return spark.Call("substring_index", c, delimiter, count)
}

// Concat is the texts, arrays or binaries one after the other; NULL if one is NULL.
func Concat(columns ...any) spark.Column {
	return spark.Call("concat", columns...)
}

// ConcatWS is the texts that are not NULL, with the separator between them.
func ConcatWS(separator any, columns ...any) spark.Column {
	return spark.Call("concat_ws", append([]any{separator}, columns...)...)
}

// Split is an ARRAY of the parts between the matches of a regular expression.
func Split(c spark.Column, pattern any) spark.Column {
	return spark.Call("split", c, pattern)
}

// RegexpReplace is the text with all matches of a regular expression replaced; $1 is its first group.
func RegexpReplace(c spark.Column, pattern any, replacement any) spark.Column {
	return spark.Call("regexp_replace", c, pattern, replacement)
}

// RegexpExtract is the group of the first match of a regular expression, or an empty text; group 0 is the whole match.
func RegexpExtract(c spark.Column, pattern any, group any) spark.Column {
	return spark.Call("regexp_extract", c, pattern, group)
}

// RegexpExtractAll is an ARRAY of the group of all matches of a regular expression.
func RegexpExtractAll(c spark.Column, pattern any, group any) spark.Column {
	return spark.Call("regexp_extract_all", c, pattern, group)
}

// RegexpCount is the number of matches of a regular expression.
func RegexpCount(c spark.Column, pattern any) spark.Column {
	return spark.Call("regexp_count", c, pattern)
}

// RegexpSubstr is the first match of a regular expression, or NULL.
func RegexpSubstr(c spark.Column, pattern any) spark.Column {
	return spark.Call("regexp_substr", c, pattern)
}

// RegexpInStr is the position of the first match of a regular expression, from 1, or 0.
func RegexpInStr(c spark.Column, pattern any) spark.Column {
	return spark.Call("regexp_instr", c, pattern)
}

// Replace is the text with all occurrences of search replaced.
func Replace(c spark.Column, search any, replacement any) spark.Column {
	return spark.Call("replace", c, search, replacement)
}

// Translate is the text with each character of matching replaced by the one at its place in replacement.
func Translate(c spark.Column, matching any, replacement any) spark.Column {
	return spark.Call("translate", c, matching, replacement)
}

// Reverse is the text or array in reverse order.
func Reverse(c spark.Column) spark.Column {
	return spark.Call("reverse", c)
}

// Repeat is the text n times.
func Repeat(c spark.Column, n any) spark.Column {
	return spark.Call("repeat", c, n)
}

// InStr is the position of the first occurrence of part, from 1, or 0.
func InStr(c spark.Column, part any) spark.Column {
	return spark.Call("instr", c, part)
}

// Locate is the position of the first occurrence of part at or after a position, from 1, or 0.
func Locate(part any, c spark.Column, position any) spark.Column {
	return spark.Call("locate", part, c, position)
}

// Left is the first n characters.
func Left(c spark.Column, n any) spark.Column {
	return spark.Call("left", c, n)
}

// Right is the last n characters.
func Right(c spark.Column, n any) spark.Column {
	return spark.Call("right", c, n)
}

// SplitPart is the part number n between delimiters, from 1, or from the end if it is negative.
func SplitPart(c spark.Column, delimiter any, n any) spark.Column {
	return spark.Call("split_part", c, delimiter, n)
}

// Levenshtein is the number of characters to insert, remove or replace to turn one text into the other.
func Levenshtein(c spark.Column, other spark.Column) spark.Column {
	return spark.Call("levenshtein", c, other)
}

// Soundex is the Soundex code of a text.
func Soundex(c spark.Column) spark.Column {
	return spark.Call("soundex", c)
}

// ASCII is the code of the first character.
func ASCII(c spark.Column) spark.Column {
	return spark.Call("ascii", c)
}

// Chr is the character of a code, modulo 256.
func Chr(c spark.Column) spark.Column {
	return spark.Call("chr", c)
}

// FormatString is the arguments in a format as of printf.
func FormatString(format any, columns ...any) spark.Column {
	return spark.Call("format_string", append([]any{format}, columns...)...)
}

// FormatNumber is the number as text with commas between thousands.
func FormatNumber(c spark.Column, decimals any) spark.Column {
	return spark.Call("format_number", c, decimals)
}

// Base64 is a BINARY as text in base 64.
func Base64(c spark.Column) spark.Column {
	return spark.Call("base64", c)
}

// UnBase64 is the BINARY of a text in base 64.
func UnBase64(c spark.Column) spark.Column {
	return spark.Call("unbase64", c)
}

// Encode is the BINARY of a text in a character set such as UTF-8.
func Encode(c spark.Column, charset any) spark.Column {
	return spark.Call("encode", c, charset)
}

// Decode is the text of a BINARY in a character set.
func Decode(c spark.Column, charset any) spark.Column {
	return spark.Call("decode", c, charset)
}

// MD5 is the MD5 digest in hexadecimal digits.
func MD5(c spark.Column) spark.Column {
	return spark.Call("md5", c)
}

// SHA1 is the SHA-1 digest in hexadecimal digits.
func SHA1(c spark.Column) spark.Column {
	return spark.Call("sha1", c)
}

// SHA2 is the SHA-2 digest of 224, 256, 384 or 512 bits in hexadecimal digits.
func SHA2(c spark.Column, bits any) spark.Column {
	return spark.Call("sha2", c, bits)
}

// Hex is a number, text or BINARY in hexadecimal digits.
func Hex(c spark.Column) spark.Column {
	return spark.Call("hex", c)
}

// UnHex is the BINARY of hexadecimal digits.
func UnHex(c spark.Column) spark.Column {
	return spark.Call("unhex", c)
}

// Overlay is the text with length characters from a position on replaced.
func Overlay(c spark.Column, replacement spark.Column, position any, length any) spark.Column {
	return spark.Call("overlay", c, replacement, position, length)
}

// CharLength is the number of characters.
func CharLength(c spark.Column) spark.Column {
	return spark.Call("char_length", c)
}

// BitLength is the number of bits.
func BitLength(c spark.Column) spark.Column {
	return spark.Call("bit_length", c)
}

// OctetLength is the number of bytes.
func OctetLength(c spark.Column) spark.Column {
	return spark.Call("octet_length", c)
}

// Contains reports whether the text contains part.
func Contains(c spark.Column, part any) spark.Column {
	return spark.Call("contains", c, part)
}

// StartsWith reports whether the text begins with prefix.
func StartsWith(c spark.Column, prefix any) spark.Column {
	return spark.Call("startswith", c, prefix)
}

// EndsWith reports whether the text ends with suffix.
func EndsWith(c spark.Column, suffix any) spark.Column {
	return spark.Call("endswith", c, suffix)
}

// URLEncode is the text as part of a URL.
func URLEncode(c spark.Column) spark.Column {
	return spark.Call("url_encode", c)
}

// URLDecode is the text of a part of a URL.
func URLDecode(c spark.Column) spark.Column {
	return spark.Call("url_decode", c)
}

// ParseURL is a part of a URL: HOST, PATH, QUERY, REF, PROTOCOL, FILE, AUTHORITY or USERINFO.
func ParseURL(c spark.Column, part any) spark.Column {
	return spark.Call("parse_url", c, part)
}
