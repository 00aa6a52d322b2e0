// Package panics turns a panic into an error of the work that panicked.
//
// A panic that reaches the top of a goroutine ends the process, with all the
// tasks, rows and queries that it serves. So each goroutine of this module, and
// each function that a timer or a context runs in one, begins by deferring
// Catch or Handle. A test of internal/lint checks this.
package panics

import (
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
)

// Error is a panic, as the error of the work that panicked.
type Error struct {
	Doing string // what the goroutine was doing, such as "computing a step"
	Value any    // the argument of panic
	Stack string // the stack of the goroutine that panicked
}

// Error describes the panic without the stack, which is logged once.
func (e *Error) Error() string {
	return fmt.Sprintf("panic while %s: %v%s; this is a bug of firesteel or a damaged input: the log has the stack", e.Doing, e.Value, e.fault())
}

// Unwrap returns the value of the panic if it is an error.
func (e *Error) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// fault returns the address of a memory fault as text. See OnFault.
func (e *Error) fault() string {
	f, ok := e.Value.(interface{ Addr() uintptr })
	if !ok {
		return ""
	}
	return fmt.Sprintf(" (at address %#x; a mapped file that was truncated while in use, or a failing disk, can cause this)", f.Addr())
}

// Catch must be deferred. If the function panics, Catch sets *err to an *Error.
func Catch(err *error, doing string) {
	if value := recover(); value != nil {
		*err = caught(doing, value)
	}
}

// Handle must be deferred. If the function panics, Handle logs the panic and
// calls then with an *Error, unless then is nil.
func Handle(doing string, then func(error)) {
	if value := recover(); value != nil {
		err := caught(doing, value)
		if then != nil {
			then(err)
		}
	}
}

// OnFault makes a memory fault in this goroutine, such as reading a mapped file
// that was truncated, panic instead of ending the process. restore undoes this.
func OnFault() (restore func()) {
	before := debug.SetPanicOnFault(true)
	return func() { debug.SetPanicOnFault(before) }
}

// logged holds the source lines whose panics have been logged. Each is logged
// once in a process: a panic for each row would fill the log.
var logged sync.Map

// caught returns a recovered value as an Error and logs it with its stack. An
// *Error that was passed to panic again is returned as it is.
func caught(doing string, value any) *Error {
	if e, ok := value.(*Error); ok {
		return e
	}
	e := &Error{doing, value, string(debug.Stack())}
	if _, before := logged.LoadOrStore(place(), true); !before {
		slog.Error("panic", "doing", doing, "value", fmt.Sprint(value), "stack", e.Stack)
	}
	return e
}

// place returns the line that panicked: the innermost frame outside of the
// runtime.
func place() string {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
	panicked := false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicked = true
		case panicked && !strings.HasPrefix(f.Function, "runtime."):
			return fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		if !more {
			return ""
		}
	}
}
