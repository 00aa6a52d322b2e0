package spark

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Error is an error that the server reported.
type Error struct {
	// Class is Spark's error class, as in "TABLE_OR_VIEW_NOT_FOUND"; empty for
	// errors without one.
	Class string
	// SQLState as in "42P01"; empty if the server gives none.
	SQLState string
	// Message says what is wrong, without class, query plans and Java stacks.
	Message string
	// Hint, which stands last in Error, says what Spark cannot know; mostly
	// empty.
	Hint string
	// Detail is the server's message in full.
	Detail string
	// Parameters are the values inside the message, by Spark's names.
	Parameters map[string]string
	// JavaClass is the Java class of the exception.
	JavaClass string
	// StackTrace is the server's, innermost call first; it may be empty.
	StackTrace []string
	// Causes are the exceptions below this one, outermost first.
	Causes []Cause
	// Code is gRPC's status.
	Code codes.Code
}

// Cause is one exception below an Error.
type Cause struct {
	JavaClass  string // Java class
	Class      string
	Message    string // in full
	StackTrace []string
}

func (e *Error) Error() string {
	text := e.Message
	if e.Class != "" {
		text = "[" + e.Class + "] " + text
	}
	if e.SQLState != "" {
		text += " (SQLSTATE " + e.SQLState + ")"
	}
	if e.Hint != "" {
		text += "\n  " + e.Hint
	}
	return text
}

// Is makes errors.Is(err, ErrSessionChanged) true where the server said so.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrSessionLost:
		switch e.Class {
		case "INVALID_HANDLE.SESSION_CHANGED", "INVALID_HANDLE.SESSION_CLOSED", "INVALID_HANDLE.SESSION_NOT_FOUND":
			return true
		}
	case context.Canceled:
		return e.Class == "OPERATION_CANCELED"
	}
	return false
}

// GRPCStatus lets status.FromError read the error.
func (e *Error) GRPCStatus() *status.Status { return status.New(e.Code, e.Error()) }

// failure turns what gRPC returned into an error for people.
func (s *Session) failure(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	st, ok := status.FromError(err)
	if deadline, has := ctx.Deadline(); has && st.Code() == codes.DeadlineExceeded && time.Until(deadline) < time.Second {
		<-ctx.Done() // the server's clock was a little ahead
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if dead := s.usable(); dead == ErrClosed {
		return dead // the reason is this side's own
	}
	if !ok {
		return secret.Error(err)
	}
	e := &Error{Code: st.Code(), Detail: st.Message()}
	info := errorInfo(st)
	if info == nil {
		e.Message = s.explainTransport(st)
		return e.hide()
	}
	e.JavaClass = info.GetReason()
	m := info.GetMetadata()
	e.Class, e.SQLState = m["errorClass"], m["sqlState"]
	if p := m["messageParameters"]; p != "" {
		_ = json.Unmarshal([]byte(p), &e.Parameters) // an aid; may be cut off
	}
	if t := m["stackTrace"]; t != "" {
		e.StackTrace = strings.Split(t, "\n")
	}
	if id := m["errorId"]; id != "" {
		s.fetchDetails(ctx, id, e)
	}
	e.Message = e.summary()
	e.Hint = e.hint()
	if errors.Is(e, ErrSessionLost) {
		s.lose()
	}
	return e.hide()
}

// hide replaces secrets that the server sent back, wherever they stand.
func (e *Error) hide() *Error {
	lines := func(texts []string) {
		for i, t := range texts {
			texts[i] = secret.Hide(t)
		}
	}
	for _, text := range []*string{&e.Class, &e.SQLState, &e.Message, &e.Hint, &e.Detail, &e.JavaClass} {
		*text = secret.Hide(*text)
	}
	for name, value := range e.Parameters {
		delete(e.Parameters, name)
		e.Parameters[secret.Hide(name)] = secret.Hide(value)
	}
	lines(e.StackTrace)
	for i := range e.Causes {
		c := &e.Causes[i]
		c.JavaClass, c.Class, c.Message = secret.Hide(c.JavaClass), secret.Hide(c.Class), secret.Hide(c.Message)
		lines(c.StackTrace)
	}
	return e
}

func errorInfo(st *status.Status) *errdetails.ErrorInfo {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	return nil
}

// maxCauses bounds the chain of causes, which the server might close to a ring.
const maxCauses = 32

// fetchDetails asks for the whole of an error; servers before 4.0 have no more.
func (s *Session) fetchDetails(ctx context.Context, id string, e *Error) {
	if !s.atLeast(4, 0) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	r, err := s.client.FetchErrorDetails(ctx, &pb.FetchErrorDetailsRequest{
		SessionId:                         s.id,
		ClientObservedServerSideSessionId: s.observed(),
		UserContext:                       s.user(),
		ErrorId:                           id,
		ClientType:                        &s.userAgent,
	})
	if err != nil || r.RootErrorIdx == nil {
		return
	}
	next := r.RootErrorIdx
	for depth := 0; next != nil && depth < maxCauses; depth++ {
		if *next < 0 || int(*next) >= len(r.Errors) {
			return
		}
		x := r.Errors[*next]
		next = x.CauseIdx
		c := Cause{Message: x.Message, Class: x.GetSparkThrowable().GetErrorClass()}
		if len(x.ErrorTypeHierarchy) > 0 {
			c.JavaClass = x.ErrorTypeHierarchy[0]
		}
		for _, f := range x.StackTrace {
			c.StackTrace = append(c.StackTrace, fmt.Sprintf("%s.%s(%s:%d)", f.DeclaringClass, f.MethodName, f.GetFileName(), f.LineNumber))
		}
		if depth > 0 {
			e.Causes = append(e.Causes, c)
			continue
		}
		t := x.GetSparkThrowable()
		e.Detail = x.Message
		e.JavaClass = firstNonEmpty(c.JavaClass, e.JavaClass)
		e.Class = firstNonEmpty(c.Class, e.Class)
		e.SQLState = firstNonEmpty(t.GetSqlState(), e.SQLState)
		if len(t.GetMessageParameters()) > 0 {
			e.Parameters = t.GetMessageParameters()
		}
		e.StackTrace = c.StackTrace
	}
}

// summary is the server's message as a person wants it first.
func (e *Error) summary() string {
	text := humanMessage(e.Detail)
	if e.Class != "" {
		text = strings.TrimPrefix(text, "["+e.Class+"] ")
	} else if m := leadingClass.FindStringSubmatch(text); m != nil {
		e.Class = m[1]
		text = strings.TrimPrefix(text, m[0])
	}
	if m := statedState.FindStringSubmatch(text); m != nil {
		e.SQLState = firstNonEmpty(e.SQLState, m[1])
		text = strings.Replace(text, m[0], "", 1)
	}
	if text == "" {
		return e.JavaClass
	}
	return text
}

var (
	leadingClass = regexp.MustCompile(`^\[([A-Z][A-Z0-9_]*(?:\.[A-Z0-9_]+)*)\] `)
	statedState  = regexp.MustCompile(` SQLSTATE: ([0-9A-Z]{5})\b`)
	javaPrefix   = regexp.MustCompile(`^\(?(?:[a-z][a-z0-9_]*\.)+[A-Z][A-Za-z0-9_$]*(?:\) |: )`)
	taskFailure  = regexp.MustCompile(`^Job aborted due to stage failure: Task [\d.]+ in stage [\d.]+ failed (\d+) times?, most recent failure: Lost task [^:]*: `)
	planStart    = regexp.MustCompile(`;\n\s*(?:'|\+-|:-|[A-Z][A-Za-z]+ )[\s\S]*$`)
	javaFrame    = regexp.MustCompile(`(?m)^\s*(?:at [\w.$/<>]+\(.*\)|\.\.\. \d+ more|Driver stacktrace:)\s*$`)
)

// humanMessage leaves out of a server's message what only its authors read:
// Java classes and stacks, and the plan of the failed query.
func humanMessage(text string) string {
	text = javaPrefix.ReplaceAllString(text, "")
	text = taskFailure.ReplaceAllString(text, "")
	text = javaPrefix.ReplaceAllString(text, "")
	if at := javaFrame.FindStringIndex(text); at != nil {
		text = text[:at[0]]
	}
	text = planStart.ReplaceAllString(text, "")
	return strings.TrimSpace(text)
}
