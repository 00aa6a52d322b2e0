package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
)

// tokenizerJSON is a tokenizer.json, the format of Hugging Face's library tokenizers.
type tokenizerJSON struct {
	AddedTokens   []addedJSON `json:"added_tokens"`
	Normalizer    *jsonStep   `json:"normalizer"`
	PreTokenizer  *jsonStep   `json:"pre_tokenizer"`
	PostProcessor *jsonStep   `json:"post_processor"`
	Decoder       *jsonStep   `json:"decoder"`
	Truncation    *struct {
		MaxLength int `json:"max_length"`
	} `json:"truncation"`
	Model modelJSON `json:"model"`
}

type addedJSON struct {
	ID         int64  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

type modelJSON struct {
	Type         string          `json:"type"`
	Vocab        json.RawMessage `json:"vocab"`
	Merges       mergeList       `json:"merges"`
	UnkID        *int64          `json:"unk_id"`
	UnkToken     *string         `json:"unk_token"`
	ByteFallback bool            `json:"byte_fallback"`
	FuseUnk      bool            `json:"fuse_unk"`
	IgnoreMerges bool            `json:"ignore_merges"`
	Dropout      *float64        `json:"dropout"`
	Prefix       *string         `json:"continuing_subword_prefix"`
	Suffix       string          `json:"end_of_word_suffix"`
	MaxChars     *int            `json:"max_input_chars_per_word"`
}

// mergeList has the form ["a b", ...] or [["a", "b"], ...].
type mergeList [][2]string

func (l *mergeList) UnmarshalJSON(data []byte) error {
	if first := bytes.TrimLeft(data, "[ \t\r\n"); len(first) == 0 || first[0] != '"' || bytes.Count(data[:len(data)-len(first)], []byte("[")) > 1 {
		return json.Unmarshal(data, (*[][2]string)(l))
	}
	var lines []string
	if err := json.Unmarshal(data, &lines); err != nil {
		return err
	}
	*l = make(mergeList, len(lines))
	for i, line := range lines {
		(*l)[i][0], (*l)[i][1], _ = strings.Cut(line, " ")
	}
	return nil
}

// ReadJSON returns the tokenizer that a tokenizer.json describes. Settings that are not supported
// are an error that names them. Errors begin with path.
func ReadJSON(path string, data []byte) (*Tokenizer, error) {
	t, err := readJSON(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

func readJSON(data []byte) (*Tokenizer, error) {
	var file tokenizerJSON
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("not a tokenizer.json: %w", err)
	}
	vocab, err := file.vocabulary()
	if err != nil {
		return nil, err
	}
	return file.tokenizer(vocab)
}

// tokenizer returns the tokenizer of a file, whose vocabulary is given.
func (file *tokenizerJSON) tokenizer(vocab *vocabJSON) (*Tokenizer, error) {
	t := &Tokenizer{BOS: -1, EOS: -1, specials: map[string]int32{}}
	normalize, err := file.Normalizer.normalizer()
	if err != nil {
		return nil, err
	}
	steps := []normalizer{validUTF8}
	pre, err := file.PreTokenizer.preTokenizer()
	if err != nil {
		return nil, err
	}
	t.split = pre.rule
	if pre.byteLevel && normalize == nil {
		steps = nil // byte-level BPE encodes any byte
	}
	if normalize != nil {
		steps = append(steps, normalize)
	}
	t.normalize = sequence(steps)
	decode, err := file.Decoder.decoder()
	if err != nil {
		return nil, err
	}
	if file.Decoder == nil && pre.byteLevel {
		decode = decoding{byteLevel: true}
	}
	if decode.byteLevel != pre.byteLevel {
		return nil, errors.New("only one of pre_tokenizer and decoder has the type ByteLevel; both or neither must have it")
	}
	t.lead = decode.lead

	if err := file.addTokens(t, vocab); err != nil {
		return nil, err
	}
	for id, s := range vocab.tokens {
		if t.control[id] || t.text[id] != "" {
			continue
		}
		t.text[id] = decode.text(s)
	}
	switch file.Model.Type {
	case "Unigram":
		t.model, err = file.unigram(t, vocab)
	case "WordPiece":
		t.model, err = file.wordPiece(t, vocab)
	default:
		t.model, err = file.bpe(t, vocab, pre.byteLevel)
	}
	if err != nil {
		return nil, err
	}
	if err := t.readPostProcessor(file.PostProcessor, pre.byteLevel); err != nil {
		return nil, err
	}
	prefix, suffix := t.single.affixes()
	if len(prefix) == 1 {
		t.BOS, t.AddBOS = prefix[0], true
	}
	if len(suffix) == 1 {
		t.EOS, t.AddEOS = suffix[0], true
	}
	if c := file.Truncation; c != nil && c.MaxLength > 0 {
		t.MaxTokens = c.MaxLength
	}
	t.ordinary = func(text string) (int32, bool) {
		id, ok := vocab.ids[text]
		return id, ok
	}
	return t.finish()
}

// vocabulary returns the vocabulary of the model.
func (f *tokenizerJSON) vocabulary() (*vocabJSON, error) {
	switch f.Model.Type {
	case "Unigram":
		return f.unigramVocab()
	case "WordPiece", "BPE":
		return f.mapVocab()
	case "": // old files have no type
		f.Model.Type = "BPE"
		if f.Model.MaxChars != nil {
			f.Model.Type = "WordPiece"
		}
		return f.mapVocab()
	}
	return nil, fmt.Errorf("the model type %q is not supported; the supported types are BPE, Unigram and WordPiece", f.Model.Type)
}

// vocabJSON is the vocabulary of the model. tokens is empty for ids without a token.
type vocabJSON struct {
	tokens []string
	ids    map[string]int32
	scores []float64 // for Unigram only
}

// scored has the form ["token", score].
type scored struct {
	token string
	score float64
}

func (s *scored) UnmarshalJSON(data []byte) error {
	pair := []any{&s.token, &s.score}
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return fmt.Errorf("%s is not a token with its score", data)
	}
	return nil
}

func (f *tokenizerJSON) unigramVocab() (*vocabJSON, error) {
	var list []scored
	if err := json.Unmarshal(f.Model.Vocab, &list); err != nil {
		return nil, fmt.Errorf("the vocab of the Unigram model: %w", err)
	}
	v := &vocabJSON{ids: make(map[string]int32, len(list))}
	for i, s := range list {
		if math.IsNaN(s.score) || math.Abs(s.score) > 1e30 {
			return nil, fmt.Errorf("token %d, %q, has the score %g", i, s.token, s.score)
		}
		v.tokens = append(v.tokens, s.token)
		v.scores = append(v.scores, s.score)
		v.ids[s.token] = int32(i)
	}
	return v, nil
}

// mapVocab returns the vocabulary of a model that maps tokens to ids.
func (f *tokenizerJSON) mapVocab() (*vocabJSON, error) {
	v := &vocabJSON{}
	if err := json.Unmarshal(f.Model.Vocab, &v.ids); err != nil {
		return nil, fmt.Errorf("the vocab of the %s model: %w", f.Model.Type, err)
	}
	// Ids may have gaps. The limit prevents a small file from causing a large allocation.
	limit := int32(2*len(v.ids) + 1024)
	size := int32(0)
	for s, id := range v.ids {
		if id < 0 || id >= limit {
			return nil, fmt.Errorf("the token %q has the id %d, but the vocabulary has %d tokens", s, id, len(v.ids))
		}
		size = max(size, id+1)
	}
	v.tokens = make([]string, size)
	for s, id := range v.ids {
		v.tokens[id] = s
	}
	return v, nil
}

// addTokens allocates the tables of all tokens and adds the added tokens.
func (f *tokenizerJSON) addTokens(t *Tokenizer, vocab *vocabJSON) error {
	size := int64(len(vocab.tokens))
	limit := size + 2*int64(len(f.AddedTokens)) + 1024
	for _, a := range f.AddedTokens {
		if a.ID < 0 || a.ID >= limit {
			return fmt.Errorf("the added token %q has the id %d, expected 0 to %d", a.Content, a.ID, limit-1)
		}
		if len(a.Content) > maxPiece {
			return fmt.Errorf("the added token with the id %d has %d bytes; the limit is %d", a.ID, len(a.Content), maxPiece)
		}
		size = max(size, a.ID+1)
	}
	t.text = make([]string, size)
	t.control = make([]bool, size)
	for id := range t.control {
		t.control[id] = id >= len(vocab.tokens) || vocab.tokens[id] == ""
	}
	for _, a := range f.AddedTokens {
		if a.Content == "" {
			continue
		}
		t.specials[a.Content] = int32(a.ID)
		t.control[a.ID] = a.Special
		t.text[a.ID] = a.Content
		if a.Special {
			t.text[a.ID] = ""
		}
		token := addedToken{
			content: a.Content, text: a.Content, id: int32(a.ID), singleWord: a.SingleWord, stripLeft: a.LStrip, stripRight: a.RStrip,
			normalized: a.Normalized, control: a.Special || isTemplateMarker(a.Content),
		}
		if a.Normalized {
			if token.text = t.normalize(plain(a.Content)).s; len(token.text) > 4*maxPiece {
				return fmt.Errorf("the added token with the id %d has %d bytes after normalization; the limit is %d", a.ID, len(token.text), 4*maxPiece)
			}
		}
		t.added = append(t.added, token)
	}
	return nil
}

// byteFallback returns the tokens of single bytes, or nil if the model does not use them for
// unknown characters.
func (f *tokenizerJSON) byteFallback(vocab *vocabJSON) (*[256]int32, error) {
	if !f.Model.ByteFallback {
		return nil, nil
	}
	fallback := new([256]int32)
	for b := range fallback {
		id, ok := vocab.ids[fmt.Sprintf("<0x%02X>", b)]
		if !ok {
			return nil, fmt.Errorf("the model encodes unknown characters as bytes (byte_fallback), but has no token <0x%02X>", b)
		}
		fallback[b] = id
	}
	return fallback, nil
}

// unigram returns the Unigram model. Its pieces do not include control tokens and byte tokens.
func (f *tokenizerJSON) unigram(t *Tokenizer, vocab *vocabJSON) (model, error) {
	fallback, err := f.byteFallback(vocab)
	if err != nil {
		return nil, err
	}
	unknownID := int32(none)
	if id := f.Model.UnkID; id != nil {
		if *id < 0 || *id >= int64(len(vocab.tokens)) {
			return nil, fmt.Errorf("unk_id is %d, but the vocabulary has %d tokens", *id, len(vocab.tokens))
		}
		unknownID = int32(*id)
		t.control[unknownID], t.text[unknownID] = true, ""
	} else if fallback == nil {
		return nil, errors.New("the Unigram model has no token for unknown characters (unk_id)")
	}
	pieces := newTrie()
	lowest := math.Inf(1)
	for id, s := range vocab.tokens {
		lowest = min(lowest, vocab.scores[id])
		if s == "" || t.control[id] {
			continue
		}
		if _, isByte := fallbackByte(s); isByte && fallback != nil {
			continue
		}
		if len(s) > maxPiece {
			return nil, fmt.Errorf("token %d has %d bytes; the limit is %d", id, len(s), maxPiece)
		}
		if err := pieces.add(s, int32(id)); err != nil {
			return nil, err
		}
	}
	return &unigram{pieces, vocab.scores, unknownID, lowest - unknownPenalty, fallback, false}, nil
}

// wordPiece returns the WordPiece model.
func (f *tokenizerJSON) wordPiece(t *Tokenizer, vocab *vocabJSON) (model, error) {
	unknown := "[UNK]"
	if s := f.Model.UnkToken; s != nil {
		unknown = *s
	}
	id, ok := vocab.ids[unknown]
	if !ok {
		return nil, fmt.Errorf("unk_token %q is not in the vocabulary", unknown)
	}
	t.control[id], t.text[id] = true, ""
	prefix, maxChars := "##", 100
	if s := f.Model.Prefix; s != nil {
		prefix = *s
	}
	if n := f.Model.MaxChars; n != nil {
		maxChars = *n
	}
	return newWordPiece(vocab.tokens, prefix, id, maxChars)
}

// bpe returns the BPE model.
func (f *tokenizerJSON) bpe(t *Tokenizer, vocab *vocabJSON, byteLevel bool) (model, error) {
	switch m := f.Model; {
	case m.Prefix != nil && *m.Prefix != "" || m.Suffix != "":
		return nil, errors.New("the BPE model has continuing_subword_prefix or end_of_word_suffix, which is not supported")
	case m.Dropout != nil && *m.Dropout != 0:
		return nil, errors.New("the BPE model has dropout, which is not supported")
	}
	m, err := mergesOf(f.Model.Merges, vocab.ids)
	if err != nil {
		return nil, err
	}
	b := &bpe{merges: m, unknown: none, fuseUnknown: f.Model.FuseUnk}
	if byteLevel {
		b.bytes = byteSymbols(vocab.ids)
		if f.Model.IgnoreMerges {
			b.whole = wholeWords(vocab.ids, t.text)
		}
		return b, nil
	}
	if b.fallback, err = f.byteFallback(vocab); err != nil {
		return nil, err
	}
	if s := f.Model.UnkToken; s != nil {
		id, ok := vocab.ids[*s]
		if !ok {
			return nil, fmt.Errorf("unk_token %q is not in the vocabulary", *s)
		}
		b.unknown = id
		t.control[id], t.text[id] = true, ""
	}
	b.setCharSymbols(vocab.ids)
	if f.Model.IgnoreMerges {
		b.whole = make(map[string]int32, len(vocab.ids))
		for s, id := range vocab.ids {
			if !t.control[id] {
				b.whole[s] = id
			}
		}
	} else if _, ok := vocab.ids[spaceMark]; ok {
		b.findSticky(vocab.tokens)
	}
	return b, nil
}
