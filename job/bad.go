package job

import (
	"sync"

	"github.com/firesteel/firesteel/files"
)

// BadRows remembers rows that a Reader could not read, until they are written.
type BadRows struct {
	mu   sync.Mutex
	rows map[int64]error
}

// Note is for files.ReadOptions.Bad.
func (b *BadRows) Note(bad files.Bad) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rows == nil {
		b.rows = map[int64]error{}
	}
	b.rows[bad.Row] = bad.Reason
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
