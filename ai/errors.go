package ai

import (
	"errors"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// ErrRepeats: the model went round in circles. It is too weak for what was
// asked; Advice names another.
var ErrRepeats = errors.New("the model repeats itself instead of answering")

// ArgumentError is a mistake in how a function is called. It fails the query,
// before the model is loaded; try_ functions give it as the row's error.
type ArgumentError struct {
	Param string
	Err   error
}

func (e *ArgumentError) Error() string { return "argument " + e.Param + ": " + e.Err.Error() }
func (e *ArgumentError) Unwrap() error { return e.Err }

func badArgument(param, format string, args ...any) error {
	return &ArgumentError{param, sensitive.Errorf(format, args...)}
}
