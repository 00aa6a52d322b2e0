package tokenizer

import (
	"strings"
)

// These tables equal those of testdata/mixed.py.
var mixedRanges = [][3]int{
	{0x61, 0x7A, 12}, {0x41, 0x5A, 4}, {0x30, 0x39, 4}, {0x21, 0x2F, 3}, {0x3A, 0x40, 2}, {0x5B, 0x60, 1}, {0x7B, 0x7E, 1},
	{0x00, 0x1F, 1}, {0x7F, 0x9F, 1}, {0xA0, 0xFF, 4}, {0x100, 0x24F, 2}, {0x250, 0x2FF, 1}, {0x300, 0x36F, 3},
	{0x370, 0x3FF, 2}, {0x400, 0x52F, 2}, {0x530, 0x5FF, 2}, {0x600, 0x6FF, 2}, {0x700, 0x8FF, 1}, {0x900, 0xDFF, 2},
	{0xE00, 0xFFF, 2}, {0x1000, 0x10FF, 1}, {0x1100, 0x11FF, 1}, {0x1200, 0x1DFF, 2}, {0x1E00, 0x1FFF, 2},
	{0x2000, 0x206F, 3}, {0x2070, 0x218F, 2}, {0x2190, 0x23FF, 1}, {0x2460, 0x24FF, 1}, {0x2500, 0x27BF, 1},
	{0x2E80, 0x303F, 1}, {0x3040, 0x30FF, 3}, {0x3130, 0x318F, 1}, {0x3200, 0x33FF, 1}, {0x3400, 0x9FFF, 3},
	{0xA000, 0xABFF, 1}, {0xAC00, 0xD7A3, 2}, {0xF900, 0xFAFF, 1}, {0xFB00, 0xFDFF, 2}, {0xFE00, 0xFE6F, 1},
	{0xFF00, 0xFFEF, 2}, {0xE000, 0xE0FF, 1}, {0xFFF0, 0xFFFD, 1}, {0x10000, 0x10FFF, 1}, {0x11000, 0x11FFF, 1},
	{0x1D400, 0x1D7FF, 1}, {0x1F100, 0x1F2FF, 1}, {0x1F300, 0x1FAFF, 3}, {0x20000, 0x2FA1F, 1}, {0xE0000, 0xE01EF, 1},
}

var mixedBag = func() (bag [][3]int) {
	for _, r := range mixedRanges {
		for range r[2] {
			bag = append(bag, r)
		}
	}
	return bag
}()

var mixedWords = strings.Split("the The of and it's don't I'M you'll WE'VE sentiment positive negative classify translate summary text 2024 3.14 1,000 "+
	"a b c to in that is was for on with he's as at by this had not are but from have an they which one were all her she there "+
	"internationalisation Donaudampfschifffahrt naïve café e\u0301tude über ñandú <b> </b> http://example.org/?q=1&r=2 user@example.com "+
	"x==y; foo(bar) {\"k\":[1,2]} 'ſ 'S '' \u2581 \u2581\u2581a ... --- ### \U0001F600 \U0001F468\u200D\U0001F469\u200D\U0001F467 "+
	"\U0001F1E9\U0001F1EA \ufb01n ㍿ ﷺ ½ ²³ Ⅷ １２３ ｶﾞ 한국어 中文 日本語テキスト русский <user> WORD xWORD </s> <pad> <|end|> <0x41> עברית العربية हिन्दी ภาษาไทย", " ")

var mixedGaps = []string{" ", " ", " ", " ", "", "", "  ", "   ", "\t", "\r\n", "\n\n", "\u00a0", "\u3000", " \n "}

// mixed generates lines of text from a seed. testdata/mixed.py generates the same lines.
type mixed struct{ state uint64 }

func (m *mixed) below(n int) int {
	m.state = m.state*6364136223846793005 + 1442695040888963407
	return int((m.state >> 33) % uint64(n))
}

func (m *mixed) chunk() string {
	if m.below(3) > 0 {
		return mixedWords[m.below(len(mixedWords))]
	}
	r := mixedBag[m.below(len(mixedBag))]
	var b strings.Builder
	for range 1 + m.below(6) {
		b.WriteRune(rune(r[0] + m.below(r[1]-r[0]+1)))
	}
	return b.String()
}

func (m *mixed) gap() string { return mixedGaps[m.below(len(mixedGaps))] }

func (m *mixed) line() string {
	var b strings.Builder
	if m.below(8) == 0 {
		b.WriteString(m.gap())
	}
	gap := ""
	for range 1 + m.below(24) {
		b.WriteString(gap + m.chunk())
		gap = m.gap()
	}
	if m.below(8) == 0 {
		b.WriteString(gap)
	}
	return b.String()
}

func (m *mixed) long(size int, gaps bool) string {
	var b strings.Builder
	for b.Len() < size {
		b.WriteString(m.chunk())
		if gaps {
			b.WriteString(m.gap())
		}
	}
	return b.String()
}
