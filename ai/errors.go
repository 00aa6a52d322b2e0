package ai

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
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
	return &ArgumentError{param, fmt.Errorf(format, args...)}
}

// UnknownModelError: there is no model of the name.
type UnknownModelError struct {
	Name string
	Have []string // the names there are
}

func (e *UnknownModelError) Error() string {
	return fmt.Sprintf("there is no model %s in this session, which has %s; add it by --model %s=REFERENCE (spark.WithNamedModel in a program)",
		quote(e.Name), strings.Join(e.Have, ", "), nameLike(e.Name))
}

// nameLike is a name as it may stand in a command, or a word for one.
func nameLike(name string) string {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return r > 'z' || !strings.ContainsRune(".-_", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		return "NAME"
	}
	return name
}
