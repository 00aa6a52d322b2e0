package job

import (
	"slices"
	"sync"

	"github.com/firesteel/firesteel/internal/files"
)

// BadRows remembers rows that a Reader could not read whole, until they are
// written.
type BadRows struct {
	mu   sync.Mutex
	rows map[int64]*unread
}

// unread is why a part of a row could not be read.
type unread struct {
	error
	columns []string // that are missing
}

func (u *unread) Unwrap() error { return u.error }

// missing tells whether one of some columns is.
func (u *unread) missing(columns []string) bool {
	return slices.ContainsFunc(columns, func(c string) bool { return slices.Contains(u.columns, c) })
}

// Note is for files.ReadOptions.Bad.
func (b *BadRows) Note(bad files.Bad) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rows == nil {
		b.rows = map[int64]*unread{}
	}
	b.rows[bad.Row] = &unread{bad.Reason, bad.Columns}
}

// take gives the reasons of rows, and forgets them.
func (b *BadRows) take(from, rows int64) map[int]error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found map[int]error
	if len(b.rows) == 0 {
		return nil
	}
	for i := range rows {
		if reason, ok := b.rows[from+i]; ok {
			if found == nil {
				found = map[int]error{}
			}
			found[int(i)] = reason
			delete(b.rows, from+i)
		}
	}
	return found
}
