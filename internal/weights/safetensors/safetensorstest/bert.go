package safetensorstest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// WriteBert writes a small model of an architecture such as BertForTokenClassification, with a
// tokenizer of letters and a few words, to folder. goldens is the path of
// internal/engine/testdata/encoders/tiny-bert.json.
func WriteBert(folder, goldens, architecture string) error {
	data, err := os.ReadFile(goldens)
	if err != nil {
		return err
	}
	var file struct {
		Models []struct {
			Config  map[string]any
			Tensors map[string][]int
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	for _, m := range file.Models {
		if slices.Equal(m.Config["architectures"].([]any), []any{architecture}) {
			return errors.Join(WriteEncoder(folder, m.Config, m.Tensors), writeJSON(filepath.Join(folder, "tokenizer.json"), wordPiece()))
		}
	}
	return fmt.Errorf("%s has no %s", goldens, architecture)
}

// wordPiece is the tokenizer.json of a WordPiece tokenizer of letters and a few words.
func wordPiece() map[string]any {
	vocab := map[string]int{}
	for _, token := range []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]"} {
		vocab[token] = len(vocab)
	}
	for _, word := range strings.Fields("the a cat dog sat on mat in rome anna smith lives . , ! ?") {
		vocab[word] = len(vocab)
	}
	for letter := 'a'; letter <= 'z'; letter++ {
		for _, token := range []string{string(letter), "##" + string(letter)} {
			if _, ok := vocab[token]; !ok {
				vocab[token] = len(vocab)
			}
		}
	}
	special := func(id string, kind int) any {
		return map[string]any{"SpecialToken": map[string]any{"id": id, "type_id": kind}}
	}
	text := func(id string, kind int) any {
		return map[string]any{"Sequence": map[string]any{"id": id, "type_id": kind}}
	}
	cls, sep := special("[CLS]", 0), special("[SEP]", 0)
	defined := func(name string) any {
		return map[string]any{"id": name, "ids": []int{vocab[name]}, "tokens": []string{name}}
	}
	return map[string]any{
		"normalizer":    map[string]any{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": nil, "lowercase": true},
		"pre_tokenizer": map[string]any{"type": "BertPreTokenizer"},
		"post_processor": map[string]any{
			"type": "TemplateProcessing", "single": []any{cls, text("A", 0), sep},
			"pair":           []any{cls, text("A", 0), sep, text("B", 1), special("[SEP]", 1)},
			"special_tokens": map[string]any{"[CLS]": defined("[CLS]"), "[SEP]": defined("[SEP]")},
		},
		"decoder": map[string]any{"type": "WordPiece", "prefix": "##", "cleanup": true},
		"model": map[string]any{
			"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocab,
		},
	}
}
