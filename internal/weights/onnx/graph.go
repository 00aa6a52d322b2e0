package onnx

import "strings"

// Limits of a graph. Graphs of encoders have some thousands of nodes and initializers.
const (
	maxParts = 1 << 18 // nodes, their inputs and outputs, attributes and initializers, together
	maxDims  = 8
	maxInts  = 1 << 10 // in an attribute
	maxSteps = 1 << 24
)

// graph is the nodes and the constant tensors of a file.
type graph struct {
	nodes     []*node
	constants map[string]*constant
	producers map[string]*node   // by the name of the value
	consumers map[string][]*node // by the name of the value
	outputs   []value
	parts     int
	steps     int // that the search for names took
}

// node is an operation. Its inputs and outputs are names of values; an optional one that is
// missing is empty.
type node struct {
	name, op        string
	inputs, outputs []string
	attributes      map[string]attribute
	scope           string // the module, as PyTorch's newer exporter states it
	at              int64
}

type attribute struct {
	f    float32
	i    int64
	s    string
	ints []int64
	t    *constant
}

// value is an output of the graph. Its dimensions that depend on the input are 0.
type value struct {
	name string
	dims []int
}

// input returns the name of an input, or "".
func (n *node) input(i int) string {
	if i < len(n.inputs) {
		return n.inputs[i]
	}
	return ""
}

// integer returns an attribute, or its default.
func (n *node) integer(name string, standard int64) int64 {
	if a, ok := n.attributes[name]; ok {
		return a.i
	}
	return standard
}

func (f *File) decode() (*graph, error) {
	g := &graph{constants: map[string]*constant{}, producers: map[string]*node{}, consumers: map[string][]*node{}}
	found := false
	model := message{file: f, what: "the model", data: f.main.data}
	err := model.each(func(v field) error {
		if v.number != 7 {
			return nil
		}
		if found {
			return f.fail(v.at, "the model has a second graph")
		}
		found = true
		m, err := v.inner("the graph")
		if err != nil {
			return err
		}
		return f.graph(g, m)
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, f.fail(0, "the file has no graph; it is not an ONNX file")
	}
	for _, n := range g.nodes {
		for _, name := range n.outputs {
			if name == "" {
				continue
			}
			if other := g.producers[name]; other != nil {
				return nil, f.fail(n.at, "the nodes %q and %q have the same output %q", other.name, n.name, name)
			}
			g.producers[name] = n
		}
		for _, name := range n.inputs {
			all := g.consumers[name]
			if name != "" && (len(all) == 0 || all[len(all)-1] != n) {
				g.consumers[name] = append(all, n)
			}
		}
	}
	return g, nil
}

// users returns the nodes that read the first output of n. It returns none if the search for names
// took too many steps.
func (g *graph) users(n *node) []*node {
	if len(n.outputs) == 0 {
		return nil
	}
	all := g.consumers[n.outputs[0]]
	if g.steps += 1 + len(all); g.steps > maxSteps {
		return nil
	}
	return all
}

func (f *File) graph(g *graph, m message) error {
	return m.each(func(v field) (err error) {
		switch v.number {
		case 1:
			return f.node(g, v)
		case 5:
			c, err := f.constant(g, v)
			if err != nil {
				return err
			}
			return f.addConstant(g, c)
		case 12:
			return f.output(g, v)
		}
		return nil
	})
}

func (f *File) addConstant(g *graph, c *constant) error {
	if g.constants[c.name] != nil {
		return f.fail(c.at, "a second tensor has the name %q", c.name)
	}
	g.constants[c.name] = c
	return nil
}

// count counts a part of the graph.
func (f *File) count(g *graph, v field) error {
	if g.parts++; g.parts > maxParts {
		return f.fail(v.at, "the graph has more than %d parts", maxParts)
	}
	return nil
}

func (f *File) node(g *graph, v field) error {
	m, err := v.inner("a node")
	if err != nil {
		return err
	}
	n := &node{at: m.at}
	err = m.each(func(v field) (err error) {
		var name string
		switch v.number {
		case 1, 2:
			if name, err = v.text(); err != nil {
				return err
			}
			if v.number == 1 {
				n.inputs = append(n.inputs, name)
			} else {
				n.outputs = append(n.outputs, name)
			}
		case 3:
			n.name, err = v.text()
		case 4:
			n.op, err = v.text()
		case 5:
			err = f.attribute(g, n, v)
		case 9:
			err = f.metadata(n, v)
		default:
			return nil
		}
		if err != nil {
			return err
		}
		return f.count(g, v)
	})
	if err != nil {
		return err
	}
	g.nodes = append(g.nodes, n)
	if n.op == "Constant" && len(n.outputs) == 1 {
		if c := n.attributes["value"].t; c != nil {
			c.name = n.outputs[0]
			return f.addConstant(g, c)
		}
	}
	return f.count(g, v)
}

func (f *File) attribute(g *graph, n *node, v field) error {
	m, err := v.inner("an attribute")
	if err != nil {
		return err
	}
	name, a := "", attribute{}
	err = m.each(func(v field) (err error) {
		switch v.number {
		case 1:
			name, err = v.text()
		case 2:
			a.f, err = v.number32()
		case 3:
			a.i, err = v.integer()
		case 4:
			if len(v.data) <= maxName {
				a.s = string(v.data)
			}
		case 5:
			a.t, err = f.constant(g, v)
		case 8:
			err = v.integers(func(i int64) error {
				if len(a.ints) < maxInts {
					a.ints = append(a.ints, i)
				}
				return nil
			})
		}
		return err
	})
	if err != nil {
		return err
	}
	if n.attributes == nil {
		n.attributes = map[string]attribute{}
	}
	n.attributes[name] = a
	return nil
}

// metadata reads the module of a node, which PyTorch writes as the text of a Python list: [”,
// 'encoder', 'encoder.layer.0', ..., 'linear']. The last entry names the operation.
func (f *File) metadata(n *node, v field) error {
	key, text := "", ""
	err := v.message.each(func(v field) error {
		switch {
		case v.number == 1 && len(v.data) <= maxName:
			key = string(v.data)
		case v.number == 2 && len(v.data) <= 16*maxName:
			text = string(v.data)
		}
		return nil
	})
	if err != nil || key != "pkg.torch.onnx.name_scopes" {
		return err
	}
	list := strings.Split(strings.Trim(text, "[]"), ", ")
	if len(list) >= 2 {
		n.scope = strings.Trim(list[len(list)-2], `'"`)
	}
	return nil
}

// output reads the name and the shape of an output: ValueInfoProto = name (1) | type (2);
// TypeProto = tensor_type (1); Tensor = shape (2); TensorShapeProto = dim (1)...; Dimension =
// dim_value (1).
func (f *File) output(g *graph, v field) error {
	m, err := v.inner("an output")
	if err != nil {
		return err
	}
	if err := f.count(g, v); err != nil {
		return err
	}
	out := value{}
	var walk func(m message, path ...int) error
	walk = func(m message, path ...int) error {
		return m.each(func(v field) error {
			switch {
			case len(path) == 0:
				if n, err := v.integer(); err == nil && v.number == 1 && n > 0 && n < 1<<31 && len(out.dims) > 0 {
					out.dims[len(out.dims)-1] = int(n)
				}
				return nil
			case int(v.number) != path[0]:
				return nil
			case len(path) == 1 && len(out.dims) < maxDims:
				out.dims = append(out.dims, 0)
			}
			inner, err := v.inner("the type of an output")
			if err != nil {
				return err
			}
			return walk(inner, path[1:]...)
		})
	}
	err = m.each(func(v field) (err error) {
		if v.number == 1 {
			out.name, err = v.text()
		}
		return err
	})
	if err == nil {
		err = walk(m, 2, 1, 2, 1)
	}
	g.outputs = append(g.outputs, out)
	return err
}
