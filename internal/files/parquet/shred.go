package parquet

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	pq "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
)

// shredder converts Arrow arrays to the levels and values of a leaf. It reverses
// assembly.
type shredder struct {
	path []*column // from a column of the schema to the leaf
	rep  int16     // maximum repetition level

	arrays  []arrow.Array // the arrays of the current batch along the path
	defs    []int16
	reps    []int16
	take    func(i int) (size int, err error) // buffers a value of the leaf's array
	bytes   int                               // size of the buffered values
	write   func(def, rep []int16) error      // writes the buffered values and empties the buffer
	newTake func(leaf arrow.Array) (func(i int) (int, error), error)
}

// A shredder writes its buffer when it reaches one of these sizes. The library ends
// a page only between two writes, so they also bound the size of a page.
const (
	shredBytes  = 256 << 10
	shredLevels = 1024
)

// shredders returns a shredder for each leaf of a column.
func shredders(c *column) []*shredder {
	var all []*shredder
	var walk func(path []*column, c *column)
	walk = func(path []*column, c *column) {
		path = append(path[:len(path):len(path)], c)
		for _, child := range c.children {
			walk(path, child)
		}
		if c.kind == leafKind {
			all = append(all, &shredder{path: path, rep: c.rep})
		}
	}
	walk(nil, c)
	return all
}

func (s *shredder) leaf() *column { return s.path[len(s.path)-1] }

// bind sets the arrays along the path. a is the array of the path's first column.
func (s *shredder) bind(a arrow.Array) error {
	s.arrays = s.arrays[:0]
	for k, c := range s.path {
		if e, ok := a.(array.ExtensionArray); ok {
			a = e.Storage()
		}
		s.arrays = append(s.arrays, a)
		if k == len(s.path)-1 {
			break
		}
		child := s.path[k+1]
		switch parent := a.(type) {
		case array.ListLike:
			if c.kind != listKind {
				return fmt.Errorf("%s is %s", c.title(), a.DataType())
			}
			a = parent.ListValues()
		case *array.Struct:
			if c.kind != structKind || parent.NumField() != len(c.children) {
				return fmt.Errorf("%s is %s", c.title(), a.DataType())
			}
			for i := range c.children {
				if c.children[i] == child {
					a = parent.Field(i)
				}
			}
		default:
			return fmt.Errorf("%s is %s", c.title(), a.DataType())
		}
	}
	var err error
	s.take, err = s.newTake(s.arrays[len(s.arrays)-1])
	return err
}

// rows writes the first n rows of the bound arrays.
func (s *shredder) rows(n int) error {
	for i := range n {
		if err := s.value(0, i, 0); err != nil {
			return err
		}
		if s.bytes >= shredBytes || s.levels() >= shredLevels {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	return s.flush()
}

func (s *shredder) levels() int { return len(s.defs) }

func (s *shredder) flush() error {
	if len(s.defs) == 0 {
		return nil
	}
	def, rep := s.defs, s.reps
	if s.leaf().def == 0 {
		def = nil
	}
	if s.rep == 0 {
		rep = nil
	}
	err := s.write(def, rep)
	s.defs, s.reps, s.bytes = s.defs[:0], s.reps[:0], 0
	return err
}

func (s *shredder) level(def, rep int16) {
	s.defs = append(s.defs, def)
	s.reps = append(s.reps, rep)
}

// value shreds the i-th value of the k-th array of the path.
func (s *shredder) value(k, i int, rep int16) error {
	c, a := s.path[k], s.arrays[k]
	if isNull(a, i) {
		if !c.optional {
			return fmt.Errorf("%s contains a NULL, but is not nullable", c.title())
		}
		s.level(c.def-1, rep)
		return nil
	}
	switch c.kind {
	case structKind:
		return s.value(k+1, i, rep)
	case listKind:
		from, to := a.(array.ListLike).ValueOffsets(i)
		if from == to {
			s.level(c.def, rep)
		}
		for j := from; j < to; j++ {
			if err := s.value(k+1, int(j), rep); err != nil {
				return err
			}
			rep = c.elementRep
		}
		return nil
	}
	s.level(c.def, rep)
	size, err := s.take(i)
	s.bytes += size
	if err != nil {
		return fmt.Errorf("%s: %w", c.title(), err)
	}
	return nil
}

// isNull reports whether the i-th value is NULL. An array of type NULL has no
// validity bitmap, and a dictionary may itself contain a NULL.
func isNull(a arrow.Array, i int) bool {
	switch a := a.(type) {
	case *array.Null:
		return true
	case *array.Dictionary:
		return a.IsNull(i) || isNull(a.Dictionary(), a.GetValueIndex(i))
	}
	return a.IsNull(i)
}

// typedWriter is a file.ColumnChunkWriter of values of type T.
type typedWriter[T any] interface {
	WriteBatch(values []T, def, rep []int16) (int64, error)
}

// setWriter sets how the shredder converts and writes values of the physical type
// T. chunk returns the writer of the current column chunk.
func setWriter[T any](s *shredder, size func(T) int, encode func(n *node, a arrow.Array) (func(i int) (T, error), error), chunk func() (file.ColumnChunkWriter, error)) {
	var values []T
	s.newTake = func(leaf arrow.Array) (func(i int) (int, error), error) {
		get, err := encode(s.leaf().node, leaf)
		if err != nil {
			return nil, err
		}
		return func(i int) (int, error) {
			v, err := get(i)
			values = append(values, v)
			return size(v), err
		}, nil
	}
	s.write = func(def, rep []int16) error {
		w, err := chunk()
		if err != nil {
			return err
		}
		_, err = w.(typedWriter[T]).WriteBatch(values, def, rep)
		values = values[:0]
		return err
	}
}

// sizeAs returns a size function for values of n bytes.
func sizeAs[T any](n int) func(T) int { return func(T) int { return n } }

// connect sets how the shredder writes, according to the physical type of its
// leaf. chunk returns the writer of the current column chunk.
func (s *shredder) connect(chunk func() (file.ColumnChunkWriter, error)) {
	switch s.leaf().node.physical {
	case pq.Types.Boolean:
		setWriter(s, sizeAs[bool](1), encodeBool, chunk)
	case pq.Types.Int32:
		setWriter(s, sizeAs[int32](4), encodeInt32, chunk)
	case pq.Types.Int64:
		setWriter(s, sizeAs[int64](8), encodeInt64, chunk)
	case pq.Types.Int96:
		setWriter(s, sizeAs[pq.Int96](12), encodeInt96, chunk)
	case pq.Types.Float:
		setWriter(s, sizeAs[float32](4), encodeFloat, chunk)
	case pq.Types.Double:
		setWriter(s, sizeAs[float64](8), encodeDouble, chunk)
	case pq.Types.ByteArray:
		setWriter(s, func(b pq.ByteArray) int { return len(b) }, encodeBytes, chunk)
	default:
		setWriter(s, func(b pq.FixedLenByteArray) int { return len(b) }, encodeFixed, chunk)
	}
}
