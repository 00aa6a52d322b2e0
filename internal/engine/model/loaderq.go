package model

import (
	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/internal/weights/gguf"
)

// layoutsQ are the types of GGUF files whose weights can be kept as in the file.
var layoutsQ = map[gguf.Type]kernel.LayoutQ{
	gguf.Q4_0: kernel.Q4_0, gguf.Q4_1: kernel.Q4_1, gguf.Q5_0: kernel.Q5_0, gguf.Q5_1: kernel.Q5_1, gguf.Q8_0: kernel.Q8_0,
	gguf.Q4_K: kernel.Q4_K, gguf.Q5_K: kernel.Q5_K, gguf.Q6_K: kernel.Q6_K,
}

// matrixAsInFile plans a matrix with a part for each tensor, whose weights are as in the file. It
// returns nil if a tensor has another type.
func (l *loader) matrixAsInFile(k int, outputs []output) *nn.Linear {
	layouts := make([]kernel.LayoutQ, len(outputs))
	tensors := make([]tensor, len(outputs))
	for i, o := range outputs {
		tensors[i] = l.tensor(o.name, k, o.n)
		if l.err != nil || tensors[i].blocks == nil {
			return nil
		}
		var ok bool
		if layouts[i], ok = layoutsQ[tensors[i].blocks.Type]; !ok {
			return nil
		}
	}
	m := &nn.Linear{K: k}
	for i, o := range outputs {
		part := &kernel.MatrixQ{}
		m.Parts = append(m.Parts, nn.Part{First: m.N, Matrix: part})
		m.N += o.n
		l.jobs = append(l.jobs, packing{tensor: tensors[i], end: o.n, linear: m, part: part})
		l.reserve(layouts[i].Size(o.n, k), func(memory []byte) { *part = *kernel.NewMatrixQ(layouts[i], o.n, k, memory) })
	}
	return m
}

// runAsInFile packs a tensor whose weights stay as in the file.
func (p packing) runAsInFile() error {
	var b gguf.Block
	for row := p.first; row < p.end; row++ {
		for n := range p.linear.K / p.part.Layout.Block() {
			if err := p.tensor.blocks.Block(row, n, &b); err != nil {
				return err
			}
			p.part.Set(row, n, (*kernel.Block)(&b))
		}
	}
	return nil
}
