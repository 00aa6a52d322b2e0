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

// Error is an error of the server or of the connection to it.
type Error struct {
	// Class is Spark's error class, such as "TABLE_OR_VIEW_NOT_FOUND"; empty if
	// the error has none.
	Class string
	// SQLState is the SQLSTATE, such as "42P01"; empty if the error has none.
	SQLState string
	// Message is the server's message without the class, query plans and Java
	// stack traces.
	Message string
	// Hint is advice that this package adds to the end of the text; often empty.
	Hint string
	// Detail is the server's complete message.
	Detail string
	// Parameters are the parameters of the message, by Spark's names.
	Parameters map[string]string
	// JavaClass is the Java class of the exception.
	JavaClass string
	// StackTrace is the server's stack trace, innermost call first; it may be
	// empty.
	StackTrace []string
	// Causes are the causes of the exception, outermost first.
	Causes []Cause
	// Code is gRPC's status code.
	Code codes.Code

	unreachable bool // see ErrUnreachable
}

// ErrUnreachable matches, by errors.Is, the Error of a connection that was never
// established: no server answers at the address.
var ErrUnreachable = errors.New("no Spark Connect server answers")

// Cause is an exception that caused an Error.
type Cause struct {
	JavaClass  string // Java class
	Class      string
	Message    string // complete
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

// Is reports whether the error matches ErrSessionLost, ErrUnreachable or
// context.Canceled.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrUnreachable:
		return e.unreachable
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

// GRPCStatus returns the error as a gRPC status; status.FromError calls it.
func (e *Error) GRPCStatus() *status.Status { return status.New(e.Code, e.Error()) }

// failure converts an error of gRPC to the error that this package returns.
func (s *Session) failure(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	st, ok := status.FromError(err)
	if deadline, has := ctx.Deadline(); has && st.Code() == codes.DeadlineExceeded && time.Until(deadline) < time.Second {
		<-ctx.Done() // the server's clock is slightly ahead
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := s.usable(); err == ErrClosed {
		return err // Close caused the error
	}
	if !ok {
		return secret.Error(err)
	}
	e := &Error{Code: st.Code(), Detail: st.Message()}
	info := errorInfo(st)
	if info == nil {
		e.Message, e.unreachable = s.explainTransport(st)
		return e.hideSecrets()
	}
	e.JavaClass = info.GetReason()
	m := info.GetMetadata()
	e.Class, e.SQLState = m["errorClass"], m["sqlState"]
	if p := m["messageParameters"]; p != "" {
		_ = json.Unmarshal([]byte(p), &e.Parameters) // optional; the server may have truncated it
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
		s.markLost()
	}
	return e.hideSecrets()
}

// hideSecrets replaces secrets in all texts of the error.
func (e *Error) hideSecrets() *Error {
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

// maxCauses bounds the chain of causes, which may be cyclic.
const maxCauses = 32

// fetchDetails requests the details of an error. Servers before 4.0 have none.
func (s *Session) fetchDetails(ctx context.Context, id string, e *Error) {
	if !s.atLeast(4, 0) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, releaseTimeout)
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

// summary returns the server's message without its class and SQLSTATE, which it
// stores in their fields if they are empty.
func (e *Error) summary() string {
	text := stripJava(e.Detail)
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

// stripJava removes Java classes, stack traces and the query plan from a
// server's message.
func stripJava(text string) string {
	text = javaPrefix.ReplaceAllString(text, "")
	text = taskFailure.ReplaceAllString(text, "")
	text = javaPrefix.ReplaceAllString(text, "")
	if at := javaFrame.FindStringIndex(text); at != nil {
		text = text[:at[0]]
	}
	text = planStart.ReplaceAllString(text, "")
	return strings.TrimSpace(text)
}
