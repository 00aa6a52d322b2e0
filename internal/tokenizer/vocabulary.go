package tokenizer

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Types of tokens in SentencePiece and GGUF files.
const (
	ordinary = 1
	unknown  = 2 // replaces characters that are not in the vocabulary
	control  = 3 // has a meaning for the model but no text
	user     = 4 // text that is always one token
	unused   = 5 // never made from a text
	byteType = 6 // one byte, such as <0x0A>
)

// Kind is the algorithm of a Vocabulary, by its name in GGUF files.
type Kind string

// The kinds that are supported.
const (
	ByteLevel Kind = "gpt2"  // byte-level BPE with a list of merges
	Character Kind = "llama" // character BPE with scores
	Unigram   Kind = "t5"
	WordPiece Kind = "bert"
)

// Vocabulary is the description of a tokenizer in a GGUF or SentencePiece file.
type Vocabulary struct {
	Kind   Kind     // empty for ByteLevel
	Tokens []string // by id
	Types  []int64  // by id; empty if all tokens are ordinary
	// BOS is the token at the beginning of a text and EOS at its end, or -1. They are added to
	// a prompt if AddBOS or AddEOS is set.
	BOS, EOS       int32
	AddBOS, AddEOS bool
	UNK            int32 // for WordPiece: the token of unknown words

	// For ByteLevel:
	Pre    string   // name of the rule that splits words; see PreTokenizers
	Merges []string // two tokens separated by a space, in order of priority

	// For Character and Unigram:
	Scores   []float64 // by id; a higher score has priority
	Charsmap []byte    // SentencePiece's precompiled charsmap, or empty
	// SpacePrefix adds a space before a text. DropSpaces removes spaces at its ends and reduces
	// other runs of spaces to one.
	SpacePrefix, DropSpaces bool
}

// New validates a vocabulary and returns its tokenizer.
func New(v Vocabulary) (*Tokenizer, error) {
	if len(v.Types) != 0 && len(v.Types) != len(v.Tokens) {
		return nil, fmt.Errorf("the tokenizer has %d tokens but %d token types", len(v.Tokens), len(v.Types))
	}
	for _, id := range []int32{v.BOS, v.EOS} {
		if id < -1 || int(id) >= len(v.Tokens) {
			return nil, fmt.Errorf("the tokenizer's bos_token_id or eos_token_id is %d, but it has %d tokens", id, len(v.Tokens))
		}
	}
	t := &Tokenizer{
		BOS: v.BOS, EOS: v.EOS, AddBOS: v.AddBOS, AddEOS: v.AddEOS,
		text:     make([]string, len(v.Tokens)),
		control:  make([]bool, len(v.Tokens)),
		specials: map[string]int32{},
	}
	var prefix, suffix []int32
	if v.AddBOS {
		if v.BOS < 0 {
			return nil, errors.New("the tokenizer adds a token before texts, but bos_token_id is missing")
		}
		prefix = []int32{v.BOS}
	}
	if v.AddEOS {
		if v.EOS < 0 {
			return nil, errors.New("the tokenizer adds a token after texts, but eos_token_id is missing")
		}
		suffix = []int32{v.EOS}
	}
	t.single, t.pair = around(prefix, suffix), around(prefix, suffix)
	switch {
	case v.Kind == WordPiece && v.AddBOS && v.AddEOS:
		t.pair = bertPair(v.BOS, v.EOS)
	case v.AddBOS && v.AddEOS:
		t.pair = robertaPair(v.BOS, v.EOS)
	default: // the second text follows in the same way
		for _, item := range t.single {
			item.text = 1
			t.pair = append(t.pair, item)
		}
	}
	byText := map[string]int32{}
	for i, s := range v.Tokens {
		if _, duplicate := byText[s]; !duplicate && s != "" {
			byText[s] = int32(i)
		}
		kind := v.kind(i)
		switch {
		case s == "" && (kind == control || kind == user):
			return nil, fmt.Errorf("token %d is a control or user-defined token but has no text", i)
		case kind == control || kind == unknown:
			t.control[i] = true
			t.specials[s] = int32(i)
			if s != "" {
				t.added = append(t.added, addedToken{content: s, text: s, id: int32(i), control: true})
			}
		case kind == user:
			if len(s) > maxPiece {
				return nil, fmt.Errorf("the user-defined token %d has %d bytes; the limit is %d", i, len(s), maxPiece)
			}
			t.specials[s] = int32(i)
			t.text[i] = s
			if v.Kind == Character || v.Kind == Unigram {
				t.text[i] = strings.ReplaceAll(s, spaceMark, " ")
			}
			// SentencePiece finds user-defined tokens in the normalized text.
			spm := v.Kind == Character || v.Kind == Unigram
			t.added = append(t.added, addedToken{content: s, text: s, id: int32(i), control: isTemplateMarker(s), normalized: spm && !isTemplateMarker(s)})
		case kind == ordinary && isTemplateMarker(s):
			// Some files mark these as ordinary. They become added tokens if the chat template
			// has them; see MarkControl.
			t.specials[s] = int32(i)
		}
	}
	t.ordinary = func(text string) (int32, bool) {
		id, ok := byText[text]
		return id, ok
	}
	var err error
	switch v.Kind {
	case "", ByteLevel:
		err = v.byteLevel(t)
	case Character, Unigram:
		err = v.characters(t)
	case WordPiece:
		err = v.wordPiece(t)
	default:
		err = fmt.Errorf("the tokenizer kind %q is not supported; the supported kinds are %s (byte-level BPE), %s (SentencePiece BPE), %s (Unigram) and %s (WordPiece)", v.Kind, ByteLevel, Character, Unigram, WordPiece)
	}
	if err != nil {
		return nil, err
	}
	return t.finish()
}

func (v *Vocabulary) kind(id int) int64 {
	if len(v.Types) == 0 {
		return ordinary
	}
	return v.Types[id]
}

// byteLevel prepares a tokenizer of the kind ByteLevel.
func (v *Vocabulary) byteLevel(t *Tokenizer) error {
	var ok bool
	if t.split, ok = preTokenizers[v.Pre]; !ok {
		return fmt.Errorf("the pre-tokenizer %q is not supported; the supported ones are %s", v.Pre, strings.Join(PreTokenizers(), ", "))
	}
	byText := make(map[string]int32, len(v.Tokens))
	for i, s := range v.Tokens {
		if kind := v.kind(i); kind == control || kind == user || kind == unknown {
			continue
		}
		// Vocabularies have a few names that are not written in the byte alphabet.
		t.text[i] = s
		if raw, ok := fromAlphabet(s); ok {
			t.text[i] = raw
			byText[s] = int32(i)
		}
	}
	pairs := make([][2]string, len(v.Merges))
	for i, m := range v.Merges {
		pairs[i][0], pairs[i][1], _ = strings.Cut(m, " ")
	}
	m, err := mergesOf(pairs, byText)
	if err != nil {
		return err
	}
	b := &bpe{merges: m, bytes: byteSymbols(byText)}
	if strings.HasPrefix(v.Pre, "llama") {
		b.whole = wholeWords(byText, t.text)
	}
	t.model = b
	return nil
}

// wordPiece prepares a tokenizer of the kind WordPiece. A GGUF file has the tokens that begin a word
// with the prefix spaceMark, and the other ones without their prefix ##.
func (v *Vocabulary) wordPiece(t *Tokenizer) error {
	pieces := make([]string, len(v.Tokens))
	capitals, words := 0, 0
	for i, s := range v.Tokens {
		if v.kind(i) != ordinary || t.specials[s] == int32(i) && isTemplateMarker(s) || int32(i) == v.BOS || int32(i) == v.EOS || int32(i) == v.UNK {
			continue
		}
		pieces[i] = "##" + s
		if first, ok := strings.CutPrefix(s, spaceMark); ok {
			pieces[i] = first
		}
		t.text[i] = strings.ReplaceAll(s, spaceMark, " ")
		words++
		if strings.ContainsFunc(s, func(r rune) bool { return 'A' <= r && r <= 'Z' }) && !isBracketed(s) {
			capitals++
		}
	}
	cased := capitals > words/50 // the file does not say it
	if v.UNK < 0 || int(v.UNK) >= len(v.Tokens) {
		return errors.New("the tokenizer has no token for unknown words (unknown_token_id)")
	}
	for _, id := range []int32{v.BOS, v.EOS, v.UNK} {
		if id >= 0 {
			t.control[id], t.text[id] = true, ""
			t.setControl(v.Tokens[id], id)
		}
	}
	t.lead = leadOne
	t.normalize = sequence([]normalizer{validUTF8, bertNormalizer{true, true, !cased, !cased}.normalizer()})
	t.split = splitBert
	var err error
	t.model, err = newWordPiece(pieces, "##", v.UNK, 100)
	return err
}

// isBracketed reports whether a token has the form of BERT's special tokens, such as [PAD].
func isBracketed(s string) bool {
	s = strings.TrimPrefix(s, spaceMark)
	return strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") && len(s) > 2
}

// mergesOf builds the table of merges from pairs of tokens in order of priority.
func mergesOf(pairs [][2]string, byText map[string]int32) (*merges, error) {
	m := newMerges(len(pairs))
	for rank, pair := range pairs {
		left, haveLeft := byText[pair[0]]
		right, haveRight := byText[pair[1]]
		if !haveLeft || !haveRight {
			return nil, fmt.Errorf("merge %d of the tokenizer, %q with %q, does not consist of two tokens", rank, pair[0], pair[1])
		}
		whole, ok := byText[pair[0]+pair[1]]
		if !ok {
			return nil, fmt.Errorf("the result of merge %d of the tokenizer, %q with %q, is not a token", rank, pair[0], pair[1])
		}
		m.add(left, right, int32(rank), whole)
	}
	return m, nil
}

// byteSymbols returns the tokens of single bytes.
func byteSymbols(byText map[string]int32) *[256]int32 {
	bytes := new([256]int32)
	for b := range bytes {
		bytes[b] = none
		if id, ok := byText[string(alphabet[b])]; ok {
			bytes[b] = id
		}
	}
	return bytes
}

// wholeWords returns the tokens of byte-level BPE that have text, by their bytes.
func wholeWords(byText map[string]int32, text []string) map[string]int32 {
	whole := make(map[string]int32, len(byText))
	for _, id := range byText {
		if text[id] != "" {
			whole[text[id]] = id
		}
	}
	return whole
}

// setCharSymbols sets the tokens of single characters.
func (p *bpe) setCharSymbols(byText map[string]int32) {
	p.chars = map[rune]int32{}
	for i := range p.ascii {
		p.ascii[i] = none
	}
	for s, id := range byText {
		r, size := utf8.DecodeRuneInString(s)
		if s == "" || size != len(s) {
			continue
		}
		p.chars[r] = id
		if r < utf8.RuneSelf {
			p.ascii[r] = id
		}
	}
}

// characters prepares a tokenizer of the kind Character or Unigram.
func (v *Vocabulary) characters(t *Tokenizer) error {
	if len(v.Scores) != len(v.Tokens) {
		return fmt.Errorf("the tokenizer has %d tokens but %d scores", len(v.Tokens), len(v.Scores))
	}
	byText := make(map[string]int32, len(v.Tokens))
	fallback := new([256]int32)
	bytes := 0
	unknownID := int32(none)
	lowest := 0.0
	for i, s := range v.Tokens {
		if math.IsNaN(v.Scores[i]) || math.IsInf(v.Scores[i], 0) {
			return fmt.Errorf("the score of token %d of the tokenizer is not a finite number", i)
		}
		if len(s) > maxPiece {
			return fmt.Errorf("token %d of the tokenizer has %d bytes; the limit is %d", i, len(s), maxPiece)
		}
		switch v.kind(i) {
		case 0, ordinary:
			t.text[i] = strings.ReplaceAll(s, spaceMark, " ")
			if _, duplicate := byText[s]; !duplicate && s != "" {
				byText[s] = int32(i)
				lowest = min(lowest, v.Scores[i])
			}
		case unknown:
			unknownID = int32(i)
		case byteType:
			b, ok := fallbackByte(s)
			if !ok {
				return fmt.Errorf("token %d of the tokenizer is a byte token, but its text is %q, expected a form such as <0x0A>", i, s)
			}
			t.text[i] = string([]byte{b})
			fallback[b] = int32(i)
			bytes++
		case unused:
			t.text[i] = strings.ReplaceAll(s, spaceMark, " ")
		}
	}
	if bytes != len(fallback) {
		if bytes > 0 {
			return fmt.Errorf("the tokenizer has tokens for %d bytes, expected 0 or 256", bytes)
		}
		fallback = nil
	}
	if unknownID == none && fallback == nil {
		return errors.New("the tokenizer has no token for unknown characters")
	}
	steps := []normalizer{validUTF8}
	if len(v.Charsmap) > 0 {
		m, err := newCharsmap(v.Charsmap, false)
		if err != nil {
			return err
		}
		// SentencePiece does not normalize user-defined tokens.
		var users []addedToken
		for _, a := range t.added {
			if a.normalized {
				users = append(users, a)
			}
		}
		found, err := newFinder(users)
		if err != nil {
			return err
		}
		steps = append(steps, normalizer(m.normalize).skipping(found))
	}
	t.normalize = sequence(append(steps, markSpaces(v.DropSpaces, v.SpacePrefix)))
	if v.SpacePrefix {
		t.lead = leadOne
	}
	if v.Kind == Unigram {
		pieces := newTrie()
		for s, id := range byText {
			if err := pieces.add(s, id); err != nil {
				return err
			}
		}
		t.model = &unigram{pieces, v.Scores, unknownID, lowest - unknownPenalty, fallback, true}
		return nil
	}
	b := &bpe{merges: v.mergesByScore(byText), fallback: fallback, unknown: unknownID, fuseUnknown: true}
	b.setCharSymbols(byText)
	if _, ok := byText[spaceMark]; ok {
		b.findSticky(v.Tokens)
	}
	t.model = b
	return nil
}

// mergesByScore builds the table of merges from scores: two tokens merge if their joined text is
// a token. Merges with a higher score have priority.
func (v *Vocabulary) mergesByScore(byText map[string]int32) *merges {
	ids := make([]int32, 0, len(byText))
	for _, id := range byText {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b int32) int {
		return cmp.Or(cmp.Compare(v.Scores[b], v.Scores[a]), cmp.Compare(a, b))
	})
	var found []merge
	rank, last := int32(0), math.Inf(1)
	for _, id := range ids {
		if v.Scores[id] != last { // tokens of the same score have the same rank
			rank, last = rank+1, v.Scores[id]
		}
		s := v.Tokens[id]
		for cut := 1; cut < len(s); cut++ {
			if !utf8.RuneStart(s[cut]) {
				continue
			}
			left, haveLeft := byText[s[:cut]]
			right, haveRight := byText[s[cut:]]
			if haveLeft && haveRight {
				found = append(found, merge{left, right, rank, id})
			}
		}
	}
	m := newMerges(len(found))
	for _, f := range found {
		m.add(f.left, f.right, f.rank, f.id)
	}
	return m
}
