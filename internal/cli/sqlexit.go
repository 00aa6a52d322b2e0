package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/firesteel/firesteel/spark"
)

// Exit codes of firesteel sql, as those of psql. Wrong usage is an error of its own, too.
const (
	sqlExitOwn        = 1 // an error of the program: wrong usage, a file that cannot be read or written, a model
	sqlExitConnection = 2 // the connection could not be made or was lost
	sqlExitStatement  = 3 // a statement failed
)

// statementError is the error of a statement.
type statementError struct{ error }

func (e statementError) Unwrap() error { return e.error }

// outputError is the error of creating an output.
type outputError struct{ error }

func (e outputError) Unwrap() error { return e.error }

// connectionLost reports whether the connection to the server, or the session, is gone or was never there.
func connectionLost(err error) bool {
	if errors.Is(err, spark.ErrSessionLost) || errors.Is(err, spark.ErrUnreachable) {
		return true
	}
	var e *spark.Error
	if !errors.As(err, &e) || e.Class != "" || e.JavaClass != "" {
		return false
	}
	// Without an exception of the server, the error is one of the connection.
	switch e.Code.String() {
	case "Unavailable", "Unauthenticated", "PermissionDenied", "DeadlineExceeded":
		return true
	}
	return false
}

// sqlExit returns the exit code of firesteel sql for an error.
func sqlExit(err error) int {
	var statement statementError
	var file *fs.PathError
	var output outputError
	switch {
	case connectionLost(err):
		return sqlExitConnection
	case errors.Is(err, errUsage), errors.As(err, &file), errors.As(err, &output):
		return sqlExitOwn
	case errors.As(err, &statement):
		return sqlExitStatement
	}
	return sqlExitOwn
}

// errStatements means that statements failed, and the others ran.
func errStatements(failed, all int) error {
	return statementError{fmt.Errorf("%d of %d statements failed", failed, all)}
}
