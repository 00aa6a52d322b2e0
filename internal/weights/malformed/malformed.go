// Package malformed tells what is wrong with a file of weights.
package malformed

import (
	"errors"
	"fmt"
)

// ErrFormat is the class of every error about what such a file holds.
var ErrFormat = errors.New("not a good file of weights")

// Error says what is wrong with a file, and where. It wraps ErrFormat.
type Error struct {
	File   string
	Offset int64  // byte in the file where the wrong thing stands
	Tensor string // the tensor concerned, if any
	Key    string // the metadata key concerned, if any
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
