package inprocess

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/job"
)

// windowRows is the number of rows that are answered together and written
// together.
const windowRows = 256

// window is a range of the rows that are read. It owns its batch.
type window struct {
	rows    arrow.RecordBatch
	numbers []int64 // positions of the rows in the file, from 0
	reasons []error // why a row lacks an answer; nil if it has all
	mu      sync.Mutex
	reached int // number of rows that the budget reaches
	read    progress
	source  *source

	filtered, computed chan struct{} // closed when the stage is done
	nulls              []bool        // whether a computed column is NULL
}

// progress counts the bytes of the input that are read.
type progress struct{ done, total int64 }

// source is a batch whose memory its windows share.
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

// drop releases the window's memory.
func (w *window) drop() {
	w.rows.Release()
	w.source.done()
}

// truncate keeps the first n rows.
func (w *window) truncate(n int) {
	all := w.rows
	w.rows = all.NewSlice(0, int64(n))
	all.Release()
	w.numbers, w.reasons = w.numbers[:n], w.reasons[:n]
}

// note records why a row has no answer: its first error or, if it has none, the
// first budget that did not reach it. An error that follows a readError is added
// to it. note reports whether err is the row's first error.
func (w *window) note(row int, err error) (first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	isError, hadError := job.AsSpent(err) == nil, w.reasons[row] != nil && job.AsSpent(w.reasons[row]) == nil
	if w.reasons[row] == nil || isError && !hadError {
		w.reasons[row] = err
	} else if e, ok := w.reasons[row].(*readError); ok && isError {
		w.reasons[row] = fmt.Errorf("%w; %w", e, err)
	}
	return isError && !hadError
}

// filter keeps the rows for which keep is true.
func (w *window) filter(mem memory.Allocator, keep []bool) error {
	kept, err := filter(mem, w.rows, keep)
	if err != nil {
		return err
	}
	w.rows.Release()
	w.rows = kept
	n := 0
	for i, k := range keep {
		if k {
			w.numbers[n], w.reasons[n] = w.numbers[i], w.reasons[i]
			n++
		}
	}
	w.numbers, w.reasons = w.numbers[:n], w.reasons[:n]
	return nil
}

// filter returns the rows for which keep is true as a new batch.
func filter(mem memory.Allocator, rows arrow.RecordBatch, keep []bool) (arrow.RecordBatch, error) {
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
