// Package jinja renders chat templates: programs in the Jinja language that are
// part of a model and write its prompts.
//
// The language is the one of Python's transformers: Jinja 3.1 with trim_blocks
// and lstrip_blocks, the extension loopcontrols, the block generation, the
// functions raise_exception and strftime_now, and an immutable sandbox. In the
// sandbox a template reads attributes and calls methods of Python's own types,
// but changes no value. Templates that load other templates (include, import,
// extends) are refused.
//
// Every string records which of its bytes the template wrote and which come
// from its variables (see Given). Operators, filters and methods preserve this
// record, so a caller can distinguish a control token of the template from the
// same text in a message.
//
// Templates are not trusted. Render bounds the work, the memory and the depth
// of calls in proportion to the size of the variables.
//
// lex.go and parse.go parse a template into the nodes of ast.go; run.go and
// eval.go execute them. value.go and text.go define the types of values.
package jinja

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrRaised means that the template rejected its variables with
// raise_exception.
var ErrRaised = errors.New("the chat template refuses this chat")

// ErrLimit means that the template needs more work, memory or depth than Parse
// or Render allows.
var ErrLimit = errors.New("the chat template exceeds its limits")

// Error is an error in a template or in its execution.
type Error struct {
	Line    int // from 1
	Message string
	Cause   error // ErrRaised, ErrLimit or nil
}

func (e *Error) Error() string {
	if e.Cause == nil {
		return fmt.Sprintf("line %d of the chat template: %s", e.Line, e.Message)
	}
	return fmt.Sprintf("line %d of the chat template: %v: %s", e.Line, e.Cause, e.Message)
}

func (e *Error) Unwrap() error { return e.Cause }

// maxSource bounds the bytes of a template. The longest known ones have 20 KB.
const maxSource = 1 << 20

// Template is a parsed template. It is safe for concurrent use.
type Template struct {
	body     []node
	literals []string
}

// Parse parses a template. Its errors are of type *Error.
func Parse(source string) (_ *Template, err error) {
	if len(source) > maxSource {
		return nil, &Error{1, fmt.Sprintf("it has %d bytes; the limit is %d", len(source), maxSource), ErrLimit}
	}
	defer catch(&err)
	p := &parser{tokens: lex(source)}
	body := p.body()
	return &Template{body, p.literals}, nil
}

// Literals returns the texts in the template: the text outside of tags, and the
// string literals.
func (t *Template) Literals() []string { return slices.Clone(t.literals) }

// Given is a string that is not part of the template. Origin is a positive
// number that identifies where it comes from.
type Given struct {
	Text   string
	Origin int
}

// Item is one item of a Dict.
type Item struct {
	Key   string
	Value any
}

// Dict is a Python dict with strings for keys.
type Dict []Item

// Output is the text that a template wrote.
type Output struct {
	Text string
	// Spans are the origins of the bytes, in order. They cover the text.
	Spans []Span
}

// Span is the bytes of one origin from the end of the previous span to End.
// Origin 0 is the template. Bytes that are made from several Givens have the
// greatest of their origins.
type Span struct{ End, Origin int }

// Options are the inputs of a rendering in addition to the variables.
type Options struct {
	// Now is the time that strftime_now formats.
	Now time.Time
}

// The limits of a rendering. A step is one executed node, or eight bytes of a
// string that is read or made.
const (
	steps        = 4 << 20
	stepsPerByte = 64 // per byte of the variables
	// maxBytes bounds the total size of the strings and lists of a rendering.
	maxBytes     = 32 << 20
	bytesPerByte = 256 // per byte of the variables
	// maxDepth bounds the nesting of nodes and calls.
	maxDepth = 1000
)

// Render executes the template. The values of variables are nil, bool, int,
// float64, string, Given, []Given (one string with several origins), []any of
// these, and Dict. Its errors are of type *Error.
func (t *Template) Render(variables Dict, o Options) (_ Output, err error) {
	defer catch(&err)
	size := 0
	globals := newScope(nil)
	for name, f := range functions {
		globals.names[name] = f
	}
	for _, v := range variables {
		globals.names[v.Key] = fromGo(v.Value, &size)
	}
	r := &run{
		now:   o.Now,
		steps: steps + stepsPerByte*size,
		bytes: maxBytes + bytesPerByte*size,
		line:  1,
	}
	r.statements(t.body, newScope(globals))
	return r.out.output(), nil
}

// failure is the value with which the parser and a rendering panic on an *Error.
type failure struct{ err *Error }

// catch recovers a failure and returns its error.
func catch(err *error) {
	switch caught := recover().(type) {
	case nil:
	case failure:
		*err = caught.err
	default:
		panic(caught)
	}
}

func fail(line int, format string, args ...any) {
	panic(failure{&Error{Line: line, Message: fmt.Sprintf(format, args...)}})
}
