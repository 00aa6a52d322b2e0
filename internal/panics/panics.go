// Package panics turns a panic into an error of the work that panicked.
//
// A panic that reaches the top of a goroutine ends the whole process, with all
// tasks, rows and queries it serves. So each goroutine of this module, and each
// function that a timer or a context runs in one, begins by deferring Catch or
// Handle; a test of internal/lint holds this.
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
	Value any    // of panic
	Stack string // of the goroutine that panicked
}

// Error says what happened, without the stack, which is logged once.
func (e *Error) Error() string {
	return fmt.Sprintf("panic while %s: %v%s; this is a bug of firesteel, or damage to what it reads: its log has the stack", e.Doing, e.Value, e.fault())
}

// Unwrap gives the value of the panic, if that is an error.
func (e *Error) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// fault says where a memory fault was. See OnFault.
func (e *Error) fault() string {
	f, ok := e.Value.(interface{ Addr() uintptr })
	if !ok {
		return ""
	}
	return fmt.Sprintf(" (at address %#x; a file that was cut off while it is in use gives this, and so does a disk that fails)", f.Addr())
}

// Catch is to be deferred. If the function panics, it sets *err to an *Error.
func Catch(err *error, doing string) {
	if value := recover(); value != nil {
		*err = caught(doing, value)
	}
}

// Handle is to be deferred. If the function panics, it calls then with an
// *Error; then may be nil where only the log is to be told.
func Handle(doing string, then func(error)) {
	if value := recover(); value != nil {
		err := caught(doing, value)
		if then != nil {
			then(err)
		}
	}
}

// OnFault lets a fault in memory, such as one of reading a mapped file that has
// been cut off, panic in this goroutine instead of ending the process. The
// function that it returns sets this back.
func OnFault() (restore func()) {
	before := debug.SetPanicOnFault(true)
	return func() { debug.SetPanicOnFault(before) }
}

// told holds the places in the source that have panicked, so that each is
// logged once in a process: a panic for each row would fill the log.
var told sync.Map

// caught makes an Error of a recovered value, and logs it with its stack. A
// panic that is passed on by a panic is the same one.
func caught(doing string, value any) *Error {
	if e, ok := value.(*Error); ok {
		return e
	}
	e := &Error{doing, value, string(debug.Stack())}
	if _, before := told.LoadOrStore(place(), true); !before {
		slog.Error("panic", "doing", doing, "value", fmt.Sprint(value), "stack", e.Stack)
	}
	return e
}

// place is the line that panicked: the first above the runtime's.
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
