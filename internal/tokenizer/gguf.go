package tokenizer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/weights/gguf"
)

// ReadGGUF returns the tokenizer that a GGUF file describes.
func ReadGGUF(f *gguf.File) (*Tokenizer, error) {
	v, err := ggufVocabulary(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	t, err := New(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return t, nil
}

func ggufVocabulary(f *gguf.File) (v Vocabulary, err error) {
	const prefix = "tokenizer.ggml."
	v = Vocabulary{BOS: -1, EOS: -1, UNK: -1}
	kind, err := f.String(prefix + "model")
	if err != nil {
		return v, err
	}
	v.Kind = Kind(kind)
	if v.Tokens, err = f.Strings(prefix + "tokens"); err != nil {
		return v, err
	}
	if f.Has(prefix + "token_type") {
		if v.Types, err = f.Ints(prefix + "token_type"); err != nil {
			return v, err
		}
	}
	switch v.Kind {
	case ByteLevel:
		if v.Pre, err = f.String(prefix + "pre"); err != nil {
			return v, err
		}
		if v.Merges, err = f.Strings(prefix + "merges"); err != nil {
			return v, err
		}
		v.AddBOS = strings.HasPrefix(v.Pre, "llama")
	case Character, Unigram:
		if v.Scores, err = f.Floats(prefix + "scores"); err != nil {
			return v, err
		}
		v.AddBOS, v.AddEOS = v.Kind == Character, v.Kind == Unigram
		v.SpacePrefix = true
	case WordPiece:
		v.AddBOS, v.AddEOS = true, true
	}
	if v.Kind == WordPiece {
		if err := v.bertTokens(f); err != nil {
			return v, err
		}
	}
	if f.Has(prefix + "precompiled_charsmap") {
		list, err := f.Ints(prefix + "precompiled_charsmap")
		if err != nil {
			return v, err
		}
		for _, b := range list {
			v.Charsmap = append(v.Charsmap, byte(b)) // the array has signed or unsigned bytes
		}
	}
	for key, to := range map[string]*bool{
		"add_bos_token": &v.AddBOS, "add_eos_token": &v.AddEOS,
		"add_space_prefix": &v.SpacePrefix, "remove_extra_whitespaces": &v.DropSpaces,
	} {
		if f.Has(prefix + key) {
			if *to, err = f.Bool(prefix + key); err != nil {
				return v, err
			}
		}
	}
	for key, id := range map[string]*int32{"bos_token_id": &v.BOS, "eos_token_id": &v.EOS} {
		if f.Has(prefix+key) && v.Kind != WordPiece {
			n, err := f.Int(prefix+key, 0, int64(len(v.Tokens))-1)
			if err != nil {
				return v, err
			}
			*id = int32(n)
		}
	}
	return v, nil
}

// bertTokens sets the special tokens of a WordPiece vocabulary: those that the file names, or else
// those with BERT's texts. BOS is [CLS] and EOS is [SEP].
func (v *Vocabulary) bertTokens(f *gguf.File) error {
	for _, s := range []struct {
		id   *int32
		text string
		keys []string
	}{
		{&v.BOS, "[CLS]", []string{"cls_token_id", "bos_token_id"}},
		{&v.EOS, "[SEP]", []string{"seperator_token_id", "separator_token_id", "eos_token_id"}},
		{&v.UNK, "[UNK]", []string{"unknown_token_id"}},
	} {
		*s.id = int32(slices.Index(v.Tokens, s.text))
		if *s.id >= 0 {
			continue
		}
		for _, key := range s.keys {
			key = "tokenizer.ggml." + key
			if !f.Has(key) {
				continue
			}
			n, err := f.Int(key, 0, int64(len(v.Tokens))-1)
			if err != nil {
				return err
			}
			*s.id = int32(n)
			break
		}
	}
	return nil
}
