package ai

import (
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/suggest"
)

// CallError reports a call that does not match a function's parameters.
type CallError struct {
	Function string
	Argument int    // index of the wrong argument; -1 if an argument is missing
	Param    string // name of the parameter; empty if the argument has none
	// Expected and Given are SQL types. They are empty unless the type is wrong.
	Expected, Given string
	// Problem says what is wrong and how to correct it in SQL.
	Problem string
	// Err is the cause, such as an *ArgumentError, or nil.
	Err error
}

func (e *CallError) Error() string { return e.Function + ": " + e.Problem }

func (e *CallError) Unwrap() error { return e.Err }

func (s Signature) wrong(argument int, param, format string, args ...any) error {
	return &CallError{Function: s.Function, Argument: argument, Param: param, Problem: fmt.Sprintf(format, args...)}
}

func (s Signature) missing(p Param, given int) error {
	problem := "the argument " + p.Name + " is missing"
	switch {
	case p.Name == "":
		problem = fmt.Sprintf("it takes %s, not %d", s.count(), given)
	case p.About != "":
		problem += ": " + p.About
	}
	return s.wrong(-1, p.Name, "%s; call it as %s", problem, s.form())
}

// count writes how many arguments a call has.
func (s Signature) count() string {
	least, most := s.required(), len(s.Params)
	switch {
	case least < most:
		return fmt.Sprintf("%d to %d arguments", least, most)
	case most == 1:
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", most)
}

// nearest suggests the name that was meant, or lists all names.
func nearest(name string, names []string) string {
	if near, ok := suggest.Nearest(name, names); ok {
		return "; did you mean " + near + "?"
	}
	return "; it has " + strings.Join(names, ", ")
}

// conversion returns SQL that converts an argument to the type of its parameter.
func conversion(p Param, given string) string {
	cast := fmt.Sprintf("CAST(%s AS %s)", p.Name, p.Type)
	switch {
	case p.Type == Labels:
		return "ARRAY('a', 'b')"
	case p.Type == Options:
		return "MAP('name', 'value')"
	case p.Type == Examples:
		return "ARRAY(struct('a text', 'its answer'))"
	case p.Type == Int && given == String.sql:
		return "a number without quotes, or " + cast
	case p.Type == StringArray:
		return "collect_list(" + p.Name + ") for the texts of a group, or ARRAY(" + p.Name + ") for one text"
	}
	return cast
}
