package onnx

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// parameter matches the name of a weight in Python's transformers, such as
// encoder.layer.0.attention.self.query.weight, and what programs append to it when they convert
// the weight: _quantized, _Q4, _transposed.
var parameter = regexp.MustCompile(`^((?:\w[\w-]*\.)+(?:weight|bias|gamma|beta))(?:[_/:].*)?$`)

// ofQuantization matches the names of scales and zero points.
var ofQuantization = regexp.MustCompile(`_(?:scales?|zero_points?|zp)$`)

// parameterName returns the name of a weight from the name of a constant, or "".
func parameterName(constant string) string {
	m := parameter.FindStringSubmatch(constant)
	if m == nil || ofQuantization.MatchString(constant) {
		return ""
	}
	return m[1]
}

// module returns the path of the module of a node: bert.encoder.layer.0.output.dense of the node
// /bert/encoder/layer.0/output/dense/MatMul, or what PyTorch's newer exporter states. It returns ""
// if the name does not have one.
func (n *node) module() string {
	if n.scope != "" {
		return n.scope
	}
	parts := strings.Split(n.name, "/")
	if len(parts) < 3 || parts[0] != "" {
		return ""
	}
	return strings.Join(parts[1:len(parts)-1], ".")
}

// weightName returns the name of the weight of a node: by the name of its constant, by the bias
// that is added to the product, or by the module of the node. If none of them tells, it is the name
// of the constant.
func (g *graph) weightName(n *node, m *matrix, bias string) string {
	if name := parameterName(m.values.name); name != "" {
		return name
	}
	if base, ok := strings.CutSuffix(g.biasName(n, bias), ".bias"); ok {
		return base + ".weight"
	}
	if module := n.module(); module != "" {
		return module + ".weight"
	}
	return m.values.name
}

// biasName returns the name of the bias of a product: bias, or what a later node adds. Between them
// may be conversions and, for a product of integers, the multiplication by the scale.
func (g *graph) biasName(n *node, bias string) string {
	if bias != "" {
		return g.vectorName(bias)
	}
	for range maxChain {
		var next *node
		for _, r := range g.users(n) {
			switch r.op {
			case "Add", "BiasGelu", "FastGelu":
				for _, in := range r.inputs {
					if name := g.vectorName(in); name != "" && in != n.outputs[0] {
						return name
					}
				}
			case "SkipLayerNormalization":
				return g.vectorName(r.input(4))
			case "Mul":
				if n.op == "Cast" {
					next = r
				}
			case "Cast", "Identity", "QuantizeLinear", "DequantizeLinear":
				next = r
			}
		}
		if next == nil {
			return ""
		}
		n = next
	}
	return ""
}

// vectorName returns the name of the weight whose vector a value holds, or "".
func (g *graph) vectorName(value string) string {
	m, err := g.resolve(value)
	if err != nil || m == nil || !m.vector {
		return ""
	}
	return parameterName(m.values.name)
}

// add adds a tensor. A weight that several nodes use is one tensor.
func (f *File) add(name string, m *matrix) error {
	if old := f.byName[name]; old != nil {
		if old.matrix.values.at == m.values.at && old.matrix.first == m.first {
			return nil
		}
		return m.values.fail("it and %q are both the weight %q", old.matrix.values.name, name)
	}
	t := &Tensor{Name: name, Shape: m.shape(), matrix: *m}
	f.byName[name] = t
	f.Tensors = append(f.Tensors, t)
	return nil
}

// collect adds the tensors of all nodes.
func (f *File) collect(g *graph) error {
	for _, n := range g.nodes {
		if what := fused[n.op]; what != "" {
			return f.fail(n.at, "node %q: the operation %s, %s, is not supported; export the model again without optimization, or quantize it to the format QDQ, or use its .safetensors file", n.name, n.op, what)
		}
		if err := f.collectNode(g, n); err != nil {
			return err
		}
		if g.steps > maxSteps {
			return f.fail(n.at, "node %q: the graph is too complex", n.name)
		}
	}
	f.unwrap()
	slices.SortFunc(f.Tensors, func(a, b *Tensor) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

// fused lists operations that contain weights which this package does not separate.
var fused = map[string]string{
	"QAttention": "8-bit attention", "QEmbedLayerNormalization": "8-bit embeddings", "QGemm": "an 8-bit product with a 32-bit bias",
	"QLinearMatMul": "an 8-bit product of the format QOperator", "QLinearAdd": "an 8-bit sum of the format QOperator",
	"PackedAttention": "attention without padding", "LongformerAttention": "attention in windows", "Conv": "a convolution", "LSTM": "a recurrent layer", "GRU": "a recurrent layer",
	"QOrderedAttention": "8-bit attention", "QOrderedMatMul": "an 8-bit product for GPUs", "MatMulBnb4": "a product of 4-bit floating-point weights",
}

func (f *File) collectNode(g *graph, n *node) error {
	p, err := g.product(n)
	if err != nil {
		return err
	}
	if p != nil {
		if err := f.add(g.weightName(n, p.weight, p.bias), p.weight); err != nil {
			return err
		}
	}
	table, err := g.table(n)
	if err != nil {
		return err
	}
	if table != nil {
		if err := f.add(g.weightName(n, table, ""), table); err != nil {
			return err
		}
	}
	if n.op == "EmbedLayerNormalization" {
		if err := f.tables(g, n); err != nil {
			return err
		}
	}
	if n.op == "Attention" {
		return f.attention(g, n)
	}
	for _, in := range n.inputs {
		m, err := g.resolve(in)
		if err != nil {
			return err
		}
		if m == nil || !m.vector {
			continue
		}
		if name := parameterName(m.values.name); name != "" {
			if err := f.add(name, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// roots are the names of the network in a model with a head, and of its table of tokens.
var roots = []string{
	"bert.embeddings.word_embeddings.weight", "distilbert.embeddings.word_embeddings.weight", "roberta.embeddings.word_embeddings.weight",
	"mpnet.embeddings.word_embeddings.weight", "model.embeddings.tok_embeddings.weight", "embeddings.word_embeddings.weight", "embeddings.tok_embeddings.weight",
}

// unwrap removes the name of a module around the model from the names of all tensors, such as the
// auto_model. of sentence-transformers.
func (f *File) unwrap() {
	for _, t := range f.Tensors {
		for _, root := range roots {
			wrapper, ok := strings.CutSuffix(t.Name, root)
			if !ok || wrapper != "" && !strings.HasSuffix(wrapper, ".") {
				continue
			}
			if wrapper != "" {
				f.strip(wrapper)
			}
			return
		}
	}
}

func (f *File) strip(prefix string) {
	for _, t := range f.Tensors {
		name, ok := strings.CutPrefix(t.Name, prefix)
		if !ok || f.byName[name] != nil {
			continue
		}
		delete(f.byName, t.Name)
		t.Name = name
		f.byName[name] = t
	}
}
