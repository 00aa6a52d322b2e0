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

// The types of tokens, by SentencePiece's numbers, which GGUF has too.
const (
	ordinary = 1
	unknown  = 2 // stands for what the vocabulary lacks
	control  = 3 // means something to the model and stands for no text
	user     = 4 // text that is always one token
	unused   = 5 // never to be made of a text
	byteType = 6 // one byte, as <0x0A>
)

// Kind is the algorithm of a Vocabulary.
type Kind string

// The kinds by their names in GGUF files.
const (
	ByteLevel Kind = "gpt2"  // BPE of bytes, by a list of merges
	Character Kind = "llama" // BPE of characters, by scores of the tokens
	Unigram   Kind = "t5"
)

// Vocabulary is what a GGUF or SentencePiece file says about its tokenizer.
type Vocabulary struct {
	Kind   Kind     // empty for ByteLevel
	Tokens []string // by id
	Types  []int64  // by id; empty where all are ordinary
	// BOS begins a text where AddBOS is set; EOS ends one, with AddEOS a prompt
	// too. -1 if there is none.
	BOS, EOS       int32
	AddBOS, AddEOS bool

	// Of ByteLevel:
	Pre    string   // the rule that splits words: see Pres
	Merges []string // two tokens with a space between; earlier ones go first

	// Of Character and Unigram:
	Scores   []float64 // by id; higher ones go first
	Charsmap []byte    // SentencePiece's table of characters to replace, if any
	// SpacePrefix puts a space before a text; DropSpaces takes those at its
	// ends away, and all but one elsewhere.
	SpacePrefix, DropSpaces bool
}

// New checks a vocabulary and prepares it.
func New(v Vocabulary) (*Tokenizer, error) {
	if len(v.Types) != 0 && len(v.Types) != len(v.Tokens) {
		return nil, fmt.Errorf("the tokenizer has %d tokens but types for %d", len(v.Tokens), len(v.Types))
	}
	for _, id := range []int32{v.BOS, v.EOS} {
		if id < -1 || int(id) >= len(v.Tokens) {
			return nil, fmt.Errorf("the tokenizer's first or last token has the id %d, of %d tokens", id, len(v.Tokens))
		}
	}
	t := &Tokenizer{
		BOS: v.BOS, EOS: v.EOS, AddBOS: v.AddBOS, AddEOS: v.AddEOS,
		text:     make([]string, len(v.Tokens)),
		control:  make([]bool, len(v.Tokens)),
		specials: map[string]int32{},
	}
	if v.AddBOS {
		if v.BOS < 0 {
			return nil, errors.New("a token is to stand before texts, but the file does not say which (bos_token_id)")
		}
		t.before = []int32{v.BOS}
	}
	if v.AddEOS {
		if v.EOS < 0 {
			return nil, errors.New("a token is to stand after texts, but the file does not say which (eos_token_id)")
		}
		t.after = []int32{v.EOS}
	}
	byText := map[string]int32{}
	for i, s := range v.Tokens {
		if _, double := byText[s]; !double && s != "" {
			byText[s] = int32(i)
		}
		kind := v.kind(i)
		switch {
		case s == "" && (kind == control || kind == user):
			return nil, fmt.Errorf("token %d is special but has no text", i)
		case kind == control || kind == unknown:
			t.control[i] = true
			t.specials[s] = int32(i)
			if s != "" {
				t.added = append(t.added, added{content: s, text: s, id: int32(i), control: true})
			}
		case kind == user:
			if len(s) > maxPiece {
				return nil, fmt.Errorf("token %d is to be found as a whole and has %d bytes; %d are allowed", i, len(s), maxPiece)
			}
			t.specials[s] = int32(i)
			t.text[i] = s
			if v.Kind == Character || v.Kind == Unigram {
				t.text[i] = strings.ReplaceAll(s, spaceMark, " ")
			}
			// SentencePiece looks for its own in the normalized text.
			spm := v.Kind == Character || v.Kind == Unigram
			t.added = append(t.added, added{content: s, text: s, id: int32(i), control: isTurnMark(s), normalized: spm && !isTurnMark(s)})
		case kind == ordinary && isTurnMark(s):
			// Some files call those ordinary. They are added tokens all the same
			// where a template has them: see Control.
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
	default:
		err = fmt.Errorf("its tokenizer is of the kind %q, which is not supported; %s (byte-level BPE), %s (BPE of SentencePiece) and %s (Unigram) are", v.Kind, ByteLevel, Character, Unigram)
	}
	if err != nil {
		return nil, err
	}
	return t.ready()
}

func (v *Vocabulary) kind(id int) int64 {
	if len(v.Types) == 0 {
		return ordinary
	}
	return v.Types[id]
}

func (v *Vocabulary) byteLevel(t *Tokenizer) error {
	var ok bool
	if t.split, ok = pres[v.Pre]; !ok {
		return fmt.Errorf("the tokenizer splits words by the rule %q, which is not supported; supported are %s", v.Pre, strings.Join(Pres(), ", "))
	}
	byText := make(map[string]int32, len(v.Tokens))
	for i, s := range v.Tokens {
		if kind := v.kind(i); kind == control || kind == user || kind == unknown {
			continue
		}
		// Vocabularies hold a few names that no merge leads to.
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
	b := &bpe{merges: m, bytes: startBytes(byText)}
	if strings.HasPrefix(v.Pre, "llama") {
		b.whole = wholeWords(byText, t.text)
	}
	t.model = b
	return nil
}

// mergesOf makes the table of merges from pairs of tokens, first ones first.
func mergesOf(pairs [][2]string, byText map[string]int32) (*merges, error) {
	m := newMerges(len(pairs))
	for rank, pair := range pairs {
		left, haveLeft := byText[pair[0]]
		right, haveRight := byText[pair[1]]
		if !haveLeft || !haveRight {
			return nil, fmt.Errorf("merge %d of the tokenizer, %q with %q, is not of two tokens", rank, pair[0], pair[1])
		}
		whole, ok := byText[pair[0]+pair[1]]
		if !ok {
			return nil, fmt.Errorf("merge %d of the tokenizer, %q with %q, makes no token", rank, pair[0], pair[1])
		}
		m.add(left, right, int32(rank), whole)
	}
	return m, nil
}

// startBytes are the tokens of single bytes.
func startBytes(byText map[string]int32) *[256]int32 {
	bytes := new([256]int32)
	for b := range bytes {
		bytes[b] = none
		if id, ok := byText[string(alphabet[b])]; ok {
			bytes[b] = id
		}
	}
	return bytes
}

// wholeWords are the tokens of byte-level BPE that stand for text, by its bytes.
func wholeWords(byText map[string]int32, text []string) map[string]int32 {
	whole := make(map[string]int32, len(byText))
	for _, id := range byText {
		if text[id] != "" {
			whole[text[id]] = id
		}
	}
	return whole
}

// startChars sets the tokens of single characters.
func (p *bpe) startChars(byText map[string]int32) {
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

// characters prepares the kinds Character and Unigram.
func (v *Vocabulary) characters(t *Tokenizer) error {
	if len(v.Scores) != len(v.Tokens) {
		return fmt.Errorf("the tokenizer has %d tokens but scores for %d", len(v.Tokens), len(v.Scores))
	}
	byText := make(map[string]int32, len(v.Tokens))
	fallback := new([256]int32)
	bytes := 0
	lacking := int32(none)
	worst := 0.0
	for i, s := range v.Tokens {
		if math.IsNaN(v.Scores[i]) || math.IsInf(v.Scores[i], 0) {
			return fmt.Errorf("token %d of the tokenizer has no number as its score", i)
		}
		if len(s) > maxPiece {
			return fmt.Errorf("token %d of the tokenizer has %d bytes; %d are allowed", i, len(s), maxPiece)
		}
		switch v.kind(i) {
		case 0, ordinary:
			t.text[i] = strings.ReplaceAll(s, spaceMark, " ")
			if _, double := byText[s]; !double && s != "" {
				byText[s] = int32(i)
				worst = min(worst, v.Scores[i])
			}
		case unknown:
			lacking = int32(i)
		case byteType:
			b, ok := fallbackByte(s)
			if !ok {
				return fmt.Errorf("token %d of the tokenizer is to be a byte such as <0x0A>; it is %q", i, s)
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
			return fmt.Errorf("the tokenizer has tokens for %d bytes; all 256 are needed, or none", bytes)
		}
		fallback = nil
	}
	if lacking == none && fallback == nil {
		return errors.New("the tokenizer has no token for unknown characters")
	}
	steps := []normalizer{valid}
	if len(v.Charsmap) > 0 {
		m, err := newCharsmap(v.Charsmap, false)
		if err != nil {
			return err
		}
		// SentencePiece leaves its own symbols as they are.
		var users []added
		for _, a := range t.added {
			if a.normalized {
				users = append(users, a)
			}
		}
		found, err := newFinder(users)
		if err != nil {
			return err
		}
		steps = append(steps, normalizer(m.normalize).except(found))
	}
	t.normalize = inOrder(append(steps, squash(v.DropSpaces, v.SpacePrefix)))
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
		t.model = &unigram{pieces, v.Scores, lacking, worst - unknownPenalty, fallback, true}
		return nil
	}
	b := &bpe{merges: v.mergesByScore(byText), fallback: fallback, unknown: lacking, fuse: true}
	b.startChars(byText)
	if _, ok := byText[spaceMark]; ok {
		b.cut(v.Tokens)
	}
	t.model = b
	return nil
}

// mergesByScore makes the table of merges from scores: any two tokens whose
// texts together are a token merge, those of the highest score first.
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
		if v.Scores[id] != last { // tokens of one score have one rank
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
