package ai

import (
	"errors"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// ErrRepeats means that the model repeats itself without end. The model is too
// weak for the request; Advice names another.
var ErrRepeats = errors.New("the model repeats itself instead of answering")

// ArgumentError is an invalid argument of a function. It fails the query before
// the model is loaded. A try_ function returns it as the error of the row.
type ArgumentError struct {
	Param string
	Err   error
}

func (e *ArgumentError) Error() string { return "argument " + e.Param + ": " + e.Err.Error() }
func (e *ArgumentError) Unwrap() error { return e.Err }

func badArgument(param, format string, args ...any) error {
	return &ArgumentError{param, sensitive.Errorf(format, args...)}
}
