package sqlexpr

import (
	"errors"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// ValueError is an error of a value in a row that fails the job, as with Spark's ANSI mode: an overflow, a division by zero, or a
// text that is no number or date.
type ValueError struct {
	// Class is Spark's error class, such as DIVIDE_BY_ZERO.
	Class string
	// Row is the position of the row in the batch; -1 if it is not known.
	Row int
	Err error
}

func (e *ValueError) Error() string { return e.Err.Error() + " [" + e.Class + "]" }

// Shown is Error with the content of the row.
func (e *ValueError) Shown() string { return sensitive.Shown(e.Err) + " [" + e.Class + "]" }

func (e *ValueError) Unwrap() error { return e.Err }

// fail stops the evaluation of a row. guard returns the error.
func fail(class, format string, args ...any) {
	panic(&ValueError{class, -1, sensitive.Errorf(format, args...)})
}

// guard calls f and returns the error of fail. row is the row that is evaluated.
func guard(row *int, f func() error) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *ValueError:
			p.Row = *row
			err = p
		default:
			panic(p)
		}
	}()
	return f()
}

// attempt calls f; an error of fail is an error.
func attempt(f func() any) (v any, err error) {
	row := -1
	err = guard(&row, func() error { v = f(); return nil })
	return v, err
}

// constantValue returns the value of a constant term, or an error at its place.
func (b *binder) constantValue(t term) (any, error) {
	v, err := attempt(func() any { return t.value() })
	var failed *ValueError
	if errors.As(err, &failed) {
		return nil, b.wrong(t.at, "%v [%s]", failed.Err, failed.Class)
	}
	return v, err
}
