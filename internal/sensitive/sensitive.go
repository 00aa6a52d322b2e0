// Package sensitive keeps what rows, constants, models and servers say out of
// logs and errors.
//
// An error names the row, the function and the reason. What it is about, such
// as the beginning of an answer that could not be read, is content: a Text.
// Error hides it; Shown gives the error with it, for where errors are data (the
// error of a try_ function, the column of --errors) or where a person has asked
// for it (--log-content). Names of columns, fields, functions, types, files and
// models are not content.
package sensitive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Text is content. Formatted in any way, it gives its length only.
type Text string

// Of is a value's text as content.
func Of(v any) Text {
	switch v := v.(type) {
	case Text:
		return v
	case error:
		return Text(Shown(v))
	}
	return Text(fmt.Sprint(v))
}

// Format hides the text, whatever the verb.
func (t Text) Format(s fmt.State, _ rune) { io.WriteString(s, t.String()) }

// LogValue hides the text.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Mark ends what stands in the place of content.
const Mark = " hidden]"

// String hides the text.
func (t Text) String() string {
	n := utf8.RuneCountInString(string(t))
	switch n {
	case 0:
		return `""`
	case 1:
		return "[1 character" + Mark
	}
	return fmt.Sprintf("[%d characters%s", n, Mark)
}

// shownCharacters is how much of a Text is shown.
const shownCharacters = 200

// shown is the beginning of the text, quoted.
func (t Text) shown() string {
	n := 0
	for at := range string(t) {
		if n == shownCharacters {
			return fmt.Sprintf("%q...", string(t[:at]))
		}
		n++
	}
	return fmt.Sprintf("%q", string(t))
}

// shower is an error whose text hides content.
type shower interface {
	error
	// Shown is the text of the error with its content.
	Shown() string
}

// Error is an error about content.
type Error struct {
	hidden error
	shown  string
}

// Errorf is fmt.Errorf for formats with Texts, or errors, among args.
func Errorf(format string, args ...any) error {
	hidden := fmt.Errorf(format, args...)
	if shown := Sprintf(format, args...); shown != hidden.Error() {
		return &Error{hidden, shown}
	}
	return hidden
}

// Sprintf is fmt.Sprintf that shows Texts, and the content of errors. Its
// format may have %w for %v.
func Sprintf(format string, args ...any) string {
	shown := make([]any, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case Text:
			shown[i] = plain(a.shown())
		case error:
			shown[i] = plain(Shown(a))
		default:
			shown[i] = a
		}
	}
	return fmt.Sprintf(strings.ReplaceAll(format, "%w", "%v"), shown...)
}

// plain is a text that is formatted as it is, whatever the verb.
type plain string

func (p plain) Format(s fmt.State, _ rune) { io.WriteString(s, string(p)) }

// New makes an error of a text that has content in quotes, such as that of a
// try_ function.
func New(text string) error {
	if hidden := Mask(text); hidden != text {
		return &Error{fmt.Errorf("%s", hidden), text}
	}
	return fmt.Errorf("%s", text)
}

// Error hides the content.
func (e *Error) Error() string { return e.hidden.Error() }

// Shown gives the error with its content.
func (e *Error) Shown() string { return e.shown }

// Unwrap gives what is wrapped by Errorf.
func (e *Error) Unwrap() error { return e.hidden }

// Shown is the text of an error with the content that it, or an error that it
// wraps, hides.
func Shown(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	walk(err, func(s shower) {
		text = strings.Replace(text, s.Error(), s.Shown(), 1)
	})
	return text
}

// IsHidden reports whether an error hides content.
func IsHidden(err error) bool {
	hidden := false
	if err != nil {
		walk(err, func(s shower) { hidden = hidden || s.Error() != s.Shown() })
	}
	return hidden
}

// walk gives the outermost errors with content.
func walk(err error, found func(shower)) {
	if s, ok := err.(shower); ok {
		found(s)
		return
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			walk(inner, found)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if inner != nil {
				walk(inner, found)
			}
		}
	}
}

// quoted is a text in double quotes, as Shown has content.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"?(?:\.\.\.)?`)

// Mask hides what stands in double quotes in a text: all content of one that
// Shown gave.
func Mask(text string) string {
	return quoted.ReplaceAllStringFunc(text, func(s string) string {
		return "[text" + Mark
	})
}

// JSON is an error of encoding/json over content, which it quotes parts of: it
// says where in the text the mistake is.
func JSON(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it is no JSON: it ends too early")
	case errors.As(err, &syntax):
		return beside(fmt.Sprintf("it is no JSON, as byte %d of it shows", syntax.Offset), err)
	case errors.As(err, &kind):
		is, _, _ := strings.Cut(kind.Value, " ") // a number follows as it is written
		return beside(fmt.Sprintf("a value of its JSON is of another type, %s, before byte %d", is, kind.Offset), err)
	}
	return beside("it is no JSON as it is needed", err)
}

// beside is an error that shows another one, which has content, in quotes.
func beside(text string, err error) error {
	return &Error{errors.New(text), text + ": " + Of(err).shown()}
}
