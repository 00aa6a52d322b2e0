package tokenizer

import (
	"strings"
	"unicode"
)

// MarkSpecial makes control tokens of the tokens with these texts: those that the settings of a
// model call special, such as the ends of texts and turns, and padding. It ignores texts that are
// not tokens or that are ordinary words of the vocabulary. It must be called before the tokenizer
// is used.
func (t *Tokenizer) MarkSpecial(texts ...string) error {
	for _, s := range texts {
		id, added := t.specials[s]
		if !added {
			// Some files name an ordinary word as the padding token, which is never used.
			var ok bool
			if id, ok = t.ordinary(s); !ok || !strings.ContainsAny(s, "<[|") {
				continue
			}
		}
		t.control[id], t.text[id] = true, ""
		t.setControl(s, id)
	}
	return t.buildFinders()
}

// MarkControl reserves the added tokens with these texts for chat templates: the text of a
// message cannot contain them. It ignores texts that are not added tokens and white space, which
// templates use as text. It must be called before the tokenizer is used.
func (t *Tokenizer) MarkControl(texts ...string) error {
	for _, s := range texts {
		if id, ok := t.specials[s]; ok && strings.TrimFunc(s, unicode.IsSpace) != "" {
			t.setControl(s, id)
		}
	}
	return t.buildFinders()
}

// setControl makes a control token of a token.
func (t *Tokenizer) setControl(text string, id int32) {
	t.specials[text] = id
	isAdded := false
	for i := range t.added {
		if a := &t.added[i]; a.id == id {
			isAdded, a.control = true, true
		}
	}
	if !isAdded {
		t.added = append(t.added, addedToken{content: text, text: text, id: id, control: true})
	}
}

// AddedTokens returns the texts of the added tokens and the control tokens.
func (t *Tokenizer) AddedTokens() []string {
	texts := make([]string, 0, len(t.specials))
	for s := range t.specials {
		texts = append(texts, s)
	}
	return texts
}

// Lookup returns the id of the token with a text, and whether it exists.
func (t *Tokenizer) Lookup(text string) (int32, bool) {
	if id, ok := t.specials[text]; ok {
		return id, true
	}
	return t.ordinary(text)
}

// isTemplateMarker reports whether the text of a token has the form of a marker of chat templates,
// such as <|...|>. Such a token is treated as a control token, whatever type the file gives it.
func isTemplateMarker(text string) bool {
	for _, ends := range [][2]string{{"<|", "|>"}, {"<｜", "｜>"}, {"<start_of_", ">"}, {"<end_of_", ">"}} {
		if len(text) > len(ends[0])+len(ends[1]) && strings.HasPrefix(text, ends[0]) && strings.HasSuffix(text, ends[1]) {
			return true
		}
	}
	return false
}
