package tokenizer

import "strconv"

// alphabet holds the character of each byte in byte-level BPE vocabularies: the Latin-1 character
// of the byte if it is printable and not a space, and U+0100 onwards for the other bytes in order.
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

// alphabetBytes maps a character to its byte plus 1, or to 0.
var alphabetBytes = func() (bytes [0x144]uint16) {
	for b, r := range alphabet {
		bytes[r] = uint16(b) + 1
	}
	return bytes
}()

// fromAlphabet returns the bytes of a token in a byte-level BPE vocabulary. ok is false if a
// character of the token is not in the alphabet.
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

// fallbackByte parses a token for one byte, such as <0x0A>. Character vocabularies use such tokens
// for characters that they do not have.
func fallbackByte(token string) (byte, bool) {
	if len(token) != 6 || token[:3] != "<0x" || token[5] != '>' {
		return 0, false
	}
	n, err := strconv.ParseUint(token[3:5], 16, 8)
	return byte(n), err == nil
}

// spaceMark replaces a space in character vocabularies.
const spaceMark = "▁"
