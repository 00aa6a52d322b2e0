package tokenizer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// charsmap replaces characters according to SentencePiece's "precompiled charsmap". The format:
//
//	charsmap = size of the trie in bytes u32 | trie | texts, each with a zero byte at its end
//	trie     = units u32, little-endian: a double array of the library darts-clone
//	unit     = leaf:  bit 31 set | value, 31 bits: an offset into the texts
//	           other: offset, bits 10-30, times 256 if bit 9 is set | bit 9 | has a leaf, bit 8 | label, bits 0-7
//
// The index of a node's child by a byte is the node's index XOR its offset XOR the byte. The unit
// there is the child only if its label is that byte. The leaf of a node is its child by byte 0.
type charsmap struct {
	units []uint32
	texts string
	// clusters selects the algorithm of the library tokenizers: a grapheme cluster of less than
	// 6 bytes is replaced as a whole by the text of its shortest prefix that is in the map. If
	// false, the longest prefix of the text that is in the map is replaced, as in SentencePiece.
	clusters bool
	// asciiUnchanged holds the ASCII characters that are not replaced, whichever ASCII character
	// follows.
	asciiUnchanged [utf8.RuneSelf]bool
}

func newCharsmap(data []byte, clusters bool) (*charsmap, error) {
	if len(data) < 4 {
		return nil, fmt.Errorf("the charsmap is truncated: it has %d bytes, expected at least 4", len(data))
	}
	size := binary.LittleEndian.Uint32(data)
	data = data[4:]
	if size%4 != 0 || size < 4 || uint64(size) > uint64(len(data)) {
		return nil, fmt.Errorf("the trie of the charsmap has %d bytes, expected a multiple of 4 of at most %d", size, len(data))
	}
	m := &charsmap{units: make([]uint32, size/4), clusters: clusters}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	m.texts = string(data[size:])
	if !utf8.ValidString(m.texts) {
		return nil, errors.New("the texts of the charsmap are not valid UTF-8")
	}
	for text := range strings.SplitSeq(m.texts, "\x00") {
		if len(text) > maxPiece {
			return nil, fmt.Errorf("the charsmap has a text of %d bytes; the limit is %d", len(text), maxPiece)
		}
	}
	for b := range m.asciiUnchanged {
		_, _, changes := m.find(string(rune(b)), false)
		for c := rune(0); c < utf8.RuneSelf && !changes; c++ {
			_, _, changes = m.find(string([]rune{rune(b), c}), false)
		}
		m.asciiUnchanged[b] = !changes
	}
	return m, nil
}

func label(unit uint32) uint32  { return unit & (1<<31 | 0xff) }
func offset(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }

// find returns the text for the shortest or the longest prefix of s that is in the map, and the
// length of that prefix.
func (m *charsmap) find(s string, longest bool) (text string, length int, ok bool) {
	at := offset(m.units[0])
	for i := 0; i < min(len(s), maxPiece) && s[i] != 0; i++ {
		at ^= uint32(s[i])
		if at >= uint32(len(m.units)) || label(m.units[at]) != uint32(s[i]) {
			break
		}
		unit := m.units[at]
		at ^= offset(unit)
		if unit>>8&1 == 0 || at >= uint32(len(m.units)) {
			continue
		}
		value := m.units[at] &^ (1 << 31)
		if value > uint32(len(m.texts)) {
			continue
		}
		text, _, _ = strings.Cut(m.texts[value:], "\x00")
		length, ok = i+1, true
		if !longest {
			break
		}
	}
	return text, length, ok
}

// normalize replaces the characters of text.
func (m *charsmap) normalize(text aligned) aligned {
	start := m.unchangedPrefix(text.s)
	if start == len(text.s) {
		return text
	}
	e := text.edit()
	e.keep(start)
	for e.at < len(text.s) {
		rest := text.s[e.at:]
		if n := m.unchangedPrefix(rest); n > 0 {
			e.keep(n)
			continue
		}
		_, size := utf8.DecodeRuneInString(rest)
		if m.clusters {
			cluster := clusterEnd(rest)
			if cluster < 6 {
				if t, _, ok := m.find(rest[:cluster], false); ok {
					e.replace(cluster, t)
					continue
				}
			}
			for end := e.at + cluster; e.at < end; {
				_, size = utf8.DecodeRuneInString(text.s[e.at:])
				if t, _, ok := m.find(text.s[e.at:e.at+size], false); ok {
					e.replace(size, t)
				} else {
					e.keep(size)
				}
			}
			continue
		}
		if t, n, ok := m.find(rest, true); ok {
			e.replace(n, t)
			continue
		}
		e.keep(size)
	}
	return e.text()
}

// unchangedPrefix returns the length of an ASCII prefix of text that is not replaced.
func (m *charsmap) unchangedPrefix(text string) int {
	for i := range len(text) {
		if c := text[i]; c >= utf8.RuneSelf || !m.asciiUnchanged[c] {
			if c >= utf8.RuneSelf && i > 0 {
				i--
			}
			return i
		}
	}
	return len(text)
}

// clusterEnd returns the length of the first grapheme cluster of text (Unicode Standard Annex 29).
// It does not apply the rules for Hangul syllables, Indic conjuncts, flags and emoji sequences.
// Such clusters have 6 bytes or more, so their characters are replaced one by one in any case.
func clusterEnd(text string) int {
	r, end := utf8.DecodeRuneInString(text)
	if r == '\r' && end < len(text) && text[end] == '\n' {
		return end + 1
	}
	for !isControl(r) && end < len(text) {
		next, n := utf8.DecodeRuneInString(text[end:])
		if !extends(next) && (!isPrepend(r) || isControl(next)) {
			break
		}
		r, end = next, end+n
	}
	return end
}

// extends reports whether r extends the preceding character: Extend, ZWJ and SpacingMark.
func extends(r rune) bool {
	if r < 0x300 {
		return false
	}
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Other_Grapheme_Extend):
		return true
	case r == 0x200d, 0x1f3fb <= r && r <= 0x1f3ff, r == 0xe33, r == 0xeb3:
		return true
	}
	return unicode.Is(unicode.Mc, r) && !unicode.Is(noSpacingMark, r)
}

// noSpacingMark are characters of the category Mc that are not SpacingMark.
var noSpacingMark = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x102b, 0x102c, 1}, {0x1038, 0x1038, 1}, {0x1062, 0x1064, 1}, {0x1067, 0x106d, 1}, {0x1083, 0x1083, 1},
		{0x1087, 0x108c, 1}, {0x108f, 0x108f, 1}, {0x109a, 0x109c, 1}, {0x1a61, 0x1a61, 1}, {0x1a63, 0x1a64, 1},
		{0xaa7b, 0xaa7b, 1}, {0xaa7d, 0xaa7d, 1},
	},
	R32: []unicode.Range32{{0x11720, 0x11721, 1}},
}

// isPrepend reports whether r has the property Prepend: it joins the next character.
func isPrepend(r rune) bool {
	return r >= 0x600 && unicode.In(r, unicode.Prepended_Concatenation_Mark, otherPrepend)
}

var otherPrepend = &unicode.RangeTable{
	R16: []unicode.Range16{{0xd4e, 0xd4e, 1}},
	R32: []unicode.Range32{
		{0x111c2, 0x111c3, 1}, {0x1193f, 0x1193f, 1}, {0x11941, 0x11941, 1}, {0x11a3a, 0x11a3a, 1},
		{0x11a84, 0x11a89, 1}, {0x11d46, 0x11d46, 1}, {0x11f02, 0x11f02, 1},
	},
}

// isControl reports whether r has the property Control: no character joins it.
func isControl(r rune) bool {
	if r < 0x300 {
		return r < ' ' || 0x7f <= r && r < 0xa0 || r == 0xad
	}
	if r == 0x200c || r == 0x200d {
		return false
	}
	return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point) &&
		!unicode.In(r, unicode.Prepended_Concatenation_Mark, unicode.Other_Grapheme_Extend)
}
