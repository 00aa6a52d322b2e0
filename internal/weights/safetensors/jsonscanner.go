package safetensors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/weights/malformed"
)

// scanner parses JSON value by value, reports unexpected values with their offset, and rejects
// duplicate keys in objects.
type scanner struct {
	file   string
	base   int64 // offset of text in the file
	text   []byte
	d      *json.Decoder
	tensor string // the current tensor, for errors
}

func newScanner(file string, base int64, text []byte) (*scanner, error) {
	s := &scanner{file: file, base: base, text: text, d: json.NewDecoder(bytes.NewReader(text))}
	s.d.UseNumber()
	// The decoder would replace invalid UTF-8.
	if !utf8.Valid(text) {
		at := 0
		for {
			r, n := utf8.DecodeRune(text[at:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		return nil, s.fail(base+int64(at), "the JSON text is not valid UTF-8")
	}
	return s, nil
}

func (s *scanner) fail(at int64, format string, args ...any) error {
	return &malformed.Error{File: s.file, Offset: at, Tensor: s.tensor, What: fmt.Sprintf(format, args...)}
}

// at returns the offset of the next token in the file.
func (s *scanner) at() int64 {
	n := s.d.InputOffset()
	for n < int64(len(s.text)) && bytes.IndexByte([]byte(" \t\r\n,:"), s.text[n]) >= 0 {
		n++
	}
	return s.base + n
}

// next returns the next token and its offset. what describes the value in errors.
func (s *scanner) next(what string) (json.Token, int64, error) {
	at := s.at()
	token, err := s.d.Token()
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return nil, at, s.fail(at, "the JSON text ends inside %s", what)
	case err != nil:
		return nil, at, s.fail(at, "invalid JSON in %s: %v", what, err)
	}
	return token, at, nil
}

func (s *scanner) open(what string, delimiter json.Delim, kind string) error {
	token, at, err := s.next(what)
	if err == nil && token != delimiter {
		err = s.fail(at, "%s is not %s", what, kind)
	}
	return err
}

// object parses an object. It calls value to parse the value of each key; at is the offset of
// the key.
func (s *scanner) object(what string, value func(key string, at int64) error) error {
	if err := s.open(what, '{', "an object"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for s.d.More() {
		token, at, err := s.next(what)
		if err != nil {
			return err
		}
		key := token.(string) // the decoder accepts only string keys
		if seen[key] {
			return s.fail(at, "duplicate key %.100q in %s", key, what)
		}
		seen[key] = true
		if err := value(key, at); err != nil {
			return err
		}
	}
	_, _, err := s.next(what)
	return err
}

// array parses an array. It calls value to parse each value.
func (s *scanner) array(what string, value func() error) error {
	if err := s.open(what, '[', "an array"); err != nil {
		return err
	}
	for s.d.More() {
		if err := value(); err != nil {
			return err
		}
	}
	_, _, err := s.next(what)
	return err
}

func (s *scanner) string(what string) (string, error) {
	token, at, err := s.next(what)
	if err != nil {
		return "", err
	}
	text, ok := token.(string)
	if !ok {
		return "", s.fail(at, "%s is not a string", what)
	}
	return text, nil
}

// count parses a non-negative integer without a decimal point or an exponent.
func (s *scanner) count(what string) (int, error) {
	token, at, err := s.next(what)
	if err != nil {
		return 0, err
	}
	number, ok := token.(json.Number)
	if !ok {
		return 0, s.fail(at, "%s holds a value that is not a number", what)
	}
	n, err := strconv.ParseUint(number.String(), 10, 64)
	if err != nil || n > maxSize {
		return 0, s.fail(at, "%s holds %.100s, expected an integer from 0 to %d", what, number, maxSize)
	}
	return int(n), nil
}

// maxDepth limits the nesting of skipped values.
const maxDepth = 32

// skip parses a value of any kind and discards it.
func (s *scanner) skip(what string) error {
	for depth := 0; ; {
		token, at, err := s.next(what)
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth > maxDepth {
			return s.fail(at, "%s is nested more than %d deep", what, maxDepth)
		}
		if depth == 0 {
			return nil
		}
	}
}

// end reports data after the end of the JSON text.
func (s *scanner) end(what string) error {
	if at := s.at(); at != s.base+int64(len(s.text)) {
		return s.fail(at, "unexpected data after %s", what)
	}
	return nil
}
