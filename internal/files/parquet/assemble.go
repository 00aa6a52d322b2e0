package parquet

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// assembly builds Arrow columns from the levels and values of a batch's rows. It
// checks that the leaves of a struct or a list agree on its elements.
type assembly struct {
	mem    memory.Allocator
	leaves []*leafReader
	levels []int // number of levels of the rows, by leaf
}

// level returns the i-th definition and repetition level of a leaf.
func (l *leafReader) level(i int) (def, rep int16) {
	if l.def != nil {
		def = l.def[i]
	}
	if l.rep != nil {
		rep = l.rep[i]
	}
	return def, rep
}

// build returns the array of a column with n elements.
func (a *assembly) build(c *column, n int) (arrow.ArrayData, error) {
	switch c.kind {
	case structKind:
		return a.structs(c, n)
	case listKind:
		return a.lists(c, n)
	}
	return a.values(c, n)
}

// buffer returns a zeroed buffer of size bytes.
func (a *assembly) buffer(size int) *memory.Buffer {
	b := memory.NewResizableBuffer(a.mem)
	b.Resize(size)
	clear(b.Bytes())
	return b
}

// validity is a validity bitmap that is filled element by element.
type validity struct {
	buffer *memory.Buffer
	at     int // number of elements so far
	nulls  int
}

func (a *assembly) newValidity(n int) *validity {
	return &validity{buffer: a.buffer(int(bitutil.BytesForBits(int64(n))))}
}

func (v *validity) add(valid bool) {
	if valid {
		bitutil.SetBit(v.buffer.Bytes(), v.at)
	} else {
		v.nulls++
	}
	v.at++
}

// take returns the buffer, or nil if every element is valid.
func (v *validity) take() *memory.Buffer {
	if v.nulls == 0 {
		return nil
	}
	return v.buffer
}

// mismatch returns the error for a column whose leaves disagree on its elements.
func mismatch(c *column) error {
	return damaged("%s: its fields have different numbers of values", c.title())
}

func (a *assembly) structs(c *column, n int) (arrow.ArrayData, error) {
	valid := a.newValidity(n)
	defer valid.buffer.Release()
	for k, number := range c.leaves {
		l, at := a.leaves[number], 0
		for i := range a.levels[number] {
			def, rep := l.level(i)
			if rep > c.rep || def < c.slot {
				continue
			}
			switch {
			case at == n, k > 0 && bitutil.BitIsSet(valid.buffer.Bytes(), at) != (def >= c.def):
				return nil, mismatch(c)
			case k == 0:
				valid.add(def >= c.def)
			}
			at++
		}
		if at != n {
			return nil, mismatch(c)
		}
		if c.def == c.slot {
			break // all are valid
		}
	}
	var children []arrow.ArrayData
	defer func() { release(children) }()
	for _, child := range c.children {
		data, err := a.build(child, n)
		if err != nil {
			return nil, err
		}
		children = append(children, data)
	}
	return array.NewData(c.field.Type, n, []*memory.Buffer{valid.take()}, children, valid.nulls, 0), nil
}

func (a *assembly) lists(c *column, n int) (arrow.ArrayData, error) {
	valid := a.newValidity(n)
	defer valid.buffer.Release()
	offsets := a.buffer(4 * (n + 1))
	defer offsets.Release()
	ends := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	for k, number := range c.leaves {
		l, at, elements, open := a.leaves[number], 0, int64(0), false
		end := func() error {
			if k > 0 && int64(ends[at]) != elements {
				return mismatch(c)
			}
			ends[at] = int32(elements)
			return nil
		}
		for i := range a.levels[number] {
			def, rep := l.level(i)
			switch {
			case rep > c.elementRep: // within an element
			case rep > c.rep: // one more element
				switch {
				case open && def >= c.elementDef:
					elements++
				case open || def >= c.elementDef:
					return nil, damaged("%s: an element follows an empty or NULL list", c.title())
				} // DuckDB writes a NULL ARRAY once for each of its elements
			case def < c.slot:
				open = false
			default:
				if at == n || k > 0 && bitutil.BitIsSet(valid.buffer.Bytes(), at) != (def >= c.def) {
					return nil, mismatch(c)
				}
				if err := end(); err != nil {
					return nil, err
				}
				if k == 0 {
					valid.add(def >= c.def)
				}
				at++
				if open = def >= c.elementDef; open {
					elements++
				}
			}
			if elements > math.MaxInt32 {
				return nil, unsupported("%s: a batch has more than %d list elements", c.title(), math.MaxInt32)
			}
		}
		if at != n {
			return nil, mismatch(c)
		}
		if err := end(); err != nil {
			return nil, err
		}
	}
	elements, err := a.build(c.children[0], int(ends[n]))
	if err != nil {
		return nil, err
	}
	defer elements.Release()
	if c.field.Type.ID() == arrow.MAP && elements.Children()[0].NullN() > 0 {
		return nil, unsupported("%s: a MAP has a NULL key", c.title())
	}
	return array.NewData(c.field.Type, n, []*memory.Buffer{valid.take(), offsets}, []arrow.ArrayData{elements}, valid.nulls, 0), nil
}

// values returns the array of a leaf.
func (a *assembly) values(c *column, n int) (arrow.ArrayData, error) {
	number := c.leaves[0]
	l := a.leaves[number]
	valid := a.newValidity(n)
	defer valid.buffer.Release()
	for i := range a.levels[number] {
		def, _ := l.level(i)
		if def < c.slot {
			continue
		}
		if valid.at == n {
			return nil, mismatch(c)
		}
		valid.add(def == c.def)
	}
	if valid.at != n {
		return nil, mismatch(c)
	}
	buffers, err := a.leafBuffers(c, l, valid)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, b := range buffers[1:] {
			b.Release()
		}
	}()
	return array.NewData(c.field.Type, n, buffers, nil, valid.nulls, 0), nil
}

// leafBuffers returns the buffers of a leaf's array. The caller releases all but
// the first, which belongs to valid.
func (a *assembly) leafBuffers(c *column, l *leafReader, valid *validity) ([]*memory.Buffer, error) {
	n, isValid := valid.at, func(i int) bool { return bitutil.BitIsSet(valid.buffer.Bytes(), i) }
	next := 0
	switch t := c.leaf.arrow.(type) {
	case *arrow.BooleanType:
		b := a.buffer(int(bitutil.BytesForBits(int64(n))))
		for i := range n {
			if isValid(i) {
				if l.values.data[next] != 0 {
					bitutil.SetBit(b.Bytes(), i)
				}
				next++
			}
		}
		return []*memory.Buffer{valid.take(), b}, nil
	case arrow.FixedWidthDataType:
		width := t.BitWidth() / 8
		b := a.buffer(n * width)
		if c.leaf.decode == nil && valid.nulls == 0 {
			copy(b.Bytes(), l.values.data[:n*width])
			return []*memory.Buffer{valid.take(), b}, nil
		}
		for i := range n {
			if !isValid(i) {
				continue
			}
			value := l.values.value(next)
			next++
			if c.leaf.decode == nil {
				copy(b.Bytes()[i*width:], value)
				continue
			}
			if _, err := c.leaf.decode(b.Bytes()[i*width:i*width], value); err != nil {
				b.Release()
				return nil, wrongValue(c, err)
			}
		}
		return []*memory.Buffer{valid.take(), b}, nil
	}
	offsets := a.buffer(4 * (n + 1))
	ends := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	var text []byte
	for i := range n {
		if isValid(i) {
			value := l.values.value(next)
			next++
			if c.leaf.decode == nil {
				text = append(text, value...)
			} else {
				var err error
				if text, err = c.leaf.decode(text, value); err != nil {
					offsets.Release()
					return nil, wrongValue(c, err)
				}
			}
			if len(text) > math.MaxInt32 {
				offsets.Release()
				return nil, unsupported("%s: a batch has more than 2 GiB of values", c.title())
			}
		}
		ends[i+1] = int32(len(text))
	}
	b := memory.NewResizableBuffer(a.mem)
	b.Resize(len(text))
	copy(b.Bytes(), text)
	return []*memory.Buffer{valid.take(), offsets, b}, nil
}

// wrongValue returns the error for a value that violates the column's type.
func wrongValue(c *column, err error) error {
	return damaged("%s: %w", c.title(), err)
}

func release(data []arrow.ArrayData) {
	for _, d := range data {
		d.Release()
	}
}
