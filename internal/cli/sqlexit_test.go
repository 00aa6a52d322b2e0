package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/firesteel/firesteel/spark"
)

func TestSQLExit(t *testing.T) {
	const unavailable, unauthenticated, internal = 14, 16, 13
	for _, c := range []struct {
		err  error
		want int
	}{
		{usagef("--rows"), sqlExitOwn},
		{errors.New("no model"), sqlExitOwn},
		{statementError{&fs.PathError{Op: "open", Path: "x.csv", Err: fs.ErrPermission}}, sqlExitOwn},
		{statementError{outputError{errors.New("there is no folder")}}, sqlExitOwn},
		{statementError{usagef("-o has a result")}, sqlExitOwn},
		{statementError{fmt.Errorf("statement 1: %w", &spark.Error{Class: "DIVIDE_BY_ZERO", Code: internal})}, sqlExitStatement},
		{statementError{&spark.Error{JavaClass: "java.lang.RuntimeException", Code: unavailable}}, sqlExitStatement},
		{statementError{errors.New("an answer of the server is wrong")}, sqlExitStatement},
		{statementError{spark.ErrSessionLost}, sqlExitConnection},
		{statementError{&spark.Error{Class: "INVALID_HANDLE.SESSION_CLOSED", Code: internal}}, sqlExitConnection},
		{statementError{&spark.Error{Code: unavailable}}, sqlExitConnection},
		{&spark.Error{Code: unauthenticated}, sqlExitConnection},
		{errStatements(1, 2), sqlExitStatement},
	} {
		if got := sqlExit(c.err); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.want)
		}
	}
}
