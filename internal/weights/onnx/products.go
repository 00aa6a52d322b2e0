package onnx

// product is a node that multiplies its input by a weight.
type product struct {
	node   *node
	weight *matrix
	bias   string // the value of the bias if the node adds it, or ""
}

// product returns the product of a node, or nil.
func (g *graph) product(n *node) (p *product, err error) {
	p = &product{node: n}
	switch n.op {
	case "MatMul":
		p.weight, err = g.resolve(n.input(1))
		p.turn(true)
	case "Gemm", "FusedGemm", "FusedMatMul":
		p.weight, err = g.resolve(n.input(1))
		p.turn(n.integer("transB", 0) == 0)
		if n.op != "FusedMatMul" {
			p.bias = n.input(2)
		}
		if alpha, ok := n.attributes["alpha"]; ok && alpha.f != 1 && p.weight != nil {
			err = p.weight.values.fail("node %q: alpha is %g, expected 1", n.name, alpha.f)
		}
	case "MatMulInteger":
		err = g.integerProduct(p, g.outputScale(n), n.input(3))
	case "MatMulIntegerToFloat":
		p.bias, err = n.input(6), g.integerProduct(p, n.input(3), n.input(5))
	case "DynamicQuantizeMatMul":
		p.bias, err = n.input(4), g.integerProduct(p, n.input(2), n.input(3))
	case "MatMulNBits":
		p.bias = n.input(5)
		p.weight, err = g.blockProduct(n)
	default:
		return nil, nil
	}
	if err != nil || p.weight == nil || p.weight.vector {
		return nil, err
	}
	return p, nil
}

// turn states that the weight is stored as inputs by outputs.
func (p *product) turn(turn bool) {
	if turn && p.weight != nil {
		p.weight.transposed = !p.weight.transposed
	}
}

// integerProduct sets the weight of a product of integers, whose second input is the weight.
func (g *graph) integerProduct(p *product, scale, zero string) error {
	if p.weight = g.integers(p.node.input(1)); p.weight == nil {
		return nil
	}
	p.turn(true)
	return g.scale(p.weight, p.node, scale, zero, 1, 0)
}

// outputScale returns the scale of the weight of a MatMulInteger: its output is converted to float
// and multiplied by the product of the scales of both inputs, of which one is constant.
func (g *graph) outputScale(n *node) string {
	for _, cast := range g.readers(n, "Cast") {
		for _, mul := range g.readers(cast, "Mul") {
			for _, in := range mul.inputs {
				if g.floats(in) != nil {
					return in
				}
				scales := g.producers[in]
				if scales == nil || scales.op != "Mul" {
					continue
				}
				for _, in := range scales.inputs {
					if g.floats(in) != nil {
						return in
					}
				}
			}
		}
	}
	return ""
}

// readers returns the nodes of an operation that read the first output of n.
func (g *graph) readers(n *node, op string) (found []*node) {
	for _, r := range g.users(n) {
		if r.op == op {
			found = append(found, r)
		}
	}
	return found
}

// blockProduct returns the weight of a MatMulNBits node: for each output, blocks of block_size
// numbers of 4 or 8 bits, the first of two in the lower bits, with a scale and a zero point for
// each block. Zero points are packed likewise, each output beginning at a byte, or are
// floating-point numbers. Without zero points it is the middle of the range.
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#commicrosoftmatmulnbits
func (g *graph) blockProduct(n *node) (*matrix, error) {
	c := g.constants[n.input(1)]
	if c == nil {
		return nil, nil
	}
	k, outputs, block, width := n.integer("K", 0), n.integer("N", 0), n.integer("block_size", 0), n.integer("bits", 4)
	const most = 1 << 24
	if c.typ != uint8Type || k < 1 || k > most || outputs < 1 || outputs > most || block < 8 || block > 1<<20 || width != 4 && width != 8 {
		return nil, c.fail("node %q: K %d, N %d, block_size %d, bits %d and type %s are not supported; bits must be 4 or 8", n.name, k, outputs, block, width, c.typ)
	}
	if n.input(4) != "" {
		return nil, c.fail("node %q: a permutation of the inputs (g_idx) is not supported", n.name)
	}
	blocks := int(k+block-1) / int(block)
	m := &matrix{rows: int(outputs), columns: int(k), stride: blocks * int(block)}
	if c.size != m.rows*m.stride*int(width)/8 {
		return nil, c.fail("node %q: %v bytes for %d outputs of %d blocks of %d numbers of %d bits", n.name, c.dims, outputs, blocks, block, width)
	}
	m.values = packed(c, width)
	s := &scales{scale: g.floats(n.input(2)), rowBlock: 1, columnBlock: int(block), stride: blocks, center: float32(int(1) << (width - 1))}
	if s.scale == nil || s.scale.size != m.rows*blocks {
		return nil, c.fail("node %q: the scales %q are not %d constant numbers", n.name, n.input(2), m.rows*blocks)
	}
	if name := n.input(3); name != "" {
		zero := g.constants[name]
		switch {
		case zero == nil || bits[zero.typ] == 0:
			return nil, c.fail("node %q: the zero points %q are not constant", n.name, name)
		case zero.typ == uint8Type:
			s.zeroStride = (blocks*int(width) + 7) / 8 * 8 / int(width)
			s.zero = packed(zero, width)
		default:
			s.zeroStride, s.zero = blocks, zero
		}
		if s.zero.size != m.rows*s.zeroStride {
			return nil, c.fail("node %q: there are %v zero points for %d outputs of %d blocks", n.name, zero.dims, outputs, blocks)
		}
	}
	m.scales = s
	return m, nil
}

// packed returns c, which has bytes, as numbers of 4 or 8 bits.
func packed(c *constant, width int64) *constant {
	if width == 8 {
		return c
	}
	p := *c
	p.typ, p.size = uint4Type, 2*c.size
	return &p
}

// table returns the matrix of which a node gathers rows, or nil.
func (g *graph) table(n *node) (*matrix, error) {
	switch n.op {
	case "Gather":
		if n.integer("axis", 0) != 0 {
			return nil, nil
		}
		m, err := g.resolve(n.input(0))
		if m == nil && err == nil {
			// The rows are gathered first and then converted.
			if dq := g.dequantizer(n); dq != nil {
				if m = g.integers(n.input(0)); m == nil || m.vector {
					return nil, nil
				}
				if c := g.floats(dq.input(1)); c != nil && c.size != 1 {
					return nil, m.values.fail("node %q: gathered rows have %d scales; only one is supported", dq.name, c.size)
				}
				return m, g.scale(m, dq, dq.input(1), dq.input(2), 0, 0)
			}
		}
		if m == nil || m.vector {
			return nil, err
		}
		return m, nil
	case "GatherBlockQuantized":
		return g.blockTable(n)
	}
	return nil, nil
}

// dequantizer returns the node that converts the output of n to floating-point numbers, possibly after
// its shape has changed, or nil.
func (g *graph) dequantizer(n *node) *node {
	for range maxChain {
		var next *node
		for _, r := range g.users(n) {
			switch r.op {
			case "DequantizeLinear":
				return r
			case "Transpose", "Unsqueeze", "Squeeze", "Reshape", "Slice", "Identity":
				next = r
			}
		}
		if n = next; n == nil {
			return nil
		}
	}
	return nil
}

// blockTable returns the table of a GatherBlockQuantized node: integers of 4 bits, or bytes that
// hold one of 8 or two of 4 bits, with a scale for each block of block_size numbers.
func (g *graph) blockTable(n *node) (*matrix, error) {
	c := g.constants[n.input(0)]
	m := newMatrix(c)
	if m == nil || m.vector {
		return nil, nil
	}
	width, block := n.integer("bits", 4), n.integer("block_size", 128)
	axis := n.integer("quantize_axis", 1)
	if n.integer("gather_axis", 0) != 0 || axis != 1 && axis != -1 || block < 1 || block > 1<<20 || c.typ == uint8Type && width != 4 && width != 8 {
		return nil, c.fail("node %q: bits %d, block_size %d and quantize_axis %d are not supported", n.name, width, block, axis)
	}
	zero := n.input(3)
	s := &scales{rowBlock: 1, columnBlock: int(block)}
	if c.typ == uint8Type {
		m.values = packed(c, width)
		m.columns = m.columns * 8 / int(width)
		m.stride = m.columns
		s.center = float32(int(1) << (width - 1))
	}
	s.stride = (m.columns + int(block) - 1) / int(block)
	s.zeroStride = s.stride
	if s.scale = g.floats(n.input(2)); s.scale == nil || s.scale.size != m.rows*s.stride {
		return nil, c.fail("node %q: the scales %q are not %d constant numbers", n.name, n.input(2), m.rows*s.stride)
	}
	if zero != "" {
		z := g.constants[zero]
		if z == nil || bits[z.typ] == 0 {
			return nil, c.fail("node %q: the zero points %q are not constant", n.name, zero)
		}
		if c.typ == uint8Type {
			z = packed(z, width)
			s.zeroStride = (s.stride*int(width) + 7) / 8 * 8 / int(width)
		}
		if s.zero = z; z.size != m.rows*s.zeroStride {
			return nil, c.fail("node %q: there are %v zero points for %d rows of %d blocks", n.name, z.dims, m.rows, s.stride)
		}
	}
	m.scales = s
	return m, nil
}
