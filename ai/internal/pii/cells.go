package pii

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cells is a text as the recognisers see it: one byte a character, with the
// combining marks that belong to it. The byte is ASCII where the character is,
// or is folded to it: digits of any script, full-width forms, dashes, spaces.
// Otherwise it is a class.
type cells struct {
	text string
	c    []byte
	at   []int // the byte where each cell starts; nil where that is its index
}

// Classes of cells that are not ASCII.
const (
	latin    byte = 0x80 + iota // a Latin letter
	alphabet                    // a letter of another script that puts spaces between words
	ideo                        // a letter of a script that does not, or that glues words on: Han, kana, Thai, Hangul
	other                       // anything else
	space    = ' '
)

func newCells(text string) *cells {
	t := &cells{text: text}
	if isASCII(text) {
		t.c = []byte(text)
		return t
	}
	t.c = make([]byte, 0, len(text))
	t.at = make([]int, 0, len(text))
	for i, r := range text {
		if len(t.c) > 0 && extends(r) && t.c[len(t.c)-1] != '\n' {
			continue
		}
		t.c = append(t.c, fold(r))
		t.at = append(t.at, i)
	}
	return t
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func (t *cells) len() int { return len(t.c) }

// class is the cell at i, or 0 outside the text.
func (t *cells) class(i int) byte {
	if i < 0 || i >= len(t.c) {
		return 0
	}
	return t.c[i]
}

// start is the byte where cell i starts.
func (t *cells) start(i int) int {
	switch {
	case i >= len(t.c):
		return len(t.text)
	case t.at == nil:
		return i
	}
	return t.at[i]
}

// end is the byte after cell i and its marks, but before characters that only
// direct the layout of what follows.
func (t *cells) end(i int) int {
	end := t.start(i + 1)
	if t.at == nil {
		return end
	}
	for first := t.at[i]; ; {
		r, n := utf8.DecodeLastRuneInString(t.text[first:end])
		if !invisible(r) || end-n <= first {
			return end
		}
		end -= n
	}
}

// rune is the character of cell i without its marks; 0 outside the text.
func (t *cells) rune(i int) rune {
	if i < 0 || i >= len(t.c) {
		return 0
	}
	r, _ := utf8.DecodeRuneInString(t.text[t.start(i):])
	return r
}

// lower is the folded text of the cells from lo to hi in lower case: only ASCII
// remains itself.
func (t *cells) lower(lo, hi int) string {
	return strings.ToLower(string(t.c[lo:hi]))
}

// border tells whether a word of ASCII letters and digits may start at i.
func (t *cells) border(i int) bool { return !isAlnum(t.class(i - 1)) }

// cut tells whether a word of ASCII letters and digits may end before i.
func (t *cells) cut(i int) bool { return !isAlnum(t.class(i)) }

// digits gives the end of the digits at i, at most max of them and one more.
func (t *cells) digits(i, max int) int {
	j := i
	for j < len(t.c) && j-i <= max && isDigit(t.c[j]) {
		j++
	}
	return j
}

// number is the value of up to 9 digits; -1 for what is none.
func (t *cells) number(lo, hi int) int {
	if lo >= hi || hi-lo > 9 {
		return -1
	}
	n := 0
	for _, c := range t.c[lo:hi] {
		if !isDigit(c) {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// partOfNumber tells whether what starts at i goes on a number before it: as
// the 5 of 1.5, 1-5 or 1/5 does.
func (t *cells) partOfNumber(i int) bool {
	switch t.class(i - 1) {
	case '.', ',', '-', '/', ':', '+':
		return isAlnum(t.class(i - 2))
	}
	return false
}

// goesOn tells whether what ends before i goes on as a number: 1 in 1.5.
func (t *cells) goesOn(i int) bool {
	switch t.class(i) {
	case '.', ',', '-', '/', ':':
		return isDigit(t.class(i + 1))
	}
	return !t.cut(i)
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' && c < latin }
func isAlnum(c byte) bool  { return isDigit(c) || isLetter(c) }
func isUpper(c byte) bool  { return 'A' <= c && c <= 'Z' }
func isHex(c byte) bool    { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' && c < latin }

// isWord tells whether c is part of a word in any script.
func isWord(c byte) bool { return isAlnum(c) || c == latin || c == alphabet || c == ideo }

// extends tells whether r belongs to the character before it.
func extends(r rune) bool {
	return r >= 0xad && (unicode.Is(unicode.M, r) || invisible(r) ||
		r == 0x200c || r == 0x200d || // joiners
		0x1f3fb <= r && r <= 0x1f3ff || // skin tones
		0xe0020 <= r && r <= 0xe007f) // tags of flags
}

// invisible tells whether r only directs layout, such as the direction of text.
func invisible(r rune) bool {
	return r == 0xad || r == 0x61c || 0x200e <= r && r <= 0x200f || 0x202a <= r && r <= 0x202e ||
		0x2060 <= r && r <= 0x2069
}

// unspaced are the scripts whose words follow each other without spaces, or
// that glue particles to foreign words.
var unspaced = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo,
	unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan}

func fold(r rune) byte {
	switch {
	case r < utf8.RuneSelf:
		return byte(r)
	case 0xff01 <= r && r <= 0xff5e:
		return byte(r - 0xff01 + '!')
	case 0x2010 <= r && r <= 0x2015, r == 0x2212, r == 0xfe63:
		return '-'
	case unicode.IsSpace(r), r == 0x200b, r == 0xfeff:
		return space
	case unicode.Is(unicode.Latin, r):
		return latin
	case unicode.In(r, unspaced...):
		return ideo
	case unicode.IsLetter(r):
		return alphabet
	case unicode.Is(unicode.Nd, r):
		return '0' + digitValue(r)
	}
	return other
}

// digitValue is the value of a decimal digit. Unicode encodes the ten digits of
// a script one after the other, and its tables' ranges begin with a zero.
func digitValue(r rune) byte {
	for _, x := range unicode.Nd.R16 {
		if rune(x.Lo) <= r && r <= rune(x.Hi) {
			return byte((r - rune(x.Lo)) % 10)
		}
	}
	for _, x := range unicode.Nd.R32 {
		if rune(x.Lo) <= r && r <= rune(x.Hi) {
			return byte((r - rune(x.Lo)) % 10)
		}
	}
	return 0
}
