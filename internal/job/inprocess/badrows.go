package inprocess

import (
	"slices"
	"sync"

	"github.com/firesteel/firesteel/internal/files"
)

// BadRows holds the rows that a reader could not read whole until they are
// written. Its methods may be called concurrently.
type BadRows struct {
	mu   sync.Mutex
	rows map[int64]*readError
}

// readError is the reason why a part of a row could not be read.
type readError struct {
	error
	columns []string // the columns without a value
}

func (e *readError) Unwrap() error { return e.error }

// affects reports whether one of the columns has no value.
func (e *readError) affects(columns []string) bool {
	return slices.ContainsFunc(columns, func(c string) bool { return slices.Contains(e.columns, c) })
}

// Note records a row. It is a files.ReadOptions.Bad.
func (b *BadRows) Note(bad files.Bad) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rows == nil {
		b.rows = map[int64]*readError{}
	}
	b.rows[bad.Row] = &readError{bad.Reason, bad.Columns}
}

// take removes the errors of a range of rows and returns them by position in
// the range.
func (b *BadRows) take(from, rows int64) map[int]error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.rows) == 0 {
		return nil
	}
	found := map[int]error{}
	for i := range rows {
		if reason, ok := b.rows[from+i]; ok {
			found[int(i)] = reason
			delete(b.rows, from+i)
		}
	}
	return found
}
