package job

import (
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/suggest"
)

// Part is a part of a Spec that holds expressions.
type Part int

// The parts of a Spec that hold expressions.
const (
	Condition Part = iota
	AddedColumn
)

func (p Part) String() string {
	if p == Condition {
		return "condition"
	}
	return "added column"
}

// ExpressionError is a mistake in an expression of a Spec. Err is usually a
// *sqlexpr.Error.
type ExpressionError struct {
	Part Part
	Err  error
}

func (e *ExpressionError) Error() string { return fmt.Sprintf("%s: %v", e.Part, e.Err) }
func (e *ExpressionError) Unwrap() error { return e.Err }

// DuplicateColumnError means that an added column has the name of another
// column. Spark ignores the case of names, and so does the check.
type DuplicateColumnError struct{ Name string }

func (e *DuplicateColumnError) Error() string {
	return fmt.Sprintf("the column %s exists already; give the added column another name", e.Name)
}

// ColumnError means that a selected column is not one of the input.
type ColumnError struct {
	Name    string
	Columns []string // of the input
}

func (e *ColumnError) Error() string {
	text := fmt.Sprintf("there is no column %s", suggest.Visible(e.Name))
	if nearest, ok := suggest.Nearest(e.Name, e.Columns); ok {
		return text + "; did you mean " + nearest + "?"
	}
	return text + "; the columns are " + strings.Join(e.Columns, ", ")
}

// SampleError means that no column of the input has a type that a sample can
// hash.
type SampleError struct{}

func (*SampleError) Error() string {
	return "a sample needs a column of numbers, text, bytes, booleans, dates or timestamps, and the input has none"
}
