package parquet

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	pq "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
)

// leafReader reads the levels and values of a leaf through all row groups, and
// keeps those that are not in a batch yet.
type leafReader struct {
	node *node
	file *file.Reader
	// groups are the rows of each row group, by the first leaf that has read it;
	// -1 before.
	groups []int64
	least  []int64 // rows that the metadata says
	next   int     // row group

	chunk file.ColumnChunkReader // nil between row groups
	read  func(n int64, def, rep []int16) (levels int64, values int, err error)
	began int64 // rows of this chunk that have begun

	def, rep []int16 // nil if none are needed
	levels   int
	starts   int // rows among them that have begun
	values   valueBuffer
	step     int64 // levels to read at once
}

// valueBuffer has values one after another in the encoding PLAIN, but without
// the lengths of BYTE_ARRAYs.
type valueBuffer struct {
	data  []byte
	width int   // of each; 0 for BYTE_ARRAY
	ends  []int // of BYTE_ARRAYs
	n     int
}

// cut gives the first n values, and leaves the others.
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

// value is the i-th.
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

func newLeafReader(n *node, f *file.Reader, groups, least []int64) *leafReader {
	l := &leafReader{node: n, file: f, groups: groups, least: least, step: 16}
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

// typedReader is a file.ColumnChunkReader of values of a type.
type typedReader[T any] interface {
	ReadBatchInPage(n int64, values []T, def, rep []int16) (levels int64, read int, err error)
}

// reading reads batches of values and appends them.
func reading[T any](chunk typedReader[T], add func(values []T)) func(int64, []int16, []int16) (int64, int, error) {
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

// open begins the next row group's chunk; false after the last one.
func (l *leafReader) open() (bool, error) {
	if l.next == len(l.groups) {
		return false, nil
	}
	var err error
	if l.chunk, err = l.file.RowGroup(l.next).Column(l.node.leaf); err != nil {
		return false, l.wrong(err)
	}
	l.next++
	l.began = 0
	v := &l.values
	switch chunk := l.chunk.(type) {
	case *file.BooleanColumnChunkReader:
		l.read = reading(chunk, func(values []bool) {
			for _, b := range values {
				bit := byte(0)
				if b {
					bit = 1
				}
				v.data = append(v.data, bit)
			}
		})
	case *file.Int32ColumnChunkReader:
		l.read = reading(chunk, func(values []int32) { v.data = append(v.data, arrow.Int32Traits.CastToBytes(values)...) })
	case *file.Int64ColumnChunkReader:
		l.read = reading(chunk, func(values []int64) { v.data = append(v.data, arrow.Int64Traits.CastToBytes(values)...) })
	case *file.Int96ColumnChunkReader:
		l.read = reading(chunk, func(values []pq.Int96) {
			for _, b := range values {
				v.data = append(v.data, b[:]...)
			}
		})
	case *file.Float32ColumnChunkReader:
		l.read = reading(chunk, func(values []float32) { v.data = append(v.data, arrow.Float32Traits.CastToBytes(values)...) })
	case *file.Float64ColumnChunkReader:
		l.read = reading(chunk, func(values []float64) { v.data = append(v.data, arrow.Float64Traits.CastToBytes(values)...) })
	case *file.FixedLenByteArrayColumnChunkReader:
		l.read = reading(chunk, func(values []pq.FixedLenByteArray) {
			for _, b := range values {
				v.data = append(v.data, b...)
			}
		})
	case *file.ByteArrayColumnChunkReader:
		l.read = reading(chunk, func(values []pq.ByteArray) {
			for _, b := range values {
				v.data = append(v.data, b...)
				v.ends = append(v.ends, len(v.data))
			}
		})
	default:
		return false, fmt.Errorf("there is no reader of %s", l.node.physical)
	}
	return true, nil
}

// rows are those that are kept whole.
func (l *leafReader) rows() int {
	if l.chunk != nil && l.node.rep > 0 && l.starts > 0 {
		return l.starts - 1 // the last may go on
	}
	return l.starts
}

// size is how many bytes are kept.
func (l *leafReader) size() int { return len(l.values.data) + 4*l.levels }

// fill keeps rows, up to a number, but not many after a number of bytes. It
// gives how many it has: 0 at the end only.
func (l *leafReader) fill(rows, bytes int) (int, error) {
	for l.rows() < rows && (l.rows() == 0 || l.size() < bytes) {
		if l.chunk == nil {
			if ok, err := l.open(); !ok || err != nil {
				return l.rows(), err
			}
		}
		n := l.step
		if l.node.rep == 0 {
			n = min(n, int64(rows-l.starts))
		}
		// What a value takes on average says how many more there is room for.
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

// take reads up to n levels, and closes the chunk at its end.
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
		return l.wrong(err)
	}
	if levels == 0 {
		return l.close()
	}
	count, err := l.check(int(levels), def, rep)
	if err != nil {
		return err
	}
	if count != values || l.values.width > 0 && len(l.values.data)-before != values*l.values.width {
		return damaged("%s has %d values where its levels say %d", l.node.title(), values, count)
	}
	l.values.n += values
	l.levels += int(levels)
	return nil
}

// check counts rows that begin, and values.
func (l *leafReader) check(levels int, def, rep []int16) (values int, err error) {
	values = levels
	if def != nil {
		values = 0
		for _, d := range def[:levels] {
			if d < 0 || d > l.node.def {
				return 0, damaged("%s has the definition level %d, but %d is the most", l.node.title(), d, l.node.def)
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
				return 0, damaged("%s has the repetition level %d, but %d is the most", l.node.title(), r, l.node.rep)
			case r == 0:
				starts++
			case i == 0 && l.began == 0:
				return 0, damaged("%s begins with the repetition level %d: its first row has no beginning", l.node.title(), r)
			}
		}
	}
	l.starts += starts
	l.began += int64(starts)
	return values, nil
}

// close ends a chunk, which has as many rows as those of other leaves, and no
// less than the metadata says.
func (l *leafReader) close() error {
	group := l.next - 1
	err := l.chunk.Close()
	l.chunk = nil
	switch {
	case err != nil:
		return l.wrong(err)
	case l.began < l.least[group]:
		return damaged("row group %d has %d rows, but %s has %d there", group, l.least[group], l.node.title(), l.began)
	case l.groups[group] >= 0 && l.groups[group] != l.began:
		return damaged("%s has %d rows in row group %d, but other columns have %d", l.node.title(), l.began, group, l.groups[group])
	}
	l.groups[group] = l.began
	return nil
}

// extent is how many levels and values rows take.
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

// drop lets go of rows, which take so many levels and values.
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

func (l *leafReader) wrong(err error) error {
	if tooLarge(err) {
		return unsupported("%s has a page that is larger than is read: %w; write the file with smaller pages", l.node.title(), err)
	}
	return damaged("%s: %w", l.node.title(), err)
}

func grow(levels []int16, n, by int) []int16 {
	if cap(levels) < n+by {
		levels = append(make([]int16, 0, 2*(n+by)), levels[:n]...)
	}
	return levels[:n+by]
}

// int96Type finds the type that holds all values of a leaf of INT96: in
// nanoseconds, or else in microseconds, or else as bytes.
func int96Type(n *node, f *file.Reader, groups []int64) (leafType, error) {
	l := newLeafReader(n, f, append([]int64(nil), groups...), make([]int64, len(groups)))
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
		return int96As(arrow.Nanosecond), nil
	case isMicros:
		return int96As(arrow.Microsecond), nil
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
