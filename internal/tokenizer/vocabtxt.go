package tokenizer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// vocabConfig is the part of a tokenizer_config.json that a vocab.txt needs.
type vocabConfig struct {
	Class        string       `json:"tokenizer_class"`
	Lowercase    *bool        `json:"do_lower_case"`
	BasicSplit   *bool        `json:"do_basic_tokenize"`
	Chinese      *bool        `json:"tokenize_chinese_chars"`
	StripAccents *bool        `json:"strip_accents"`
	Unk          specialToken `json:"unk_token"`
	Cls          specialToken `json:"cls_token"`
	Sep          specialToken `json:"sep_token"`
	Pad          specialToken `json:"pad_token"`
	Mask         specialToken `json:"mask_token"`
}

// specialToken is the text of a token, or an object with it.
type specialToken string

func (s *specialToken) UnmarshalJSON(data []byte) error {
	var text *string
	if json.Unmarshal(data, &text) == nil {
		if text != nil {
			*s = specialToken(*text)
		}
		return nil
	}
	var object struct {
		Content string `json:"content"`
	}
	err := json.Unmarshal(data, &object)
	*s = specialToken(object.Content)
	return err
}

// ReadVocab returns the WordPiece tokenizer of a vocab.txt, which has one token a line, and the
// tokenizer_config.json beside it. config may be empty: then the settings are those of BERT without
// capitals. Errors begin with path, the path of the vocabulary.
func ReadVocab(path string, vocab, config []byte) (*Tokenizer, error) {
	t, err := readVocab(vocab, config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

func readVocab(data, config []byte) (*Tokenizer, error) {
	c := vocabConfig{}
	if len(config) > 0 {
		if err := json.Unmarshal(config, &c); err != nil {
			return nil, fmt.Errorf("the tokenizer_config.json beside it is not valid: %w", err)
		}
	}
	if c.BasicSplit != nil && !*c.BasicSplit {
		return nil, fmt.Errorf("the tokenizer_config.json beside it has do_basic_tokenize false, which is not supported")
	}
	mpnet := strings.HasPrefix(c.Class, "MPNet")
	for _, s := range []struct {
		token       *specialToken
		bert, mpnet specialToken
	}{{&c.Unk, "[UNK]", "[UNK]"}, {&c.Cls, "[CLS]", "<s>"}, {&c.Sep, "[SEP]", "</s>"}, {&c.Pad, "[PAD]", "<pad>"}, {&c.Mask, "[MASK]", "<mask>"}} {
		if *s.token == "" {
			*s.token = s.bert
			if mpnet {
				*s.token = s.mpnet
			}
		}
	}
	vocab := &vocabJSON{ids: map[string]int32{}}
	for line := range strings.Lines(string(data)) {
		s := strings.TrimRight(line, "\r\n")
		vocab.ids[s] = int32(len(vocab.tokens)) // the last of equal tokens counts
		vocab.tokens = append(vocab.tokens, s)
	}
	lowercase := defaultTrue(c.Lowercase)
	file := tokenizerJSON{
		Normalizer:   &jsonStep{Type: "BertNormalizer", CleanText: true, Chinese: defaultTrue(c.Chinese), StripAccents: c.StripAccents, Lowercase: lowercase},
		PreTokenizer: &jsonStep{Type: "BertPreTokenizer"},
		Decoder:      &jsonStep{Type: "WordPiece", Prefix: "##"},
		Model:        modelJSON{Type: "WordPiece", UnkToken: (*string)(&c.Unk)},
	}
	var cls, sep int32
	for _, s := range []struct {
		text specialToken
		to   *int32
	}{{c.Cls, &cls}, {c.Sep, &sep}, {c.Unk, new(int32)}, {c.Pad, nil}, {c.Mask, nil}} {
		id, ok := vocab.ids[string(s.text)]
		if !ok && s.to != nil {
			return nil, fmt.Errorf("the vocabulary has no token %q", s.text)
		}
		if !ok {
			continue
		}
		if s.to != nil {
			*s.to = id
		}
		file.AddedTokens = append(file.AddedTokens, addedJSON{ID: int64(id), Content: string(s.text), Special: true, LStrip: s.text == c.Mask && mpnet})
	}
	kind := "BertProcessing"
	if mpnet {
		kind = "RobertaProcessing"
	}
	setting := func(token specialToken, id int32) json.RawMessage {
		text, _ := json.Marshal([]any{token, id})
		return text
	}
	file.PostProcessor = &jsonStep{Type: kind, Cls: setting(c.Cls, cls), Sep: setting(c.Sep, sep)}
	if i := slices.Index(vocab.tokens, ""); i >= 0 && i < len(vocab.tokens)-1 {
		return nil, fmt.Errorf("line %d of the vocabulary is empty", i+1)
	}
	return file.tokenizer(vocab)
}
