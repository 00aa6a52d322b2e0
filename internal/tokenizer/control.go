package tokenizer

import (
	"strings"
	"unicode"
)

// Special names the texts of tokens that a model's settings call special (the
// ends of texts and turns, padding and so on), whatever its tokenizer says of
// them: they become control tokens and stand for no text. Texts that are no
// tokens, or words of the vocabulary, are left out. It must be called before the tokenizer is used.
func (t *Tokenizer) Special(texts ...string) error {
	for _, s := range texts {
		id, added := t.specials[s]
		if !added {
			// Some files name a word for padding, which they never do.
			var ok bool
			if id, ok = t.ordinary(s); !ok || !strings.ContainsAny(s, "<[|") {
				continue
			}
		}
		t.control[id], t.text[id] = true, ""
		t.controls(s, id)
	}
	return t.find()
}

// Control names texts that only a chat template writes as tokens: what it has
// them for, a row's text is not to say. White space is no such text, as templates
// have it for what it is. Texts that are no tokens are left out. It must be
// called before the tokenizer is used.
func (t *Tokenizer) Control(texts ...string) error {
	for _, s := range texts {
		if id, ok := t.specials[s]; ok && strings.TrimFunc(s, unicode.IsSpace) != "" {
			t.controls(s, id)
		}
	}
	return t.find()
}

// controls makes a control token of a token, added or not.
func (t *Tokenizer) controls(text string, id int32) {
	t.specials[text] = id
	known := false
	for i := range t.added {
		if a := &t.added[i]; a.id == id {
			known, a.control = true, true
		}
	}
	if !known {
		t.added = append(t.added, added{content: text, text: text, id: id, control: true})
	}
}

// Added gives the texts of the added tokens and the control tokens.
func (t *Tokenizer) Added() []string {
	texts := make([]string, 0, len(t.specials))
	for s := range t.specials {
		texts = append(texts, s)
	}
	return texts
}

// Lookup gives the id of the token with a text: a control token, an added one,
// or any other.
func (t *Tokenizer) Lookup(text string) (int32, bool) {
	if id, ok := t.specials[text]; ok {
		return id, true
	}
	return t.ordinary(text)
}

// isTurnMark tells by its form whether a token's text is a mark of turns, which no
// text has by chance, whatever its file calls it.
func isTurnMark(text string) bool {
	for _, ends := range [][2]string{{"<|", "|>"}, {"<｜", "｜>"}, {"<start_of_", ">"}, {"<end_of_", ">"}} {
		if len(text) > len(ends[0])+len(ends[1]) && strings.HasPrefix(text, ends[0]) && strings.HasSuffix(text, ends[1]) {
			return true
		}
	}
	return false
}
