// Package token turns text into a model's tokens and back: byte-level BPE as
// GGUF files describe it.
//
// A vocabulary of the GGUF model "gpt2" writes each byte of a token as one
// printable character (see alphabet.go); a text is split into words by a rule
// the file names (split.go), and each word's bytes are merged, pair by pair,
// in the order of the file's list of merges (merge.go).
package token

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// The types of tokens in a GGUF file that matter here; the others are ordinary.
const (
	control = 3 // means something to the model and stands for no text
	user    = 4 // text that is always one token
)

// Vocabulary is what a file says about its tokenizer.
type Vocabulary struct {
	Pre    string   // the rule that splits words: see Pres
	Tokens []string // by id
	Types  []int64  // by id; empty where all are ordinary
	Merges []string // two tokens with a space between; earlier ones go first
	// BOS begins a text where AddBOS is set; EOS ends one. -1 if there is none.
	BOS, EOS int32
	AddBOS   bool
}

// Tokenizer is safe for use by several goroutines at once.
type Tokenizer struct {
	BOS, EOS int32
	AddBOS   bool

	split    splitRule
	bytes    [256]int32       // the token of each single byte, or none
	text     []string         // each token's bytes, by id; empty for control
	merges   map[pair]merge   // what two neighbours become
	specials map[string]int32 // control and user tokens by their text
	controls []string         // longest first
	users    []string         // longest first

	mu    sync.RWMutex
	words map[string][]int32 // short words seen lately
}

// none is the token of a byte that the vocabulary lacks, which many do for
// control characters and bytes that are in no UTF-8. Such a byte is left out of
// the tokens, as the models' own tokenizers do, and no merge crosses it.
const none = -1

const (
	// Longer words are rarely seen again.
	maxCachedWord  = 32
	maxCachedWords = 1 << 16
)

// New checks a vocabulary and prepares it.
func New(v Vocabulary) (*Tokenizer, error) {
	split, ok := splitRules[v.Pre]
	if !ok {
		return nil, fmt.Errorf("the tokenizer splits words by the rule %q, which is not supported; supported are %s", v.Pre, strings.Join(Pres(), ", "))
	}
	if len(v.Types) != 0 && len(v.Types) != len(v.Tokens) {
		return nil, fmt.Errorf("the tokenizer has %d tokens but types for %d", len(v.Tokens), len(v.Types))
	}
	t := &Tokenizer{
		BOS: v.BOS, EOS: v.EOS, AddBOS: v.AddBOS, split: split,
		text:     make([]string, len(v.Tokens)),
		merges:   make(map[pair]merge, len(v.Merges)),
		specials: map[string]int32{},
		words:    map[string][]int32{},
	}
	for _, id := range []int32{v.BOS, v.EOS} {
		if id < -1 || int(id) >= len(v.Tokens) {
			return nil, fmt.Errorf("the tokenizer's first or last token has the id %d, of %d tokens", id, len(v.Tokens))
		}
	}
	byText := make(map[string]int32, len(v.Tokens))
	for i, s := range v.Tokens {
		id := int32(i)
		kind := int64(0)
		if len(v.Types) != 0 {
			kind = v.Types[i]
		}
		if kind == control || kind == user {
			if s == "" {
				return nil, fmt.Errorf("token %d is special but has no text", i)
			}
			t.specials[s] = id
			if kind == user {
				t.text[i] = s
				t.users = append(t.users, s)
			} else {
				t.controls = append(t.controls, s)
			}
			continue
		}
		raw, err := fromAlphabet(s)
		if err != nil {
			// Vocabularies hold a few such names that no merge leads to.
			t.text[i] = s
			continue
		}
		t.text[i] = raw
		byText[s] = id
	}
	longestFirst := func(a, b string) int { return len(b) - len(a) }
	slices.SortStableFunc(t.controls, longestFirst)
	slices.SortStableFunc(t.users, longestFirst)
	for b := range t.bytes {
		t.bytes[b] = none
		if id, ok := byText[string(alphabet[b])]; ok {
			t.bytes[b] = id
		}
	}
	for rank, m := range v.Merges {
		left, right, ok := strings.Cut(m, " ")
		l, haveLeft := byText[left]
		r, haveRight := byText[right]
		if !ok || !haveLeft || !haveRight {
			return nil, fmt.Errorf("merge %d of the tokenizer, %q, is not of two tokens", rank, m)
		}
		whole, ok := byText[left+right]
		if !ok {
			return nil, fmt.Errorf("merge %d of the tokenizer, %q, makes no token", rank, m)
		}
		if _, ok := t.merges[pair{l, r}]; !ok {
			t.merges[pair{l, r}] = merge{int32(rank), whole}
		}
	}
	return t, nil
}

// Size is the number of tokens.
func (t *Tokenizer) Size() int { return len(t.text) }

// Special gives the id of a control or user token by its text.
func (t *Tokenizer) Special(text string) (int32, bool) {
	id, ok := t.specials[text]
	return id, ok
}

// Encode gives the tokens of a text. What looks like a control token in it is
// text like any other, so no text can pose as a turn of a chat.
func (t *Tokenizer) Encode(text string) []int32 {
	return t.append(nil, text)
}

// EncodeControl is Encode, but finds control tokens in the text. It is for
// templates, never for what users wrote.
func (t *Tokenizer) EncodeControl(text string) []int32 {
	var ids []int32
	t.eachSpecial(text, t.controls, func(plain string) {
		ids = t.append(ids, plain)
	}, func(id int32) {
		ids = append(ids, id)
	})
	return ids
}

func (t *Tokenizer) append(ids []int32, text string) []int32 {
	t.eachWord(text, func(_ int, word []int32) bool {
		ids = append(ids, word...)
		return true
	})
	return ids
}

// eachSpecial splits text at the given special tokens.
func (t *Tokenizer) eachSpecial(text string, specials []string, plain func(string), special func(int32)) {
	if len(specials) == 0 {
		plain(text)
		return
	}
	start := 0
	for i := 0; i < len(text); {
		found := ""
		for _, s := range specials {
			if strings.HasPrefix(text[i:], s) {
				found = s
				break
			}
		}
		if found == "" {
			i++
			continue
		}
		if start < i {
			plain(text[start:i])
		}
		special(t.specials[found])
		i += len(found)
		start = i
	}
	if start < len(text) {
		plain(text[start:])
	}
}

// eachWord gives each word's place and tokens, in order, until yield is false.
func (t *Tokenizer) eachWord(text string, yield func(at int, ids []int32) bool) {
	at := 0
	more := true
	t.eachSpecial(text, t.users, func(plain string) {
		t.split(plain, func(word string) bool {
			more = more && yield(at, t.word(word))
			at += len(word)
			return more
		})
	}, func(id int32) {
		more = more && yield(at, []int32{id})
		at += len(t.text[id])
	})
}

// word gives the tokens of one word; they are not to be changed.
func (t *Tokenizer) word(word string) []int32 {
	if len(word) > maxCachedWord {
		return t.mergeBytes(word)
	}
	t.mu.RLock()
	ids, ok := t.words[word]
	t.mu.RUnlock()
	if ok {
		return ids
	}
	ids = t.mergeBytes(word)
	t.mu.Lock()
	if len(t.words) >= maxCachedWords {
		clear(t.words)
	}
	t.words[strings.Clone(word)] = ids
	t.mu.Unlock()
	return ids
}

// Decode gives the text of tokens. Control tokens stand for no text. Bytes
// that are no UTF-8 (half a character, say) become U+FFFD.
func (t *Tokenizer) Decode(ids []int32) string {
	var b strings.Builder
	for _, id := range ids {
		if id >= 0 && int(id) < len(t.text) {
			b.WriteString(t.text[id])
		}
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}

// Count is len(Encode(text)).
func (t *Tokenizer) Count(text string) int {
	n := 0
	t.eachWord(text, func(_ int, ids []int32) bool {
		n += len(ids)
		return true
	})
	return n
}

// Cut gives the longest beginning of text that ends between characters and
// within the first limit tokens, and whether it is shorter than text.
func (t *Tokenizer) Cut(text string, limit int) (string, bool) {
	limit = max(limit, 0)
	end := t.offset(text, limit)
	if end == len(text) {
		return text, false
	}
	// A beginning may take more tokens than it had as a part of the whole.
	for n := limit; ; n-- {
		for end > 0 && end < len(text) && !utf8.RuneStart(text[end]) {
			end--
		}
		if end == 0 || t.Count(text[:end]) <= limit {
			return text[:end], true
		}
		end = t.offset(text[:end], n)
	}
}

// offset says where the first limit tokens of text end.
func (t *Tokenizer) offset(text string, limit int) int {
	end, n := len(text), 0
	t.eachWord(text, func(at int, ids []int32) bool {
		if n+len(ids) <= limit {
			n += len(ids)
			return true
		}
		end = at
		for _, id := range ids[:limit-n] {
			for t.text[id][0] != text[end] { // left out
				end++
			}
			end += len(t.text[id])
		}
		return false
	})
	return end
}
