package secret

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// spelled is a secret with the forms in which it is looked for.
type spelled struct {
	text  string
	forms []form
}

// form is one spelling of a secret. A piece of it of so many bytes as window
// is enough to be found, since servers, proxies and libraries cut texts off.
type form struct {
	window  int
	pieces  map[string]struct{} // all pieces of that length, in small letters
	encoded bool                // base64: its neighbours belong to it
}

// pieceBytes is the length of the pieces. Beginnings that all keys of a kind
// have, such as sk-proj-, are shorter.
const pieceBytes = 12

func newSpelled(s string) *spelled {
	h := &spelled{text: s}
	if len(s) < telling {
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
	if len(text) < telling {
		return
	}
	f := form{window: min(len(text), pieceBytes), pieces: map[string]struct{}{}, encoded: encoded}
	text = lower(text)
	for at := 0; at+f.window <= len(text); at++ {
		f.pieces[text[at:at+f.window]] = struct{}{}
	}
	h.forms = append(h.forms, f)
}

// base64Inner is what s becomes in the base64 of a longer text where offset
// bytes stand before it in its group of three: the digits that depend on s
// alone.
func base64Inner(s string, offset int) string {
	digits := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", offset) + s))
	if (offset+len(s))%3 != 0 {
		digits = digits[:len(digits)-1]
	}
	return digits[min(len(digits), []int{0, 2, 3}[offset]):]
}

// lower is strings.ToLower for ASCII: it keeps every byte in its place.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
