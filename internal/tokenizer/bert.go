package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// bertNormalizer is the normalizer of BERT. Its steps have this order.
type bertNormalizer struct {
	clean        bool // removes control characters, and makes white space a space
	chinese      bool // adds spaces around Chinese characters
	stripAccents bool // decomposes characters and removes marks
	lowercase    bool
}

func (b bertNormalizer) normalizer() normalizer {
	var steps []normalizer
	for _, s := range []struct {
		on bool
		do normalizer
	}{{b.clean, cleanText}, {b.chinese, spaceChinese}, {b.stripAccents, stripAccents}, {b.lowercase, lowercase}} {
		if s.on {
			steps = append(steps, s.do)
		}
	}
	return sequence(steps)
}

// cleanText removes control characters and U+FFFD, and replaces white space by spaces.
func cleanText(text aligned) aligned {
	isClean := func(r rune) bool { return r == ' ' || r > ' ' && r < 0x7f }
	if i := strings.IndexFunc(text.s, func(r rune) bool { return !isClean(r) && (isBertControl(r) || unicode.IsSpace(r)) }); i < 0 {
		return text
	}
	e := text.edit()
	for i, r := range text.s {
		switch {
		case isClean(r):
		case isBertControl(r):
			e.keep(i - e.at)
			e.drop(utf8.RuneLen(r))
		case unicode.IsSpace(r):
			e.keep(i - e.at)
			e.replace(utf8.RuneLen(r), " ")
		}
	}
	return e.text()
}

// isBertControl reports whether BERT removes a character.
func isBertControl(r rune) bool {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return false
	case r < 0x7f:
		return r < ' '
	}
	return r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co)
}

// spaceChinese adds spaces around Chinese characters.
func spaceChinese(text aligned) aligned {
	if strings.IndexFunc(text.s, isChinese) < 0 {
		return text
	}
	e := text.edit()
	for i, r := range text.s {
		if isChinese(r) {
			e.keep(i - e.at)
			e.replace(utf8.RuneLen(r), " "+string(r)+" ")
		}
	}
	return e.text()
}

// isChinese reports whether BERT treats a character as a word. The ranges are those of BERT, with
// the sixth as in the library tokenizers.
func isChinese(r rune) bool {
	if r < 0x3400 {
		return false
	}
	return 0x4e00 <= r && r <= 0x9fff || 0x3400 <= r && r <= 0x4dbf || 0x20000 <= r && r <= 0x2a6df ||
		0x2a700 <= r && r <= 0x2b73f || 0x2b740 <= r && r <= 0x2b81f || 0x2b920 <= r && r <= 0x2ceaf ||
		0xf900 <= r && r <= 0xfaff || 0x2f800 <= r && r <= 0x2fa1f
}

// stripAccents decomposes characters and removes non-spacing marks.
func stripAccents(text aligned) aligned {
	if isASCII(text.s) {
		return text
	}
	return removeAll(isNonspacing)(decomposeCanonical(text))
}

func isNonspacing(r rune) bool { return r >= 0x300 && unicode.Is(unicode.Mn, r) }

// removeAll removes the characters of a set.
func removeAll(in func(rune) bool) normalizer {
	return func(text aligned) aligned {
		if strings.IndexFunc(text.s, in) < 0 {
			return text
		}
		e := text.edit()
		for i, r := range text.s {
			if in(r) {
				e.keep(i - e.at)
				e.drop(utf8.RuneLen(r))
			}
		}
		return e.text()
	}
}

// lowercase converts each character to lower case by itself.
func lowercase(text aligned) aligned {
	if isASCII(text.s) {
		text.s = strings.ToLower(text.s) // the offsets stay
		return text
	}
	if strings.IndexFunc(text.s, func(r rune) bool { return lower(r) != string(r) }) < 0 {
		return text
	}
	e := text.edit()
	for i, r := range text.s {
		if s := lower(r); s != string(r) {
			e.keep(i - e.at)
			e.replace(utf8.RuneLen(r), s)
		}
	}
	return e.text()
}

// lower returns the lower case of a character, which for one character has a mark.
func lower(r rune) string {
	if r == 'İ' {
		return "i\u0307"
	}
	return string(unicode.ToLower(r))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// splitBert is the pre-tokenizer of BERT: words and single punctuation characters.
var splitBert = chain(splitSpaces, splitEach(isBertPunctuation))

// isBertPunctuation reports whether r is punctuation for BERT, which includes all ASCII symbols.
func isBertPunctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return '!' <= r && r <= '/' || ':' <= r && r <= '@' || '[' <= r && r <= '`' || '{' <= r && r <= '~'
	}
	return unicode.IsPunct(r)
}
