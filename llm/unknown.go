package llm

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// DefaultModel is the name of the model that a function asks unless a row names another one, which
// only ai_query allows.
const DefaultModel = "default"

// ErrNoModel is the class of errors of a model that a session does not have and may not download.
var ErrNoModel = errors.New("the session does not have this model")

// UnknownModelError reports that no model has the name that was asked for.
type UnknownModelError struct {
	Name string
	Have []string // the names of the models, with their references
}

// Error hides the name, because a row may hold it.
func (e *UnknownModelError) Error() string { return e.format(fmt.Sprintf, "NAME") }

// Is reports whether target is ErrNoModel.
func (e *UnknownModelError) Is(target error) bool { return target == ErrNoModel }

// Shown is the text of the error with the name.
func (e *UnknownModelError) Shown() string {
	return e.format(sensitive.Sprintf, nameOrPlaceholder(e.Name))
}

func (e *UnknownModelError) format(sprintf func(string, ...any) string, name string) string {
	return sprintf("there is no model %s; the models are %s; to add it, open the session or the job with the model %s=REFERENCE",
		sensitive.Text(e.Name), strings.Join(e.Have, ", "), name)
}

// nameOrPlaceholder returns name if it can be typed in a command without quotes, and otherwise the
// word NAME.
func nameOrPlaceholder(name string) string {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return r > 'z' || !strings.ContainsRune(".-_", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		return "NAME"
	}
	return name
}
