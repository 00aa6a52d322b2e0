package onnx

import (
	"math"

	"github.com/firesteel/firesteel/internal/weights/mmap"
)

// Tensor is one weight.
type Tensor struct {
	Name  string
	Shape []int // outputs, inputs; or the length of a vector

	matrix matrix
}

// matrix is numbers in a constant, in rows of stride numbers of which the first columns are used.
type matrix struct {
	values                *constant
	rows, columns, stride int
	vector                bool
	transposed            bool // the outputs are the columns
	first, count          int  // a part of the outputs; count 0 means all
	scales                *scales
}

// scales is how integers stand for numbers: (integer - zero) * scale. The scale of a number is at
// row/rowBlock*stride + column/columnBlock.
type scales struct {
	scale, zero           *constant
	rowBlock, columnBlock int
	stride, zeroStride    int
	center                float32 // the zero point if zero is nil
}

// whole is the size of a block that holds all rows, or all columns.
const whole = math.MaxInt

// outputs returns the number of outputs.
func (m *matrix) outputs() int {
	switch {
	case m.count > 0:
		return m.count
	case m.transposed:
		return m.columns
	}
	return m.rows
}

// inputs returns the number of inputs.
func (m *matrix) inputs() int {
	if m.transposed {
		return m.rows
	}
	return m.columns
}

func (m *matrix) shape() []int {
	if m.vector {
		return []int{m.columns}
	}
	return []int{m.outputs(), m.inputs()}
}

// Errorf returns an error that names the tensor, its file and the offset of its entry.
func (t *Tensor) Errorf(format string, args ...any) error {
	c := *t.matrix.values
	if c.name != t.Name {
		c.name = t.Name + " (" + c.name + ")"
	}
	return c.fail(format, args...)
}

// Dequantize converts count rows, beginning with row first, to float32 and writes them to dst.
// The length of dst must be count times the last dimension. A vector has one row.
func (t *Tensor) Dequantize(dst []float32, first, count int) error {
	m := &t.matrix
	rows, k := 1, m.columns
	if !m.vector {
		rows, k = m.outputs(), m.inputs()
	}
	if first < 0 || count < 0 || first > rows-count || len(dst) != count*k {
		return t.Errorf("rows %d to %d of a tensor of shape %v do not fit a buffer of %d numbers", first, first+count, t.Shape, len(dst))
	}
	if m.vector {
		m.read(dst, 1, 0, m.first, count*k)
		return nil
	}
	first += m.first
	if !m.transposed {
		for r := range count {
			m.read(dst[r*k:], 1, first+r, 0, k)
		}
		return nil
	}
	for r := range k {
		m.read(dst[r:], k, r, first, count)
	}
	return nil
}

// chunk is the number of numbers that are converted together.
const chunk = 64

// read converts n numbers of a row, beginning with a column, and writes them step apart.
func (m *matrix) read(dst []float32, step, row, column, n int) {
	var x, scale, zero [chunk]float32
	for done := 0; done < n; {
		size := min(chunk, n-done)
		at := column + done
		if s := m.scales; s != nil && s.columnBlock > 1 {
			size = min(size, s.columnBlock-at%s.columnBlock) // one scale
		}
		values := x[:size]
		if step == 1 {
			values = dst[done : done+size]
		}
		m.values.readFloats(values, row*m.stride+at)
		if s := m.scales; s != nil {
			s.read(scale[:], zero[:], row, at, size)
			if s.columnBlock > 1 {
				a, z := scale[0], zero[0]
				for i := range values {
					values[i] = (values[i] - z) * a
				}
			} else {
				for i := range values {
					values[i] = (values[i] - zero[i]) * scale[i]
				}
			}
		}
		if step != 1 {
			for i, v := range values {
				dst[(done+i)*step] = v
			}
		}
		done += size
	}
}

// read reads the scales and zero points of n columns, or one of each if all have the same.
func (s *scales) read(scale, zero []float32, row, column, n int) {
	if s.columnBlock > 1 {
		n = 1
	}
	row, column = row/s.rowBlock, column/s.columnBlock
	s.scale.readFloats(scale[:n], row*s.stride+column)
	if s.zero != nil {
		s.zero.readFloats(zero[:n], row*s.zeroStride+column)
		return
	}
	for i := range zero[:n] {
		zero[i] = s.center
	}
}

// Forget releases the memory pages of the tensor's data. The data are read from the file again
// when they are needed.
func (t *Tensor) Forget() {
	if c := t.matrix.values; c.part != nil && c.part.unmap != nil { // other data cannot be read again
		mmap.Forget(c.data)
	}
}
