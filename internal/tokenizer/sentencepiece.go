package tokenizer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// ReadSentencePiece returns the tokenizer that a file of SentencePiece describes (spiece.model or
// tokenizer.model), with a Unigram or BPE model. Errors begin with path. The file does not say
// which tokens are added to a prompt.
//
// The file is a Protocol Buffers message. These fields are used:
//
//	ModelProto     1 pieces, repeated: 1 text, 2 score float, 3 type (1 if absent)
//	               2 trainer: 3 model type (1 Unigram, 2 BPE), 24 space as suffix, 41 id of <s>, 42 id of </s>
//	               3 normalizer: 2 charsmap, 3 add a space before, 4 drop extra spaces, 5 mark spaces (true if absent)
func ReadSentencePiece(path string, data []byte) (*Tokenizer, error) {
	v, err := readSentencePiece(data)
	if err != nil {
		return nil, fmt.Errorf("%s: not a SentencePiece model: %w", path, err)
	}
	t, err := New(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

func readSentencePiece(data []byte) (Vocabulary, error) {
	v := Vocabulary{Kind: Unigram, BOS: 1, EOS: 2, SpacePrefix: true, DropSpaces: true}
	err := eachField(data, 0, func(f field) error {
		switch f.number {
		case 1:
			text, score, kind := "", 0.0, int64(ordinary)
			err := eachField(f.bytes, f.at, func(f field) error {
				switch f.number {
				case 1:
					text = string(f.bytes)
				case 2:
					score = float64(math.Float32frombits(uint32(f.value)))
				case 3:
					kind = int64(f.value)
				}
				return nil
			})
			if !utf8.ValidString(text) {
				return fmt.Errorf("piece %d, at byte %d, is not valid UTF-8", len(v.Tokens), f.at)
			}
			v.Tokens = append(v.Tokens, text)
			v.Scores = append(v.Scores, score)
			v.Types = append(v.Types, kind)
			return err
		case 2:
			return eachField(f.bytes, f.at, func(f field) error {
				switch f.number {
				case 3:
					switch f.value {
					case 1:
					case 2:
						v.Kind = Character
					default:
						return fmt.Errorf("the model type %d is not supported; the supported types are 1 (Unigram) and 2 (BPE)", f.value)
					}
				case 24:
					if f.value != 0 {
						return errors.New("treat_whitespace_as_suffix is not supported")
					}
				case 41:
					v.BOS = int32(f.value)
				case 42:
					v.EOS = int32(f.value)
				}
				return nil
			})
		case 3:
			return eachField(f.bytes, f.at, func(f field) error {
				switch f.number {
				case 2:
					v.Charsmap = f.bytes
				case 3:
					v.SpacePrefix = f.value != 0
				case 4:
					v.DropSpaces = f.value != 0
				case 5:
					if f.value == 0 {
						return errors.New("a normalizer without escape_whitespaces is not supported")
					}
				}
				return nil
			})
		}
		return nil
	})
	if err == nil && len(v.Tokens) == 0 {
		err = errors.New("the file has no pieces")
	}
	return v, err
}

// field is one field of a message.
type field struct {
	number uint64
	value  uint64 // of a number
	bytes  []byte // of a string, a message or a fixed-size number
	at     int    // offset of bytes in the file
}

// eachField calls do for each field of a message. at is the offset of the message in the file.
func eachField(message []byte, at int, do func(field) error) error {
	end := at + len(message)
	truncated := func() error {
		return fmt.Errorf("a field at byte %d is truncated or damaged", end-len(message))
	}
	number := func() (uint64, bool) {
		n, size := binary.Uvarint(message)
		if size <= 0 {
			return 0, false
		}
		message = message[size:]
		return n, true
	}
	for len(message) > 0 {
		tag, ok := number()
		if !ok {
			return truncated()
		}
		f := field{number: tag >> 3}
		size := uint64(0)
		switch tag & 7 {
		case 0:
			if f.value, ok = number(); !ok {
				return truncated()
			}
		case 1:
			size = 8
		case 2:
			if size, ok = number(); !ok {
				return truncated()
			}
		case 5:
			size = 4
		default:
			return truncated()
		}
		if size > uint64(len(message)) {
			return truncated()
		}
		f.at = end - len(message)
		f.bytes, message = message[:size], message[size:]
		if tag&7 == 5 {
			f.value = uint64(binary.LittleEndian.Uint32(f.bytes))
		}
		if err := do(f); err != nil {
			return err
		}
	}
	return nil
}
