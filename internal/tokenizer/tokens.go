package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// Token is a token of a text and the part of the text that it stands for, text[Start:End], in bytes
// of the original text: before normalization, and without what the tokenizer adds. The part consists
// of whole characters, so tokens that stand for a part of a character overlap. It is empty for a
// token that stands for nothing in the text.
type Token struct {
	ID         int32
	Start, End int
}

// Tokens returns the tokens of Encode with their offsets. The offsets equal those of the library
// tokenizers, which counts characters instead of bytes, with these exceptions: a token begins after
// the characters that the normalizer or the vocabulary leaves out before it, where the library
// shifts the offsets in some cases.
func (t *Tokenizer) Tokens(text string) []Token { return t.AppendTokens(nil, text) }

// AppendTokens appends the tokens of Tokens to tokens.
func (t *Tokenizer) AppendTokens(tokens []Token, text string) []Token {
	out := output{tokens: tokens, first: len(tokens), original: text}
	t.encode(aligned{s: text}, nil, &out)
	return out.tokens
}

// output receives the tokens of a text: as tokens if the text is tracked, and as ids otherwise.
type output struct {
	ids      []int32
	tokens   []Token
	first    int    // index of the first token of the text
	original string // if it is tracked
}

// add adds a token at a place. text is the text of the token, and space reports whether trim_offsets
// excludes a character at its ends.
func (t *Tokenizer) add(out *output, id int32, at extent, text string, space func(rune) bool) {
	token := Token{ID: id}
	token.Start, token.End = wholeCharacters(out.original, at.start, at.end)
	if t.trim != nil {
		left := utf8.RuneCountInString(text[:len(text)-len(strings.TrimLeftFunc(text, space))])
		right := utf8.RuneCountInString(text[len(strings.TrimRightFunc(text, space)):])
		t.trim.apply(out.original, &token, len(out.tokens) == out.first, left, right)
	}
	out.tokens = append(out.tokens, token)
}

// IDs returns the ids of tokens.
func IDs(tokens []Token) []int32 {
	ids := make([]int32, len(tokens))
	for i, t := range tokens {
		ids[i] = t.ID
	}
	return ids
}

// wholeCharacters extends text[start:end] to whole characters.
func wholeCharacters(text string, start, end int) (int, int) {
	if start < len(text) && !utf8.RuneStart(text[start]) {
		for at := start - 1; at >= max(0, start-utf8.UTFMax+1); at-- {
			if _, size := utf8.DecodeRuneInString(text[at:]); size > start-at {
				start = at
				break
			}
		}
	}
	if end < len(text) && !utf8.RuneStart(text[end]) {
		for at := end - 1; at >= max(0, end-utf8.UTFMax+1); at-- {
			if _, size := utf8.DecodeRuneInString(text[at:]); size > end-at {
				end = at + size
				break
			}
		}
	}
	return start, end
}

// trimming is the setting trim_offsets of a post-processor: offsets exclude white space at the ends
// of a token. With addedSpace they include a single leading space of the first token.
type trimming struct{ addedSpace bool }

// apply trims a token of a text that begins and ends with a number of white space characters.
func (m *trimming) apply(text string, token *Token, first bool, left, right int) {
	if m.addedSpace && left == 1 && (first || token.Start == 0) {
		left = 0
	}
	for ; left > 0 && token.Start < token.End; left-- {
		_, n := utf8.DecodeRuneInString(text[token.Start:token.End])
		token.Start += n
	}
	for ; right > 0 && token.Start < token.End; right-- {
		_, n := utf8.DecodeLastRuneInString(text[token.Start:token.End])
		token.End -= n
	}
}
