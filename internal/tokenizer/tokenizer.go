// Package tokenizer converts text to the tokens of a model and back.
//
// A tokenizer works in these steps, some of which its file may omit. It finds added tokens
// (addedtokens.go), normalizes the text between them (normalize.go, charsmap.go), splits it into
// words (pretokenize.go) and converts each word to tokens with a model: byte-level BPE or
// character BPE (bpe.go, merges.go), Unigram (unigram.go) or WordPiece (wordpiece.go). The steps
// are read from a GGUF file (gguf.go, vocabulary.go), from tokenizer.json (json.go, jsonsteps.go),
// from a vocab.txt (vocabtxt.go) or from a file of SentencePiece (sentencepiece.go).
//
// Each step keeps the places that the text comes from (aligned.go), so that Tokens gives the
// offsets of tokens in the original text. Encoders read one or two texts with special tokens around
// them (template.go).
//
// Encoding a text of length n takes O(n log n) time for any text.
package tokenizer

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Tokenizer converts text to tokens. Its methods are safe for concurrent use, except
// MarkSpecial and MarkControl.
type Tokenizer struct {
	// BOS is the token before a prompt if AddBOS is set, and EOS the token after it if AddEOS
	// is set. They are -1 if the file does not name them; tokenizer.json names them only if
	// they are added.
	BOS, EOS       int32
	AddBOS, AddEOS bool

	// MaxTokens is the length that the settings of tokenizer.json cut sequences to, with special
	// tokens, or 0. The tokenizer itself does not cut texts.
	MaxTokens int

	single, pair   template
	prefix, suffix []int32   // tokens before and after a prompt
	trim           *trimming // nil if offsets include spaces
	added          []addedToken
	raw, normal    *finder       // added tokens to find before and after normalization
	placeholders   *placeholders // for the control tokens of normal; nil if it has none
	normalize      normalizer
	split          splitRule
	model          model
	text           []string         // by id, the text of each token; empty for control tokens
	control        []bool           // by id
	specials       map[string]int32 // added tokens and control tokens by their text
	reserved       map[int32]bool
	ordinary       func(text string) (int32, bool) // other tokens by their text
	lead           leadRule
}

// model converts a word to tokens.
type model interface {
	// append appends the tokens of word to pieces.
	append(pieces []piece, word string, s *scratch) []piece
	// exclude prevents append from making the given tokens.
	exclude(ids map[int32]bool)
}

// piece is a token and the bytes of the word that it stands for.
type piece struct {
	id         int32
	start, end int
}

// none is the id of no token.
const none = -1

// leadRule says which leading spaces of a decoded text were added by encoding.
type leadRule int

const (
	leadKeep  leadRule = iota // none
	leadOne                   // one space
	leadToken                 // the leading spaces of the first token
)

// Size returns the number of ids. Some ids may have no token.
func (t *Tokenizer) Size() int { return len(t.text) }

// IsControl reports whether a token has a meaning for the model but no text: the beginning or
// the end of a turn, padding, the unknown token. It returns true for ids without a token.
func (t *Tokenizer) IsControl(id int32) bool {
	return id < 0 || int(id) >= len(t.control) || t.control[id]
}

// IsReserved reports whether only a chat template can write a token. The reserved tokens are
// the control tokens and those of MarkControl.
func (t *Tokenizer) IsReserved(id int32) bool { return t.reserved[id] }

// Bytes returns the bytes that a token adds to a text after other tokens. They are empty for a
// control token, and may be a part of a character. At the beginning of a text Decode may remove
// leading spaces, because encoding adds a space before a text (Metaspace in tokenizer.json, and
// most vocabularies of SentencePiece).
func (t *Tokenizer) Bytes(id int32) string {
	if id < 0 || int(id) >= len(t.text) {
		return ""
	}
	return t.text[id]
}

// Affixes returns the tokens that the model expects before and after a prompt. The caller must
// not change them.
func (t *Tokenizer) Affixes() (prefix, suffix []int32) { return t.prefix, t.suffix }

// Encode returns the tokens of a text, without Affixes. The text cannot contain control tokens:
// texts of tokens that the file calls special or control, of MarkControl, and of added tokens
// that look like template markers (such as <|...|>) are encoded as ordinary text. Invalid UTF-8
// becomes U+FFFD, except in byte-level BPE, which keeps the bytes that the vocabulary has.
func (t *Tokenizer) Encode(text string) []int32 { return t.Append(nil, text) }

// Append appends the tokens of Encode to ids.
func (t *Tokenizer) Append(ids []int32, text string) []int32 {
	out := output{ids: ids}
	t.encode(plain(text), nil, &out)
	return out.ids
}

// EncodeChat returns the tokens of a chat that a template rendered. fromTemplate reports whether
// the template wrote all bytes from first up to end. Only such bytes can be control tokens. The
// text is otherwise encoded as by Encode, as one text: a word may contain bytes of the template
// and of a message.
func (t *Tokenizer) EncodeChat(text string, fromTemplate func(first, end int) bool) []int32 {
	var out output
	t.encode(plain(text), fromTemplate, &out)
	return out.ids
}

func (t *Tokenizer) encode(text aligned, own templateBytes, out *output) {
	s := scratches.Get().(*scratch)
	defer s.release()
	word := func(word aligned) {
		s.pieces = t.model.append(s.pieces[:0], word.s, s)
		if !word.tracked() {
			for i := range s.pieces {
				out.ids = append(out.ids, s.pieces[i].id)
			}
			return
		}
		for _, p := range s.pieces {
			t.add(out, p.id, word.original(p.start, p.end), t.text[p.id], isBlank)
		}
	}
	token := func(id int32, found aligned) {
		if !found.tracked() {
			out.ids = append(out.ids, id)
			return
		}
		t.add(out, id, found.original(0, len(found.s)), found.s, unicode.IsSpace)
	}
	t.raw.each(text, own, func(part aligned, at int) {
		if t.placeholders != nil && own != nil {
			if p, replaced, any := t.insertPlaceholders(part.s, own.from(at)); any {
				p.found.each(t.normalize(plain(replaced)), nil, func(part aligned, from int) {
					t.split(plain(p.restore(part.s)), at == 0 && from == 0, word)
				}, token)
				return
			}
		}
		t.normal.each(t.normalize(part), nil, func(part aligned, from int) {
			t.split(part, at == 0 && from == 0, word)
		}, token)
	}, token)
}

// insertPlaceholders replaces the control tokens of text by placeholders that do not occur in
// text. any reports whether it replaced one.
func (t *Tokenizer) insertPlaceholders(text string, own templateBytes) (_ *placeholders, replaced string, any bool) {
	p := t.placeholders
	if p.occurIn(text) {
		first, ok := unusedRunes(text, len(p.of.tokens))
		if !ok {
			return nil, "", false
		}
		other, err := newPlaceholders(t.normalizedTokens(), t.normalize, first)
		if err != nil {
			return nil, "", false
		}
		p = other
	}
	replaced, any = p.insert(text, own)
	return p, replaced, any
}

// normalizedTokens returns the added tokens that are found in normalized text.
func (t *Tokenizer) normalizedTokens() []addedToken {
	return slices.DeleteFunc(slices.Clone(t.added), func(a addedToken) bool { return !a.normalized })
}

// Count returns the number of tokens that Encode returns.
func (t *Tokenizer) Count(text string) int { return len(t.Encode(text)) }

// Decode returns the text of tokens. Control tokens have no text. Invalid UTF-8, such as a part
// of a character, becomes U+FFFD.
func (t *Tokenizer) Decode(ids []int32) string {
	var b strings.Builder
	b.Grow(4 * len(ids))
	first := true
	for _, id := range ids {
		piece := t.Bytes(id)
		if first && t.lead == leadToken {
			piece = strings.TrimLeft(piece, " ")
		}
		first = first && t.IsControl(id)
		b.WriteString(piece)
	}
	text := b.String()
	if t.lead == leadOne {
		text = strings.TrimPrefix(text, " ")
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// Cut returns a prefix of text that ends between two characters and has at most limit tokens, and
// whether it is shorter than text. With one more character it has more than limit tokens.
func (t *Tokenizer) Cut(text string, limit int) (string, bool) {
	limit = max(limit, 0)
	fits := func(n int) bool { return t.Count(text[:n]) <= limit }
	if fits(len(text)) {
		return text, false
	}
	// The prefix of length good has at most limit tokens, and that of length bad has more.
	// Both lengths are between two characters.
	between := func(n int) int {
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n++
		}
		return n
	}
	good, bad := 0, len(text)
	for n := between(min(4*limit+16, len(text))); n < bad; n = between(min(2*n, len(text))) {
		if !fits(n) {
			bad = n
			break
		}
		good = n
	}
	for {
		n := between(good + (bad-good)/2)
		if n == good || n == bad {
			n = between(good + 1)
		}
		if n >= bad {
			return text[:good], true
		}
		if fits(n) {
			good = n
		} else {
			bad = n
		}
	}
}

// finish sets defaults and builds the finders of added tokens.
func (t *Tokenizer) finish() (*Tokenizer, error) {
	if t.normalize == nil {
		t.normalize = func(text aligned) aligned { return text }
	}
	if t.split == nil {
		t.split = func(text aligned, _ bool, yield func(aligned)) { yield(text) }
	}
	t.prefix, t.suffix = t.single.affixes()
	return t, t.buildFinders()
}

// buildFinders builds the finders of added tokens.
func (t *Tokenizer) buildFinders() (err error) {
	t.reserved = map[int32]bool{}
	for _, a := range t.added {
		if a.control {
			t.reserved[a.id] = true
		}
	}
	t.model.exclude(t.reserved)
	normal := t.normalizedTokens()
	if t.raw, err = newFinder(slices.DeleteFunc(slices.Clone(t.added), func(a addedToken) bool { return a.normalized })); err != nil {
		return err
	}
	if t.normal, err = newFinder(normal); err != nil {
		return err
	}
	t.placeholders, err = newPlaceholders(normal, t.normalize, firstPlaceholder)
	return err
}
