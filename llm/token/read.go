package token

import (
	"fmt"

	"github.com/firesteel/firesteel/llm/weights/gguf"
)

// Read makes the tokenizer that a GGUF file describes.
func Read(f *gguf.File) (*Tokenizer, error) {
	t, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return t, nil
}

func read(f *gguf.File) (*Tokenizer, error) {
	model, err := f.String("tokenizer.ggml.model")
	if err != nil {
		return nil, err
	}
	if model != "gpt2" {
		return nil, fmt.Errorf("its tokenizer is of the kind %q, which is not supported; gpt2 (byte-level BPE) is", model)
	}
	v := Vocabulary{BOS: -1, EOS: -1}
	if v.Pre, err = f.String("tokenizer.ggml.pre"); err != nil {
		return nil, err
	}
	if v.Tokens, err = f.Strings("tokenizer.ggml.tokens"); err != nil {
		return nil, err
	}
	if v.Merges, err = f.Strings("tokenizer.ggml.merges"); err != nil {
		return nil, err
	}
	if f.Has("tokenizer.ggml.token_type") {
		if v.Types, err = f.Ints("tokenizer.ggml.token_type"); err != nil {
			return nil, err
		}
	}
	if f.Has("tokenizer.ggml.add_bos_token") {
		if v.AddBOS, err = f.Bool("tokenizer.ggml.add_bos_token"); err != nil {
			return nil, err
		}
	}
	for key, id := range map[string]*int32{"tokenizer.ggml.bos_token_id": &v.BOS, "tokenizer.ggml.eos_token_id": &v.EOS} {
		if !f.Has(key) {
			continue
		}
		n, err := f.Int(key, 0, int64(len(v.Tokens))-1)
		if err != nil {
			return nil, err
		}
		*id = int32(n)
	}
	if v.AddBOS && v.BOS < 0 {
		return nil, fmt.Errorf("its texts are to begin with a token that it does not name (tokenizer.ggml.bos_token_id)")
	}
	return New(v)
}
