package ai

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

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

// UnknownModelError: there is no model of the name.
type UnknownModelError struct {
	Name string
	Have []string // the names there are
}

func (e *UnknownModelError) Error() string { return e.text(fmt.Sprintf, "NAME") }

// Shown is the text with the name, which is content: a row may say it.
func (e *UnknownModelError) Shown() string { return e.text(sensitive.Sprintf, nameLike(e.Name)) }

func (e *UnknownModelError) text(format func(string, ...any) string, name string) string {
	return format("there is no model %s in this session, which has %s; add it by --model %s=REFERENCE (spark.WithNamedModel in a program)",
		sensitive.Text(e.Name), strings.Join(e.Have, ", "), name)
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
