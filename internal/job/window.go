package job

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// windowRows are answered as one, and written as one.
const windowRows = 256

// window is a stretch of the rows that are read. It owns its rows.
type window struct {
	rows    arrow.RecordBatch
	numbers []int64 // the rows', counted from 0 over the file
	why     []error // why a row has no answer, or not all; nil for fine
	noting  sync.Mutex
	reached int // rows that the budget reaches
	read    progress
	source  *source

	filtered, added chan struct{} // closed when this is done
	nulls           []bool        // an added column is NULL
}

// progress is how far the input is read.
type progress struct{ done, total int64 }

// source is a batch that windows are cut from: its memory is theirs.
type source struct {
	bytes int64
	left  atomic.Int32
	free  func(bytes int64)
}

func (s *source) done() {
	if s.left.Add(-1) == 0 {
		s.free(s.bytes)
	}
}

func (w *window) len() int { return int(w.rows.NumRows()) }

// drop is for windows that are not needed any more.
func (w *window) drop() {
	w.rows.Release()
	w.source.done()
}

// cutAt leaves the first n rows.
func (w *window) cutAt(n int) {
	all := w.rows
	w.rows = all.NewSlice(0, int64(n))
	all.Release()
	w.numbers, w.why = w.numbers[:n], w.why[:n]
}

// noteError notes why a row has no answer: the first error, or, if there is
// none, the first skip. An error comes after what could not be read of the row.
// It tells whether that is the row's first error.
func (w *window) noteError(row int, err error) (first bool) {
	w.noting.Lock()
	defer w.noting.Unlock()
	isError, hadError := asSpent(err) == nil, w.why[row] != nil && asSpent(w.why[row]) == nil
	if w.why[row] == nil || isError && !hadError {
		w.why[row] = err
	} else if u, ok := w.why[row].(*unread); ok && isError {
		w.why[row] = fmt.Errorf("%w; %w", u, err)
	}
	return isError && !hadError
}

// choose leaves the rows for which keep is true.
func (w *window) choose(mem memory.Allocator, keep []bool) error {
	chosen, err := choose(mem, w.rows, keep)
	if err != nil {
		return err
	}
	w.rows.Release()
	w.rows = chosen
	n := 0
	for i, k := range keep {
		if k {
			w.numbers[n], w.why[n] = w.numbers[i], w.why[i]
			n++
		}
	}
	w.numbers, w.why = w.numbers[:n], w.why[:n]
	return nil
}

// choose gives the rows for which keep is true, as a new batch.
func choose(mem memory.Allocator, rows arrow.RecordBatch, keep []bool) (arrow.RecordBatch, error) {
	type run struct{ from, to int64 }
	var runs []run
	n := int64(0)
	for i, k := range keep {
		switch at := int64(i); {
		case !k:
			continue
		case len(runs) > 0 && runs[len(runs)-1].to == at:
			runs[len(runs)-1].to++
		default:
			runs = append(runs, run{at, at + 1})
		}
		n++
	}
	switch len(runs) {
	case 0:
		return rows.NewSlice(0, 0), nil
	case 1:
		return rows.NewSlice(runs[0].from, runs[0].to), nil
	}
	columns := make([]arrow.Array, rows.NumCols())
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	for c := range columns {
		parts := make([]arrow.Array, len(runs))
		for k, r := range runs {
			parts[k] = array.NewSlice(rows.Column(c), r.from, r.to)
		}
		var err error
		columns[c], err = array.Concatenate(parts, mem)
		for _, p := range parts {
			p.Release()
		}
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", rows.ColumnName(c), err)
		}
	}
	return array.NewRecordBatch(rows.Schema(), columns, n), nil
}
