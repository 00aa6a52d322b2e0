package onnx

// maxChain limits the number of operations between a constant and its use.
const maxChain = 8

// resolve returns the matrix or vector of a value: a constant, or what DequantizeLinear, Cast,
// Identity and Transpose make of one. It returns nil if the value is something else.
func (g *graph) resolve(name string) (*matrix, error) { return g.follow(name, maxChain) }

func (g *graph) follow(name string, left int) (*matrix, error) {
	if c := g.constants[name]; c != nil {
		if !c.typ.float() {
			return nil, nil
		}
		return newMatrix(c), nil
	}
	n := g.producers[name]
	if n == nil || left == 0 {
		return nil, nil
	}
	switch n.op {
	case "Identity", "Cast":
		return g.follow(n.input(0), left-1)
	case "Transpose":
		m, err := g.follow(n.input(0), left-1)
		perm := n.attributes["perm"].ints
		if m == nil || m.vector || len(perm) > 0 && (len(perm) != 2 || perm[0] != 1 || perm[1] != 0) {
			return nil, err
		}
		m.transposed = !m.transposed
		return m, nil
	case "DequantizeLinear":
		c := g.constants[n.input(0)]
		if c == nil {
			return nil, nil
		}
		m := newMatrix(c)
		if m == nil {
			return nil, nil
		}
		return m, g.scale(m, n, n.input(1), n.input(2), int(n.integer("axis", 1)), int(n.integer("block_size", 0)))
	}
	return nil, nil
}

// newMatrix returns the matrix or vector in a constant. It returns nil if the constant has another
// number of dimensions, no numbers, or an unknown type.
func newMatrix(c *constant) *matrix {
	if c == nil || bits[c.typ] == 0 || c.size == 0 {
		return nil
	}
	switch len(c.dims) {
	case 1:
		return &matrix{values: c, rows: 1, columns: c.dims[0], stride: c.dims[0], vector: true}
	case 2:
		return &matrix{values: c, rows: c.dims[0], columns: c.dims[1], stride: c.dims[1]}
	}
	return nil
}

// floats returns the constant of a value that holds floating-point numbers, such as scales.
func (g *graph) floats(name string) *constant {
	for range maxChain {
		if c := g.constants[name]; c != nil {
			if c.typ.float() {
				return c
			}
			return nil
		}
		n := g.producers[name]
		if n == nil || n.op != "Identity" && n.op != "Cast" {
			return nil
		}
		name = n.input(0)
	}
	return nil
}

// scale sets the scales of a matrix of integers: one for all, one for each index of an axis, or,
// if block is not 0, one for each block of an axis.
func (g *graph) scale(m *matrix, n *node, scale, zero string, axis, block int) error {
	c := m.values
	s := &scales{scale: g.floats(scale), rowBlock: whole, columnBlock: whole}
	if s.scale == nil {
		return c.fail("node %q: its scale %q is not a constant", n.name, scale)
	}
	if zero != "" {
		if s.zero = g.constants[zero]; s.zero == nil || bits[s.zero.typ] == 0 {
			return c.fail("node %q: its zero point %q is not a constant", n.name, zero)
		}
	}
	if axis < 0 {
		axis += len(c.dims)
	}
	want := 1
	switch {
	case block == 0 && s.scale.size == 1:
	case axis < 0 || axis >= len(c.dims) || block < 0:
		return c.fail("node %q: its scales are for axis %d of %v in blocks of %d", n.name, axis, c.dims, block)
	case axis == 0 && !m.vector:
		s.rowBlock, s.stride, want = max(block, 1), 1, c.dims[0]
		if block > 0 {
			s.columnBlock, s.stride, want = 1, m.columns, (m.rows+block-1)/block*m.columns
		}
	default:
		s.columnBlock, want = max(block, 1), m.columns
		if block > 0 {
			s.rowBlock, s.stride = 1, (m.columns+block-1)/block
			want = m.rows * s.stride
		}
	}
	s.zeroStride = s.stride
	if s.scale.size != want {
		return c.fail("node %q: there are %d scales, but %v needs %d", n.name, s.scale.size, c.dims, want)
	}
	if s.zero != nil && s.zero.size == 1 && want > 1 {
		s.center, s.zero = s.zero.number(0), nil
	}
	if s.zero != nil && s.zero.size != want {
		return c.fail("node %q: there are %d zero points, but %v needs %d", n.name, s.zero.size, c.dims, want)
	}
	m.scales = s
	return nil
}

// integers returns the matrix of integers of a value.
func (g *graph) integers(name string) *matrix {
	c := g.constants[name]
	if c == nil || c.typ.float() {
		return nil
	}
	return newMatrix(c)
}
