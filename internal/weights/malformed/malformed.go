// Package malformed defines the error of a malformed weight file.
package malformed

import (
	"errors"
	"fmt"
)

// ErrFormat is the class of all errors about the content of a weight file.
var ErrFormat = errors.New("malformed weight file")

// Error describes what is malformed in a weight file, and where. It wraps ErrFormat.
type Error struct {
	File   string
	Offset int64  // in the file, in bytes
	Tensor string // name of the tensor, or empty
	Key    string // metadata key, or empty
	What   string
}

func (e *Error) Error() string {
	s := e.File + ": "
	if e.Tensor != "" {
		s += fmt.Sprintf("tensor %q: ", e.Tensor)
	}
	if e.Key != "" {
		s += fmt.Sprintf("metadata %q: ", e.Key)
	}
	return s + fmt.Sprintf("%s (at byte %d)", e.What, e.Offset)
}

func (e *Error) Unwrap() error { return ErrFormat }
