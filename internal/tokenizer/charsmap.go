package tokenizer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// charsmap replaces characters, as SentencePiece's "precompiled charsmap" says:
//
//	charsmap = size of the trie in bytes u32 | trie | texts, each with a zero byte at its end
//	trie     = units u32, little-endian: a double array as the library darts-clone makes it
//	unit     = leaf:  bit 31 set | value, 31 bits: an offset into the texts
//	           other: offset, bits 10-30, times 256 if bit 9 is set | bit 9 | has a leaf, bit 8 | label, bits 0-7
//
// The unit of a node's child by a byte is at the node's place XOR its offset
// XOR the byte; it is the child's only if its label is that byte. A node's
// leaf, if it has one, is its child by the byte 0.
type charsmap struct {
	units []uint32
	texts string
	// clusters: a character and the marks on it are looked up as one, and if
	// any beginning of it is in the map, the shortest one's text stands for all
	// of it, as in the library tokenizers; not if they are 6 bytes or more. If
	// false, the longest beginning of the text is replaced, as SentencePiece does.
	clusters bool
	// same has the ASCII characters that stay as they are before another one or
	// at the end.
	same [utf8.RuneSelf]bool
}

func newCharsmap(data []byte, clusters bool) (*charsmap, error) {
	if len(data) < 4 {
		return nil, errors.New("the charsmap is cut off: it has less than 4 bytes")
	}
	size := binary.LittleEndian.Uint32(data)
	data = data[4:]
	if size%4 != 0 || size < 4 || uint64(size) > uint64(len(data)) {
		return nil, fmt.Errorf("the charsmap says that its trie has %d bytes; of %d, a multiple of 4 can be", size, len(data))
	}
	m := &charsmap{units: make([]uint32, size/4), clusters: clusters}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	m.texts = string(data[size:])
	if !utf8.ValidString(m.texts) {
		return nil, errors.New("the charsmap's texts are no UTF-8")
	}
	for text := range strings.SplitSeq(m.texts, "\x00") {
		if len(text) > maxPiece {
			return nil, fmt.Errorf("the charsmap has a text of %d bytes; %d are allowed", len(text), maxPiece)
		}
	}
	for b := range m.same {
		_, _, changes := m.find(string(rune(b)), false)
		for c := rune(0); c < utf8.RuneSelf && !changes; c++ {
			_, _, changes = m.find(string([]rune{rune(b), c}), false)
		}
		m.same[b] = !changes
	}
	return m, nil
}

func label(unit uint32) uint32  { return unit & (1<<31 | 0xff) }
func offset(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }

// find gives the text for the shortest beginning of s that has one, or the
// longest, and that beginning's length.
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

func (m *charsmap) normalize(text string) string {
	start := m.unchanged(text)
	if start == len(text) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + len(text)/8)
	b.WriteString(text[:start])
	for at := start; at < len(text); {
		if n := m.unchanged(text[at:]); n > 0 {
			b.WriteString(text[at : at+n])
			at += n
			continue
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		if m.clusters {
			cluster := clusterEnd(text[at:])
			if cluster < 6 {
				if t, _, ok := m.find(text[at:at+cluster], false); ok {
					b.WriteString(t)
					at += cluster
					continue
				}
			}
			for end := at + cluster; at < end; at += size {
				_, size = utf8.DecodeRuneInString(text[at:])
				if t, _, ok := m.find(text[at:at+size], false); ok {
					b.WriteString(t)
				} else {
					b.WriteString(text[at : at+size])
				}
			}
			continue
		}
		if t, n, ok := m.find(text[at:], true); ok {
			b.WriteString(t)
			at += n
			continue
		}
		b.WriteString(text[at : at+size])
		at += size
	}
	return b.String()
}

// unchanged gives the length of ASCII characters at the beginning of text that
// the map leaves as they are.
func (m *charsmap) unchanged(text string) int {
	for i := range len(text) {
		if c := text[i]; c >= utf8.RuneSelf || !m.same[c] {
			if c >= utf8.RuneSelf && i > 0 {
				i--
			}
			return i
		}
	}
	return len(text)
}

// clusterEnd gives the length of the grapheme cluster that text begins with
// (Unicode Standard Annex 29): a character and what extends it. It leaves out
// the rules for Hangul syllables, Indic conjuncts, flags and emoji sequences:
// with these a cluster has 6 bytes or more, and its parts are looked up
// one by one as they are without.
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

// extends tells whether a character joins the one before it: Extend, ZWJ and
// SpacingMark.
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

// noSpacingMark are characters of the category Mc that join nothing.
var noSpacingMark = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x102b, 0x102c, 1}, {0x1038, 0x1038, 1}, {0x1062, 0x1064, 1}, {0x1067, 0x106d, 1}, {0x1083, 0x1083, 1},
		{0x1087, 0x108c, 1}, {0x108f, 0x108f, 1}, {0x109a, 0x109c, 1}, {0x1a61, 0x1a61, 1}, {0x1a63, 0x1a64, 1},
		{0xaa7b, 0xaa7b, 1}, {0xaa7d, 0xaa7d, 1},
	},
	R32: []unicode.Range32{{0x11720, 0x11721, 1}},
}

// isPrepend tells whether a character joins the one after it.
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

// isControl tells whether nothing joins a character.
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
