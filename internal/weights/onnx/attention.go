package onnx

import "strings"

// parts are the names of the weights of queries, keys and values, by that of the output of the
// attention.
var parts = []struct {
	output string
	inputs [3]string
}{
	{"attention.output.dense", [3]string{"attention.self.query", "attention.self.key", "attention.self.value"}},
	{"attention.out_lin", [3]string{"attention.q_lin", "attention.k_lin", "attention.v_lin"}},
	{"attention.attn.o", [3]string{"attention.attn.q", "attention.attn.k", "attention.attn.v"}},
}

// attention adds the weights of an Attention node, in which ONNX Runtime's optimizer joins the
// queries, keys and values of a layer: a matrix of inputs by three times the outputs, and a vector.
// Their names follow from that of the next product, the output of the attention.
func (f *File) attention(g *graph, n *node) error {
	m, err := g.resolve(n.input(1))
	if err != nil {
		return err
	}
	bias, err := g.resolve(n.input(2))
	if err != nil {
		return err
	}
	if m == nil || m.vector || bias == nil || !bias.vector || m.columns%3 != 0 || bias.columns != m.columns {
		return f.fail(n.at, "node %q: the weight %q and the bias %q are not a constant matrix and vector of queries, keys and values", n.name, n.input(1), n.input(2))
	}
	if len(n.attributes["qkv_hidden_sizes"].ints) > 0 {
		return f.fail(n.at, "node %q: queries, keys and values of different sizes (qkv_hidden_sizes) are not supported", n.name)
	}
	names, err := f.attentionNames(g, n)
	if err != nil {
		return err
	}
	size := m.columns / 3
	for i, name := range names {
		w, b := *m, *bias
		w.transposed, w.first, w.count = !m.transposed, i*size, size
		b.first, b.columns = i*size, size
		if err := f.add(name+".weight", &w); err != nil {
			return err
		}
		if err := f.add(name+".bias", &b); err != nil {
			return err
		}
	}
	return nil
}

func (f *File) attentionNames(g *graph, n *node) (names [3]string, err error) {
	for at, left := n, maxChain; at != nil && left > 0; left-- {
		var next *node
		for _, r := range g.users(at) {
			p, err := g.product(r)
			if err != nil {
				return names, err
			}
			if p == nil {
				next = r
				continue
			}
			base := strings.TrimSuffix(g.weightName(r, p.weight, p.bias), ".weight")
			for _, part := range parts {
				if layer, ok := strings.CutSuffix(base, part.output); ok {
					for i, name := range part.inputs {
						names[i] = layer + name
					}
					return names, nil
				}
			}
			return names, f.fail(n.at, "node %q: the weight %q after the attention does not name a known layer", n.name, base)
		}
		at = next
	}
	return names, f.fail(n.at, "node %q: no product follows the attention", n.name)
}

// tables adds the embeddings of an EmbedLayerNormalization node: of tokens, positions and, if the
// model has them, token types.
func (f *File) tables(g *graph, n *node) error {
	for i, name := range []string{"word_embeddings", "position_embeddings", "token_type_embeddings"} {
		m, err := g.resolve(n.input(2 + i))
		if err != nil {
			return err
		}
		if m == nil || m.vector {
			continue
		}
		known := parameterName(m.values.name)
		if known == "" {
			known = "embeddings." + name + ".weight"
		}
		if err := f.add(known, m); err != nil {
			return err
		}
	}
	return nil
}
