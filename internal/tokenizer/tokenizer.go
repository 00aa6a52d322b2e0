// Package tokenizer turns text into a model's tokens and back.
//
// All tokenizers work in these steps, each of which a file may leave out:
// texts that are always one token are found (added.go), what is between is
// normalized (normalize.go, charsmap.go) and split into words (split.go), and
// a model makes tokens of each word: byte-level BPE or BPE of characters
// (bpe.go, merges.go), or Unigram (unigram.go). What the steps are is read
// from GGUF (gguf.go, vocabulary.go), from tokenizer.json (json.go, parts.go)
// or from SentencePiece's own files (sentencepiece.go).
//
// Encoding takes time n log n in the length of a text, whatever is in it.
package tokenizer

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Tokenizer is safe for use by several goroutines at once.
type Tokenizer struct {
	// BOS stands before a prompt where AddBOS is set, and EOS after it where
	// AddEOS is. -1 if there is none or the file does not say: tokenizer.json
	// names only tokens that are added.
	BOS, EOS       int32
	AddBOS, AddEOS bool

	before, after []int32
	added         []added
	raw, normal   *finder   // of what is looked for before normalizing, and after
	stand         *standIns // for normal's control tokens; nil if it has none
	normalize     normalizer
	split         splitRule
	model         model
	text          []string // what each token stands for, by id; empty for control tokens
	control       []bool
	specials      map[string]int32 // added tokens and control tokens by their text
	reserved      map[int32]bool
	ordinary      func(text string) (int32, bool) // other tokens by their text
	lead          leadRule
}

// model makes tokens of a word and appends them to ids. It makes those no more
// that it is to forget.
type model interface {
	append(ids []int32, word string, s *scratch) []int32
	forget(ids map[int32]bool)
}

// none stands for no token.
const none = -1

// leadRule says which spaces at the beginning of a decoded text are not the
// text's own, because encoding put them there.
type leadRule int

const (
	leadOwn   leadRule = iota // all are the text's own
	leadOne                   // one space is not
	leadToken                 // those that the first token begins with are not
)

// Size is the number of ids, some of which may have no token.
func (t *Tokenizer) Size() int { return len(t.text) }

// IsControl tells whether a token means something to the model and stands for
// no text: the begin or end of a turn, padding, the unknown token. Ids that
// have no token are among them.
func (t *Tokenizer) IsControl(id int32) bool {
	return id < 0 || int(id) >= len(t.control) || t.control[id]
}

// IsReserved tells whether a token is one that only a chat template writes:
// the control tokens, and what Control named.
func (t *Tokenizer) IsReserved(id int32) bool { return t.reserved[id] }

// Bytes gives what a token adds to the text behind other tokens: none for a
// control token, and perhaps a part of a character. A text's first tokens may
// add less: where encoding puts a space before the text (Metaspace in
// tokenizer.json, and most vocabularies of SentencePiece), Decode leaves out
// the space that the first token with text begins with.
func (t *Tokenizer) Bytes(id int32) string {
	if id < 0 || int(id) >= len(t.text) {
		return ""
	}
	return t.text[id]
}

// Around gives the tokens that the model wants before and after a prompt. They
// are not to be changed.
func (t *Tokenizer) Around() (before, after []int32) { return t.before, t.after }

// Encode gives the tokens of a text, without those of Around. What looks like
// a control token in it is text like any other, so no text can pose as a turn
// of a chat: neither a token that the file calls special or control, nor one
// that Control named, nor an added one that has the form of a mark (<|...|> and the like).
// Bytes that are no UTF-8 become U+FFFD, but are kept by byte-level BPE as far
// as the vocabulary can say them.
func (t *Tokenizer) Encode(text string) []int32 { return t.Append(nil, text) }

// Append is Encode, but appends the tokens to ids.
func (t *Tokenizer) Append(ids []int32, text string) []int32 { return t.encode(ids, text, nil) }

// EncodeChat gives the tokens of a chat that a template has written. Its control
// tokens are those whose bytes, from first up to end, are all the template's
// own, as own says. The rest is encoded as Encode does, but as one text: words
// go on from what the template wrote to what it was given.
func (t *Tokenizer) EncodeChat(text string, own func(first, end int) bool) []int32 {
	return t.encode(nil, text, own)
}

func (t *Tokenizer) encode(ids []int32, text string, own written) []int32 {
	s := scratches.Get().(*scratch)
	defer s.release()
	word := func(word string) { ids = t.model.append(ids, word, s) }
	token := func(id int32) { ids = append(ids, id) }
	t.raw.each(text, own, func(part string, at int) {
		if t.stand != nil && own != nil {
			if s, with, any := t.standingIn(part, own.within(at)); any {
				s.found.each(t.normalize(with), nil, func(part string, from int) {
					t.split(s.restored(part), at == 0 && from == 0, word)
				}, token)
				return
			}
		}
		t.normal.each(t.normalize(part), nil, func(part string, from int) {
			t.split(part, at == 0 && from == 0, word)
		}, token)
	}, token)
	return ids
}

// standingIn puts stand-ins into a text that has not those characters itself.
func (t *Tokenizer) standingIn(text string, own written) (_ *standIns, with string, any bool) {
	s := t.stand
	if s.has(text) {
		first, ok := unusedRunes(text, len(s.of.tokens))
		if !ok {
			return nil, "", false
		}
		other, err := newStandIns(t.ofNormalized(), t.normalize, first)
		if err != nil {
			return nil, "", false
		}
		s = other
	}
	with, any = s.put(text, own)
	return s, with, any
}

// ofNormalized gives the added tokens that are looked for in normalized text.
func (t *Tokenizer) ofNormalized() []added {
	return slices.DeleteFunc(slices.Clone(t.added), func(a added) bool { return !a.normalized })
}

// Count is len(Encode(text)).
func (t *Tokenizer) Count(text string) int { return len(t.Encode(text)) }

// Decode gives the text of tokens. Control tokens stand for no text. Bytes
// that are no UTF-8 (half a character, say) become U+FFFD.
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

// Cut gives a beginning of text that ends between characters and has no more
// than limit tokens, and whether it is shorter than text. With one character
// more it has too many.
func (t *Tokenizer) Cut(text string, limit int) (string, bool) {
	limit = max(limit, 0)
	fits := func(n int) bool { return t.Count(text[:n]) <= limit }
	if fits(len(text)) {
		return text, false
	}
	// good fits and bad does not; both are between characters.
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

// ready sets what follows from the rest.
func (t *Tokenizer) ready() (*Tokenizer, error) {
	if t.normalize == nil {
		t.normalize = func(text string) string { return text }
	}
	if t.split == nil {
		t.split = func(text string, _ bool, yield func(string)) { yield(text) }
	}
	t.before, t.after = slices.Clip(t.before), slices.Clip(t.after)
	return t, t.find()
}

// find prepares to find the added tokens.
func (t *Tokenizer) find() (err error) {
	t.reserved = map[int32]bool{}
	for _, a := range t.added {
		if a.control {
			t.reserved[a.id] = true
		}
	}
	t.model.forget(t.reserved)
	normal := t.ofNormalized()
	if t.raw, err = newFinder(slices.DeleteFunc(slices.Clone(t.added), func(a added) bool { return a.normalized })); err != nil {
		return err
	}
	if t.normal, err = newFinder(normal); err != nil {
		return err
	}
	t.stand, err = newStandIns(normal, t.normalize, firstStandIn)
	return err
}
