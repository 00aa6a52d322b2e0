package parquet

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	pq "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
)

// leafReader reads the levels and values of a leaf from all row groups. It buffers
// those that no batch contains yet.
type leafReader struct {
	node *node
	file *file.Reader
	plan *groupPlan // shared by all leaves
	next int        // index of the next row group

	chunk file.ColumnChunkReader // nil between row groups
	read  func(n int64, def, rep []int16) (levels int64, values int, err error)
	began int64 // number of rows of this chunk that have started

	def, rep []int16 // nil if the maximum level is 0
	levels   int
	starts   int // number of buffered rows that have started
	values   valueBuffer
	step     int64 // number of levels to read at once
}

// valueBuffer holds concatenated values in the encoding PLAIN, but without the
// lengths of BYTE_ARRAY values.
type valueBuffer struct {
	data  []byte
	width int   // size of a value in bytes; 0 for BYTE_ARRAY
	ends  []int // end offsets of BYTE_ARRAY values
	n     int   // number of values
}

// cut removes the first n values.
func (v *valueBuffer) cut(n int) {
	from := 0
	if v.width > 0 {
		from = n * v.width
	} else if n > 0 {
		from = v.ends[n-1]
		v.ends = append(v.ends[:0], v.ends[n:]...)
		for i := range v.ends {
			v.ends[i] -= from
		}
	}
	v.data = append(v.data[:0], v.data[from:]...)
	v.n -= n
}

// value returns the i-th value.
func (v *valueBuffer) value(i int) []byte {
	if v.width > 0 {
		return v.data[i*v.width : (i+1)*v.width]
	}
	from := 0
	if i > 0 {
		from = v.ends[i-1]
	}
	return v.data[from:v.ends[i]]
}

func newLeafReader(n *node, f *file.Reader, plan *groupPlan) *leafReader {
	l := &leafReader{node: n, file: f, plan: plan, step: 16}
	l.values.width = map[pq.Type]int{
		pq.Types.Boolean: 1, pq.Types.Int32: 4, pq.Types.Int64: 8, pq.Types.Int96: 12,
		pq.Types.Float: 4, pq.Types.Double: 8, pq.Types.FixedLenByteArray: int(n.length),
	}[n.physical]
	if n.def > 0 {
		l.def = []int16{}
	}
	if n.rep > 0 {
		l.rep = []int16{}
	}
	return l
}

// typedReader is a file.ColumnChunkReader of values of type T.
type typedReader[T any] interface {
	ReadBatchInPage(n int64, values []T, def, rep []int16) (levels int64, read int, err error)
}

// batchReader returns a function that reads up to n levels and passes their values
// to add.
func batchReader[T any](chunk typedReader[T], add func(values []T)) func(int64, []int16, []int16) (int64, int, error) {
	var values []T
	return func(n int64, def, rep []int16) (int64, int, error) {
		if int64(len(values)) < n {
			values = make([]T, n)
		}
		levels, read, err := chunk.ReadBatchInPage(n, values[:n], def, rep)
		if err == nil {
			add(values[:read])
		}
		return levels, read, err
	}
}

// open opens the column chunk of the next row group. It returns false after the
// last one.
func (l *leafReader) open() (bool, error) {
	for l.next < len(l.plan.skip) && l.plan.skip[l.next] {
		l.next++
	}
	if l.next == len(l.plan.skip) {
		return false, nil
	}
	var err error
	if l.chunk, err = l.file.RowGroup(l.next).Column(l.node.leaf); err != nil {
		return false, l.readError(err)
	}
	l.next++
	l.began = 0
	v := &l.values
	switch chunk := l.chunk.(type) {
	case *file.BooleanColumnChunkReader:
		l.read = batchReader(chunk, func(values []bool) {
			for _, b := range values {
				bit := byte(0)
				if b {
					bit = 1
				}
				v.data = append(v.data, bit)
			}
		})
	case *file.Int32ColumnChunkReader:
		l.read = batchReader(chunk, func(values []int32) { v.data = append(v.data, arrow.Int32Traits.CastToBytes(values)...) })
	case *file.Int64ColumnChunkReader:
		l.read = batchReader(chunk, func(values []int64) { v.data = append(v.data, arrow.Int64Traits.CastToBytes(values)...) })
	case *file.Int96ColumnChunkReader:
		l.read = batchReader(chunk, func(values []pq.Int96) {
			for _, b := range values {
				v.data = append(v.data, b[:]...)
			}
		})
	case *file.Float32ColumnChunkReader:
		l.read = batchReader(chunk, func(values []float32) { v.data = append(v.data, arrow.Float32Traits.CastToBytes(values)...) })
	case *file.Float64ColumnChunkReader:
		l.read = batchReader(chunk, func(values []float64) { v.data = append(v.data, arrow.Float64Traits.CastToBytes(values)...) })
	case *file.FixedLenByteArrayColumnChunkReader:
		l.read = batchReader(chunk, func(values []pq.FixedLenByteArray) {
			for _, b := range values {
				v.data = append(v.data, b...)
			}
		})
	case *file.ByteArrayColumnChunkReader:
		l.read = batchReader(chunk, func(values []pq.ByteArray) {
			for _, b := range values {
				v.data = append(v.data, b...)
				v.ends = append(v.ends, len(v.data))
			}
		})
	default:
		return false, fmt.Errorf("the physical type %s has no reader", l.node.physical)
	}
	return true, nil
}

// rows returns the number of complete rows in the buffer.
func (l *leafReader) rows() int {
	if l.chunk != nil && l.node.rep > 0 && l.starts > 0 {
		return l.starts - 1 // the last row may have more levels
	}
	return l.starts
}

// size returns the approximate size of the buffer in bytes.
func (l *leafReader) size() int { return len(l.values.data) + 4*l.levels }

// fill reads until the buffer holds the given number of rows, or about the given
// number of bytes and at least one row. It returns the number of rows, which is 0
// only at the end.
func (l *leafReader) fill(rows, bytes int) (int, error) {
	for l.rows() < rows && (l.rows() == 0 || l.size() < bytes) {
		if l.chunk == nil {
			if l.rows() > 0 && l.next < len(l.plan.skip) && l.plan.skip[l.next] {
				break // a batch does not continue after skipped rows
			}
			if ok, err := l.open(); !ok || err != nil {
				return l.rows(), err
			}
		}
		n := l.step
		if l.node.rep == 0 {
			n = min(n, int64(rows-l.starts))
		}
		// The average size of a level limits how many more are read.
		if left := bytes - l.size(); l.levels > 0 && left > 0 {
			n = max(1, min(n, int64(left)*int64(l.levels)/int64(max(1, l.size()))))
		}
		l.step = min(2*l.step, 1024)
		if err := l.take(n); err != nil {
			return 0, err
		}
	}
	return min(rows, l.rows()), nil
}

// take reads up to n levels. At the end of the chunk it closes the chunk.
func (l *leafReader) take(n int64) error {
	var def, rep []int16
	if l.def != nil {
		l.def = grow(l.def, l.levels, int(n))
		def = l.def[l.levels:]
	}
	if l.rep != nil {
		l.rep = grow(l.rep, l.levels, int(n))
		rep = l.rep[l.levels:]
	}
	before := len(l.values.data)
	levels, values, err := l.read(n, def, rep)
	if err == nil && levels == 0 {
		err = l.chunk.Err()
	}
	if err != nil {
		return l.readError(err)
	}
	if levels == 0 {
		return l.close()
	}
	count, err := l.check(int(levels), def, rep)
	if err != nil {
		return err
	}
	if count != values || l.values.width > 0 && len(l.values.data)-before != values*l.values.width {
		return damaged("%s has %d values, but its levels require %d", l.node.title(), values, count)
	}
	l.values.n += values
	l.levels += int(levels)
	return nil
}

// check validates levels. It counts the rows that start, and returns the number of
// values.
func (l *leafReader) check(levels int, def, rep []int16) (values int, err error) {
	values = levels
	if def != nil {
		values = 0
		for _, d := range def[:levels] {
			if d < 0 || d > l.node.def {
				return 0, damaged("%s has the definition level %d, but the maximum is %d", l.node.title(), d, l.node.def)
			}
			if d == l.node.def {
				values++
			}
		}
	}
	starts := levels
	if rep != nil {
		starts = 0
		for i, r := range rep[:levels] {
			switch {
			case r < 0 || r > l.node.rep:
				return 0, damaged("%s has the repetition level %d, but the maximum is %d", l.node.title(), r, l.node.rep)
			case r == 0:
				starts++
			case i == 0 && l.began == 0:
				return 0, damaged("%s starts with the repetition level %d; a row group must start with level 0", l.node.title(), r)
			}
		}
	}
	l.starts += starts
	l.began += int64(starts)
	return values, nil
}

// close closes a chunk. It checks that the chunk has as many rows as those of the
// other leaves, and at least as many as the metadata states.
func (l *leafReader) close() error {
	group := l.next - 1
	err := l.chunk.Close()
	l.chunk = nil
	switch {
	case err != nil:
		return l.readError(err)
	case l.began < l.plan.stated[group]:
		return damaged("row group %d has %d rows, but %s has %d rows in it", group, l.plan.stated[group], l.node.title(), l.began)
	case l.plan.read[group] >= 0 && l.plan.read[group] != l.began:
		return damaged("%s has %d rows in row group %d, but other columns have %d", l.node.title(), l.began, group, l.plan.read[group])
	}
	l.plan.read[group] = l.began
	return nil
}

// extent returns the number of levels and values of the first rows.
func (l *leafReader) extent(rows int) (levels, values int) {
	levels = rows
	if l.rep != nil {
		for levels = 0; levels < l.levels; levels++ {
			if l.rep[levels] == 0 {
				if rows == 0 {
					break
				}
				rows--
			}
		}
	}
	if l.def == nil {
		return levels, levels
	}
	for _, d := range l.def[:levels] {
		if d == l.node.def {
			values++
		}
	}
	return levels, values
}

// drop removes the first rows, with their levels and values, from the buffer.
func (l *leafReader) drop(rows, levels, values int) {
	if l.def != nil {
		l.def = append(l.def[:0], l.def[levels:l.levels]...)
	}
	if l.rep != nil {
		l.rep = append(l.rep[:0], l.rep[levels:l.levels]...)
	}
	l.levels -= levels
	l.starts -= rows
	l.values.cut(values)
}

// readError returns an error of the library with the name of the leaf.
func (l *leafReader) readError(err error) error {
	if tooLarge(err) {
		return unsupported("%s has a page that is too large: %w; write the file with smaller pages", l.node.title(), err)
	}
	return damaged("%s: %w", l.node.title(), err)
}

// grow extends the n levels by the given number.
func grow(levels []int16, n, by int) []int16 {
	if cap(levels) < n+by {
		levels = append(make([]int16, 0, 2*(n+by)), levels[:n]...)
	}
	return levels[:n+by]
}

// int96Type reads an INT96 leaf and returns the first type that represents all its
// values: timestamps in nanoseconds, timestamps in microseconds, or bytes.
func int96Type(n *node, f *file.Reader, rows []int64) (leafType, error) {
	l := newLeafReader(n, f, newGroupPlan(make([]int64, len(rows))))
	defer l.release()
	isNanos, isMicros := true, true
	for isNanos || isMicros {
		rows, err := l.fill(1024, 1<<20)
		if err != nil {
			return leafType{}, err
		}
		if rows == 0 {
			break
		}
		for i := range l.values.n {
			days, rest := int96Parts(l.values.value(i))
			isNanos = isNanos && int96Fits(arrow.Nanosecond, days, rest)
			isMicros = isMicros && int96Fits(arrow.Microsecond, days, rest)
		}
		levels, values := l.extent(rows)
		l.drop(rows, levels, values)
	}
	switch {
	case isNanos:
		return int96Timestamp(arrow.Nanosecond), nil
	case isMicros:
		return int96Timestamp(arrow.Microsecond), nil
	}
	return leafType{arrow: int96}, nil
}

func (l *leafReader) release() error {
	if l.chunk == nil {
		return nil
	}
	err := l.chunk.Close()
	l.chunk = nil
	return err
}
