package pii

import (
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"
)

// cells is a text in the form that the recognisers read: one byte for each
// character and its combining marks. The byte is the character itself if it is
// ASCII, its ASCII form if it has one (digits of any script, full-width forms,
// dashes, spaces), and otherwise a class.
type cells struct {
	text string
	c    []byte // not written: of an ASCII text, it is the text
	at   []int  // the byte offset of each cell; nil if the text is ASCII
}

// Classes of cells that are not ASCII.
const (
	latin    byte = 0x80 + iota // a Latin letter
	spaced                      // a letter of another script that separates words with spaces
	unspaced                    // a letter of a script that does not, or that appends particles to words: Han, kana, Thai, Hangul
	other                       // anything else
	space    = ' '
)

func newCells(text string) *cells {
	t := &cells{text: text, c: make([]byte, 0, len(text)), at: make([]int, 0, len(text))}
	for i, r := range text {
		if r < endLatin {
			if c := latinCells[r]; c != marks {
				t.c = append(t.c, c)
				t.at = append(t.at, i)
				continue
			}
		}
		if len(t.c) > 0 && extends(r) && t.c[len(t.c)-1] != '\n' {
			continue
		}
		t.c = append(t.c, fold(r))
		t.at = append(t.at, i)
	}
	return t
}

const (
	endLatin = 0x250
	marks    = 0xff // of latinCells: a character that extends another one
)

// latinCells holds fold of the characters of European languages with Latin letters.
var latinCells = func() (all [endLatin]byte) {
	for r := range rune(endLatin) {
		if all[r] = fold(r); extends(r) {
			all[r] = marks
		}
	}
	return all
}()

// asciiCells returns the cells of an ASCII text, which are its bytes.
func asciiCells(text string) *cells {
	return &cells{text: text, c: unsafe.Slice(unsafe.StringData(text), len(text))}
}

func (t *cells) len() int { return len(t.c) }

// class returns cell i, or 0 if i is outside the text.
func (t *cells) class(i int) byte {
	if i < 0 || i >= len(t.c) {
		return 0
	}
	return t.c[i]
}

// start returns the byte offset of cell i.
func (t *cells) start(i int) int {
	switch {
	case i >= len(t.c):
		return len(t.text)
	case t.at == nil:
		return i
	}
	return t.at[i]
}

// end returns the byte offset after cell i and its marks. Invisible characters
// at the end of the cell do not belong to it: they apply to the text that
// follows.
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

// rune returns the character of cell i without its marks, or 0 if i is outside
// the text.
func (t *cells) rune(i int) rune {
	if i < 0 || i >= len(t.c) {
		return 0
	}
	r, _ := utf8.DecodeRuneInString(t.text[t.start(i):])
	return r
}

// lower returns the cells lo:hi in lower case. Only ASCII cells are characters;
// the others are classes.
func (t *cells) lower(lo, hi int) string {
	return strings.ToLower(string(t.c[lo:hi]))
}

// wordStart reports whether a word of ASCII letters and digits may start at i.
func (t *cells) wordStart(i int) bool { return !isAlnum(t.class(i - 1)) }

// wordEnd reports whether a word of ASCII letters and digits may end before i.
func (t *cells) wordEnd(i int) bool { return !isAlnum(t.class(i)) }

// digits returns the end of the digits that start at i. It reads at most max+1
// digits, so that the caller can see that there are too many.
func (t *cells) digits(i, max int) int {
	j := i
	for j < len(t.c) && j-i <= max && isDigit(t.c[j]) {
		j++
	}
	return j
}

// number returns the value of the digits lo:hi, or -1 if they are not 1 to 9
// digits.
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

// continuesNumber reports whether cell i continues a number before it, as the 5
// of 1.5, 1-5 or 1/5 does.
func (t *cells) continuesNumber(i int) bool {
	switch t.class(i - 1) {
	case '.', ',', '-', '/', ':', '+':
		return isAlnum(t.class(i - 2))
	}
	return false
}

// numberContinues reports whether a number that ends before i continues at i,
// as the 1 of 1.5 does.
func (t *cells) numberContinues(i int) bool {
	switch t.class(i) {
	case '.', ',', '-', '/', ':':
		return isDigit(t.class(i + 1))
	}
	return !t.wordEnd(i)
}

// skip returns i+1 if cell i is in set, otherwise i.
func skip(t *cells, i int, set string) int {
	if i < t.len() && contains(set, t.class(i)) {
		return i + 1
	}
	return i
}

// skipWord returns the position after one of the words and a space at i, or i
// if there is none.
func skipWord(t *cells, i int, words ...string) int {
	for _, w := range words {
		end := i + len([]rune(w))
		if end < t.len() && t.class(end) == space && strings.ToLower(t.text[t.start(i):t.end(end-1)]) == w {
			return end + 1
		}
	}
	return i
}

func contains(set string, c byte) bool { return strings.IndexByte(set, c) >= 0 }

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' && c < latin }
func isAlnum(c byte) bool  { return isDigit(c) || isLetter(c) }
func isUpper(c byte) bool  { return 'A' <= c && c <= 'Z' }
func isHex(c byte) bool    { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' && c < latin }

// isWord reports whether c is part of a word in any script.
func isWord(c byte) bool { return isAlnum(c) || c == latin || c == spaced || c == unspaced }

// extends reports whether r belongs to the character before it.
func extends(r rune) bool {
	return r >= 0xad && (unicode.Is(unicode.M, r) || invisible(r) ||
		r == 0x200c || r == 0x200d || // joiners
		0x1f3fb <= r && r <= 0x1f3ff || // skin tones
		0xe0020 <= r && r <= 0xe007f) // tags of emoji flags
}

// invisible reports whether r only controls layout, such as the direction of
// text.
func invisible(r rune) bool {
	return r == 0xad || r == 0x61c || 0x200e <= r && r <= 0x200f || 0x202a <= r && r <= 0x202e ||
		0x2060 <= r && r <= 0x2069
}

// unspacedScripts are the scripts that write words without spaces between them,
// or that append particles to foreign words.
var unspacedScripts = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo,
	unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan}

// fold returns the cell for r: an ASCII character or a class.
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
	case unicode.In(r, unspacedScripts...):
		return unspaced
	case unicode.IsLetter(r):
		return spaced
	case unicode.Is(unicode.Nd, r):
		return '0' + digitValue(r)
	}
	return other
}

// digitValue returns the value of a decimal digit. Unicode encodes the ten
// digits of a script consecutively, and each range of its table starts with a
// zero.
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
