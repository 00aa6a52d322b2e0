package onnx

import (
	"slices"
	"strconv"
	"strings"
)

// Facts are the settings of a network that its graph states, for a model without a config.json. A
// value that the graph does not state is 0 or empty.
type Facts struct {
	// Heads is the number of attention heads.
	Heads int
	// Epsilon is the number in the normalization of layers that prevents a division by 0.
	Epsilon float64
	// Activation is the name of the function between the layers of a block in transformers: gelu,
	// gelu_pytorch_tanh or relu.
	Activation string
	// CountsPositions reports whether positions are counted from the tokens that are not padding, as
	// in RoBERTa and MPNet.
	CountsPositions bool
	// Outputs are the names of the outputs, such as logits or last_hidden_state.
	Outputs []Output
}

// Output is an output of a graph.
type Output struct {
	Name       string
	Dimensions int
}

func (g *graph) facts(f *File) Facts {
	facts := Facts{}
	for _, out := range g.outputs {
		facts.Outputs = append(facts.Outputs, Output{out.name, len(out.dims)})
	}
	hidden := f.hidden()
	for _, n := range g.nodes {
		if facts.Heads == 0 {
			facts.Heads = g.heads(n, hidden)
		}
		if facts.Epsilon == 0 {
			facts.Epsilon = g.epsilon(n)
		}
		if facts.Activation == "" {
			facts.Activation = n.activation()
		}
		facts.CountsPositions = facts.CountsPositions || n.op == "CumSum"
	}
	return facts
}

// hidden returns the size of the hidden states: that of an embedding of a token.
func (f *File) hidden() int {
	for _, t := range f.Tensors {
		if strings.HasSuffix(t.Name, "embeddings.word_embeddings.weight") || strings.HasSuffix(t.Name, "embeddings.tok_embeddings.weight") {
			return t.Shape[len(t.Shape)-1]
		}
	}
	return 0
}

// heads returns the number of heads that a node states: by an attribute of a joined attention, or
// by the shape of a Reshape, whose last two dimensions are the heads and their size. Either of them
// may be -1 or computed.
func (g *graph) heads(n *node, hidden int) int {
	if a, ok := n.attributes["num_heads"]; ok && a.i > 0 && a.i < 1<<16 {
		return int(a.i)
	}
	if n.op != "Reshape" || hidden == 0 {
		return 0
	}
	shape := g.shape(n.input(1), maxChain)
	if len(shape) < 4 {
		return 0
	}
	heads, size := shape[len(shape)-2], shape[len(shape)-1]
	switch h := int64(hidden); {
	case heads > 0 && heads < h && (size < 0 || heads*size == h) && h%heads == 0:
		return int(heads)
	case heads < 0 && size > 1 && size < h && h%size == 0:
		return int(h / size)
	}
	return 0
}

// computed is a dimension that is not constant.
const computed = -2

// shape returns the dimensions in a value, of which some may be computed.
func (g *graph) shape(name string, left int) []int64 {
	if c := g.constants[name]; c != nil {
		var dims []int64
		if c.typ != int64Type && c.typ != int32Type || c.size > maxDims {
			return nil
		}
		for i := range c.size {
			dims = append(dims, c.integer(i))
		}
		return dims
	}
	n := g.producers[name]
	if g.steps++; n == nil || left == 0 || g.steps > maxSteps {
		return []int64{computed}
	}
	switch n.op {
	case "Constant":
		if ints := n.attributes["value_ints"].ints; len(ints) > 0 {
			return ints[:min(len(ints), maxDims)]
		}
		if a, ok := n.attributes["value_int"]; ok {
			return []int64{a.i}
		}
	case "Unsqueeze", "Cast", "Identity", "Reshape":
		if dims := g.shape(n.input(0), left-1); len(dims) == 1 {
			return dims
		}
	case "Concat":
		var dims []int64
		for _, in := range n.inputs[:min(len(n.inputs), maxDims)] {
			dims = append(dims, g.shape(in, left-1)...)
			if len(dims) > maxDims {
				return nil
			}
		}
		return dims
	}
	return []int64{computed}
}

// epsilon returns the epsilon that a node states: an attribute of a normalization, or the number
// that is added before a square root.
func (g *graph) epsilon(n *node) float64 {
	var epsilon float32
	switch {
	case strings.HasSuffix(n.op, "LayerNormalization"):
		epsilon = 1e-5
		if a, ok := n.attributes["epsilon"]; ok {
			epsilon = a.f
		}
	case n.op == "Sqrt":
		add := g.producers[n.input(0)]
		if add == nil || add.op != "Add" {
			return 0
		}
		for _, in := range add.inputs {
			if c := g.constants[in]; c != nil && c.typ.float() && c.size == 1 {
				epsilon = c.number(0)
			}
		}
	}
	if !(epsilon > 0 && epsilon < 1) {
		return 0
	}
	// The shortest number that rounds to this one is the one in the configuration.
	exact, _ := strconv.ParseFloat(strconv.FormatFloat(float64(epsilon), 'g', -1, 32), 64)
	return exact
}

func (n *node) activation() string {
	switch {
	case n.op == "Gelu" && n.attributes["approximate"].s == "tanh", n.op == "FastGelu":
		return "gelu_pytorch_tanh"
	case slices.Contains([]string{"Erf", "Gelu", "BiasGelu"}, n.op):
		return "gelu"
	case n.op == "Relu":
		return "relu"
	}
	return ""
}
