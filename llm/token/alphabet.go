package token

import (
	"fmt"
	"strings"
)

// alphabet holds the character that stands for each byte in a vocabulary:
// the byte's own Latin-1 character where that is printable and no space, and
// U+0100 onwards for the others, in order.
var alphabet = func() (chars [256]rune) {
	next := rune(0x100)
	for b := range chars {
		printable := '!' <= b && b <= '~' || 0xa1 <= b && b <= 0xff && b != 0xad
		if printable {
			chars[b] = rune(b)
			continue
		}
		chars[b] = next
		next++
	}
	return chars
}()

var alphabetBytes = func() map[rune]byte {
	bytes := make(map[rune]byte, len(alphabet))
	for b, r := range alphabet {
		bytes[r] = byte(b)
	}
	return bytes
}()

// fromAlphabet gives the bytes that a token of the vocabulary stands for.
func fromAlphabet(s string) (string, error) {
	var raw strings.Builder
	raw.Grow(len(s))
	for _, r := range s {
		b, ok := alphabetBytes[r]
		if !ok {
			return "", fmt.Errorf("%q holds %q, which stands for no byte", s, r)
		}
		raw.WriteByte(b)
	}
	return raw.String(), nil
}
