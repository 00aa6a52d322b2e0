// Package jinja renders chat templates: programs in the Jinja language that
// come with a model and write its prompts.
//
// What a template may use, and what it means, is what Python's transformers
// gives it: Jinja 3.1 with trim_blocks and lstrip_blocks, the extension
// loopcontrols, the block generation, the functions raise_exception and
// strftime_now, and an immutable sandbox, in which a template reads attributes
// and calls methods of Python's own types and changes nothing. Templates that
// load other templates (include, import, extends) are refused.
//
// Every string knows which of its bytes the template wrote and which were given
// to it (see Given), through all operators, filters and methods. So a caller
// can tell a control token of the template from one that stands in a message.
//
// A template is not trusted: Render bounds its work, its memory and the depth
// of its calls by the size of what it is given.
//
// A template is read by lex.go and parse.go into the nodes of ast.go, and run
// by run.go and eval.go. The types of values stand in value.go and text.go.
package jinja

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrRaised: the template itself refused what it was given (raise_exception).
var ErrRaised = errors.New("the chat template refuses this chat")

// ErrLimit: the template took more work, memory or depth than Render allows.
var ErrLimit = errors.New("the chat template takes too much")

// Error is what is wrong with a template, or went wrong while it ran. It wraps
// ErrRaised or ErrLimit where these are the cause.
type Error struct {
	Line  int // from 1
	What  string
	Cause error // nil for others than ErrRaised and ErrLimit
}

func (e *Error) Error() string {
	if e.Cause == nil {
		return fmt.Sprintf("line %d of the chat template: %s", e.Line, e.What)
	}
	return fmt.Sprintf("line %d of the chat template: %v: %s", e.Line, e.Cause, e.What)
}

func (e *Error) Unwrap() error { return e.Cause }

// maxSource bounds a template. The longest in use have 20 KB.
const maxSource = 1 << 20

// Template is a parsed template. It may be rendered by several goroutines at
// once.
type Template struct {
	body     []node
	literals []string
}

// Parse reads a template. Its errors are of the type *Error.
func Parse(source string) (_ *Template, err error) {
	if len(source) > maxSource {
		return nil, &Error{1, fmt.Sprintf("it has %d bytes; %d are allowed", len(source), maxSource), ErrLimit}
	}
	defer catch(&err)
	p := &parser{tokens: lex(source)}
	body := p.body()
	return &Template{body, p.literals}, nil
}

// Literals gives the texts that the template is made of: what it writes as it
// is, and its strings.
func (t *Template) Literals() []string { return slices.Clone(t.literals) }

// Given is a string that is no part of the template. Origin, a positive number,
// says where it comes from.
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

// Output is what a template wrote.
type Output struct {
	Text string
	// Spans say whose the bytes are, in order, and cover the text.
	Spans []Span
}

// Span is bytes of one origin, from the end of the span before to End. The
// origin 0 is the template. Bytes made of several Givens have the greatest of
// their origins.
type Span struct{ End, Origin int }

// Options are what a template is given beside its variables.
type Options struct {
	// Now is what strftime_now tells.
	Now time.Time
}

// The work that a template may do: steps are nodes that run and, eight by
// eight, bytes of strings that are made.
const (
	steps        = 4 << 20
	stepsPerByte = 64 // of what it is given
	// maxBytes bounds the strings and lists of a run, all together.
	maxBytes     = 32 << 20
	bytesPerByte = 256
	// maxDepth bounds nodes and calls within each other.
	maxDepth = 1000
)

// Render runs the template. The variables' values are nil, bool, int, float64,
// string, Given, []Given (one string of several), []any of these, and Dict. Its errors are of the type *Error.
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

// failure carries an *Error through the parser or a run.
type failure struct{ err *Error }

// catch makes an error of a failure.
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
	panic(failure{&Error{Line: line, What: fmt.Sprintf(format, args...)}})
}
