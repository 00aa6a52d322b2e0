package model

import (
	"errors"
	"math"
	"path/filepath"

	"github.com/firesteel/firesteel/internal/weights/safetensors"
)

// Dense is a linear layer of an embedding model between pooling and normalization, with an
// activation.
type Dense struct {
	in, out int
	weight  []float32 // out x in
	bias    []float32 // nil for none
	tanh    bool
}

// maxDense limits the inputs and outputs of a Dense.
const maxDense = 1 << 14

// Apply returns the outputs of x.
func (d *Dense) Apply(x []float64) []float64 {
	y := make([]float64, d.out)
	for i := range y {
		sum := 0.0
		for j, w := range d.weight[i*d.in : (i+1)*d.in] {
			sum += float64(w) * x[j]
		}
		if d.bias != nil {
			sum += float64(d.bias[i])
		}
		if d.tanh {
			sum = math.Tanh(sum)
		}
		y[i] = sum
	}
	return y
}

// denseActivations reports, by the name in a config.json, whether an activation is tanh. The others
// change nothing.
var denseActivations = map[string]bool{
	"torch.nn.modules.activation.Tanh": true, "torch.nn.modules.linear.Identity": false,
}

// dense reads the module Dense in a folder: config.json, and model.safetensors with linear.weight
// and linear.bias.
func (s *Source) dense(folder string) (_ *Dense, err error) {
	c, err := readConfig(filepath.Join(s.Path, folder, "config.json"))
	if err != nil {
		return nil, err
	}
	d := &Dense{}
	if d.in, err = c.integer("in_features", 1, maxDense); err != nil {
		return nil, err
	}
	if d.out, err = c.integer("out_features", 1, maxDense); err != nil {
		return nil, err
	}
	bias := true
	if c.has("bias") {
		if bias, err = c.boolean("bias"); err != nil {
			return nil, err
		}
	}
	if c.has("activation_function") {
		name, err := c.text("activation_function")
		known := false
		if d.tanh, known = denseActivations[name]; err != nil || !known {
			return nil, c.wrong("activation_function", "torch.nn.modules.activation.Tanh or torch.nn.modules.linear.Identity")
		}
	} else {
		d.tanh = true
	}
	f, err := safetensors.Open(filepath.Join(s.Path, folder))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	l := newLoader(&Source{Path: c.path, config: c, tensors: f}, "", nil)
	d.weight = l.table("linear.weight", d.in, d.out)
	if bias {
		d.bias = l.vector("linear.bias", d.out, 0)
	}
	return d, l.err
}
