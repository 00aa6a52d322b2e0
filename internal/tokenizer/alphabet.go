package tokenizer

import "strconv"

// alphabet holds the character that stands for each byte in a vocabulary of
// byte-level BPE: the byte's own Latin-1 character where that is printable and
// no space, and U+0100 onwards for the others, in order.
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

// alphabetBytes holds 1 + the byte that a character stands for, or 0.
var alphabetBytes = func() (bytes [0x144]uint16) {
	for b, r := range alphabet {
		bytes[r] = uint16(b) + 1
	}
	return bytes
}()

// fromAlphabet gives the bytes that a token of the vocabulary stands for; ok
// is false if it holds a character that stands for none.
func fromAlphabet(s string) (raw string, ok bool) {
	buf := make([]byte, 0, 64)
	for _, r := range s {
		if int(r) >= len(alphabetBytes) || alphabetBytes[r] == 0 {
			return "", false
		}
		buf = append(buf, byte(alphabetBytes[r]-1))
	}
	return string(buf), true
}

// fallbackByte reads the name of a token for one byte, such as <0x0A>, as
// vocabularies of characters have them for what they lack.
func fallbackByte(token string) (byte, bool) {
	if len(token) != 6 || token[:3] != "<0x" || token[5] != '>' {
		return 0, false
	}
	n, err := strconv.ParseUint(token[3:5], 16, 8)
	return byte(n), err == nil
}

// spaceMark stands for a space in vocabularies of characters.
const spaceMark = "▁"
