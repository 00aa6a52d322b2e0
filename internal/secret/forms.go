package secret

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// spelled is a secret and the forms in which it is searched for.
type spelled struct {
	text  string
	forms []form
}

// form is one spelling of a secret. A piece of window bytes is enough for a
// match, since servers, proxies and libraries truncate texts.
type form struct {
	window  int
	pieces  map[string]struct{} // all pieces of window bytes, in lower case
	encoded bool                // base64: a match extends over adjacent base64 digits
}

// pieceBytes is the length of a piece. It is more than the length of common
// prefixes of keys, such as sk-proj-.
const pieceBytes = 12

func newSpelled(s string) *spelled {
	h := &spelled{text: s}
	if len(s) < minPartial {
		return h
	}
	h.add(s, false)
	h.add(hex.EncodeToString([]byte(s)), false)
	for offset := range 3 {
		inner := base64Inner(s, offset)
		h.add(inner, true)
		if other := strings.NewReplacer("+", "-", "/", "_").Replace(inner); other != inner {
			h.add(other, true)
		}
	}
	return h
}

func (h *spelled) add(text string, encoded bool) {
	if len(text) < minPartial {
		return
	}
	f := form{window: min(len(text), pieceBytes), pieces: map[string]struct{}{}, encoded: encoded}
	text = lower(text)
	for at := 0; at+f.window <= len(text); at++ {
		f.pieces[text[at:at+f.window]] = struct{}{}
	}
	h.forms = append(h.forms, f)
}

// base64Inner returns the base64 digits that depend only on s, where s begins
// offset bytes into a group of three.
func base64Inner(s string, offset int) string {
	digits := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", offset) + s))
	if (offset+len(s))%3 != 0 {
		digits = digits[:len(digits)-1]
	}
	return digits[min(len(digits), []int{0, 2, 3}[offset]):]
}

// lower converts ASCII letters to lower case and keeps every byte offset.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
