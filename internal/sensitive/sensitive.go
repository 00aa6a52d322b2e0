// Package sensitive keeps the content of rows, constants, answers and server
// messages out of logs and errors.
//
// An error names the row, the function and the reason. Content, such as the
// beginning of an answer that could not be parsed, is a Text. The method Error
// hides it. Shown includes it, for errors that are data (the result of a try_
// function, a column of errors) and for users who ask for content in logs.
// Names of columns, fields, functions, types, files and models are not content.
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

// Text is content. Every formatting verb prints only its length.
type Text string

// Of returns the text of a value as content.
func Of(v any) Text {
	switch v := v.(type) {
	case Text:
		return v
	case error:
		return Text(Shown(v))
	}
	return Text(fmt.Sprint(v))
}

// Format prints the length of the text for every verb.
func (t Text) Format(s fmt.State, _ rune) { io.WriteString(s, t.String()) }

// LogValue returns the length of the text.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Mark is the end of every placeholder for content.
const Mark = " hidden]"

// String returns the length of the text.
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

// shownCharacters is the number of characters of a Text that are shown.
const shownCharacters = 200

// shown returns the beginning of the text, quoted.
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

// contentError is an error whose text hides content.
type contentError interface {
	error
	// Shown returns the text of the error with its content.
	Shown() string
}

// Error is an error whose message has content.
type Error struct {
	hidden error
	shown  string
}

// Errorf is like fmt.Errorf. Texts, and the content of errors, among args are
// hidden by Error and included by Shown.
func Errorf(format string, args ...any) error {
	hidden := fmt.Errorf(format, args...)
	if shown := Sprintf(format, args...); shown != hidden.Error() {
		return &Error{hidden, shown}
	}
	return hidden
}

// Sprintf is like fmt.Sprintf, but prints Texts and the content of errors. %w
// means %v.
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

// plain is a text that every verb prints unchanged.
type plain string

func (p plain) Format(s fmt.State, _ rune) { io.WriteString(s, string(p)) }

// New returns an error with a text whose content is in double quotes, such as
// the error of a try_ function.
func New(text string) error {
	if hidden := Mask(text); hidden != text {
		return &Error{fmt.Errorf("%s", hidden), text}
	}
	return fmt.Errorf("%s", text)
}

// Error returns the message without the content.
func (e *Error) Error() string { return e.hidden.Error() }

// Shown returns the message with the content.
func (e *Error) Shown() string { return e.shown }

// Unwrap returns the error without the content, which wraps the errors given to
// Errorf.
func (e *Error) Unwrap() error { return e.hidden }

// Shown returns the text of an error with the content that it, or an error that
// it wraps, hides.
func Shown(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	walk(err, func(s contentError) {
		text = strings.Replace(text, s.Error(), s.Shown(), 1)
	})
	return text
}

// IsHidden reports whether an error hides content.
func IsHidden(err error) bool {
	hidden := false
	if err != nil {
		walk(err, func(s contentError) { hidden = hidden || s.Error() != s.Shown() })
	}
	return hidden
}

// walk calls found with the outermost errors that have content.
func walk(err error, found func(contentError)) {
	if s, ok := err.(contentError); ok {
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

// quoted matches a text in double quotes, the form of content in Shown.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"?(?:\.\.\.)?`)

// Mask hides every text in double quotes, which is all content in a text that
// Shown returned.
func Mask(text string) string {
	return quoted.ReplaceAllStringFunc(text, func(s string) string {
		return "[text" + Mark
	})
}

// JSON replaces an error of encoding/json, which quotes content, by one that
// gives the byte offset of the mistake.
func JSON(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("invalid JSON: unexpected end")
	case errors.As(err, &syntax):
		return withDetail(fmt.Sprintf("invalid JSON at byte %d", syntax.Offset), err)
	case errors.As(err, &kind):
		is, _, _ := strings.Cut(kind.Value, " ") // the digits of a number follow its type
		return withDetail(fmt.Sprintf("unexpected JSON type %s before byte %d", is, kind.Offset), err)
	}
	return withDetail("unexpected JSON", err)
}

// withDetail returns an error that shows err, which has content, in quotes.
func withDetail(text string, err error) error {
	return &Error{errors.New(text), text + ": " + Of(err).shown()}
}
