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

// scanner reads JSON value by value, demands what is expected, and knows where
// it stands. A key that stands twice in an object is an error.
type scanner struct {
	file   string
	base   int64 // where text begins in the file
	text   []byte
	d      *json.Decoder
	tensor string // what errors are about
}

func newScanner(file string, base int64, text []byte) (*scanner, error) {
	s := &scanner{file: file, base: base, text: text, d: json.NewDecoder(bytes.NewReader(text))}
	s.d.UseNumber()
	// The decoder would replace what is no UTF-8.
	if !utf8.Valid(text) {
		at := 0
		for {
			r, n := utf8.DecodeRune(text[at:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		return nil, s.fail(base+int64(at), "the JSON text is no UTF-8: it is damaged")
	}
	return s, nil
}

func (s *scanner) fail(at int64, format string, args ...any) error {
	return &malformed.Error{File: s.file, Offset: at, Tensor: s.tensor, What: fmt.Sprintf(format, args...)}
}

// at is where in the file the next token stands.
func (s *scanner) at() int64 {
	n := s.d.InputOffset()
	for n < int64(len(s.text)) && bytes.IndexByte([]byte(" \t\r\n,:"), s.text[n]) >= 0 {
		n++
	}
	return s.base + n
}

// next reads a token of what.
func (s *scanner) next(what string) (json.Token, int64, error) {
	at := s.at()
	token, err := s.d.Token()
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return nil, at, s.fail(at, "the JSON text ends inside %s", what)
	case err != nil:
		return nil, at, s.fail(at, "no good JSON in %s: %v", what, err)
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

// object reads an object. For each key, with its place, value reads the value.
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
		key := token.(string) // the decoder takes no other key
		if seen[key] {
			return s.fail(at, "%.100q stands twice in %s", key, what)
		}
		seen[key] = true
		if err := value(key, at); err != nil {
			return err
		}
	}
	_, _, err := s.next(what)
	return err
}

// array reads an array, of whose values value reads each.
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
		return "", s.fail(at, "%s is not a text", what)
	}
	return text, nil
}

// count reads a whole number, not negative, without point and exponent.
func (s *scanner) count(what string) (int, error) {
	token, at, err := s.next(what)
	if err != nil {
		return 0, err
	}
	number, ok := token.(json.Number)
	if !ok {
		return 0, s.fail(at, "%s holds something that is not a number", what)
	}
	n, err := strconv.ParseUint(number.String(), 10, 64)
	if err != nil || n > maxSize {
		return 0, s.fail(at, "%s holds %.100s; a whole number from 0 to %d is needed", what, number, maxSize)
	}
	return int(n), nil
}

// maxDepth bounds how deep what is skipped may be nested.
const maxDepth = 32

// skip reads a value of any kind.
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

// end demands that nothing follows.
func (s *scanner) end(what string) error {
	if at := s.at(); at != s.base+int64(len(s.text)) {
		return s.fail(at, "something follows %s: it is damaged", what)
	}
	return nil
}
