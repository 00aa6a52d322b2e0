package tokenizer

import (
	"strings"
	"unicode"
)

// placeholders replace the control tokens of a template while text is normalized, because
// normalization loses which bytes the template wrote. The placeholder of a token is a private-use
// character, which no normalizer changes.
type placeholders struct {
	of    *finder  // of the control tokens, as the file has them
	first rune     // the placeholder of the first token; the others follow
	found *finder  // of the normalized placeholders and of the tokens that are not control tokens
	texts []string // normalized texts of the control tokens
}

// firstPlaceholder is the first character of a private-use plane.
const firstPlaceholder = 0xf0000

// unusedRunes returns the first of n consecutive private-use characters that do not occur in text.
func unusedRunes(text string, n int) (first rune, ok bool) {
	used := map[rune]bool{}
	for _, r := range text {
		if r >= firstPlaceholder {
			used[r] = true
		}
	}
	free := 0
	for r := rune(firstPlaceholder); r <= unicode.MaxRune; r++ {
		if free++; used[r] {
			free = 0
		}
		if free == n {
			return r - rune(n) + 1, true
		}
	}
	return 0, false
}

// newPlaceholders returns the placeholders of the control tokens in normal, which are added tokens
// that are found in normalized text. It returns nil if there is no control token.
func newPlaceholders(normal []addedToken, normalize normalizer, first rune) (*placeholders, error) {
	p := &placeholders{first: first}
	var tokens, found []addedToken
	for _, a := range normal {
		if !a.control {
			found = append(found, a)
			continue
		}
		// A normalizer may add a prefix to a text; it is not part of the token.
		before, _, _ := strings.Cut(normalize(plain(string(first))).s, string(first))
		p.texts = append(p.texts, strings.TrimPrefix(a.text, before))
		placeholder := a
		placeholder.text = normalize(plain(string(first + rune(len(tokens))))).s
		placeholder.control = false
		found = append(found, placeholder)
		a.text = a.content
		tokens = append(tokens, a)
	}
	if tokens == nil {
		return nil, nil
	}
	var err error
	if p.of, err = newFinder(tokens); err != nil {
		return nil, err
	}
	p.found, err = newFinder(found)
	return p, err
}

// occurIn reports whether text contains a placeholder.
func (p *placeholders) occurIn(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return p.first <= r && r < p.first+rune(len(p.of.tokens)) }) >= 0
}

// insert replaces control tokens of text by placeholders. any reports whether it replaced one.
func (p *placeholders) insert(text string, own templateBytes) (replaced string, any bool) {
	var b strings.Builder
	start := 0
	for at := 0; at < len(text); {
		a, length := p.of.at(text, at, own)
		if a == nil {
			at++
			continue
		}
		b.WriteString(text[start:at])
		for i := range p.of.tokens {
			if a == &p.of.tokens[i] {
				b.WriteRune(p.first + rune(i))
			}
		}
		at += length
		start = at
	}
	b.WriteString(text[start:])
	return b.String(), start > 0
}

// restore replaces the placeholders in text by the texts of their tokens.
func (p *placeholders) restore(text string) string {
	if !p.occurIn(text) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if i := r - p.first; 0 <= i && int(i) < len(p.texts) {
			b.WriteString(p.texts[i])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
