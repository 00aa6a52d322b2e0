package main

import (
	"os"
	"sync"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/internal/weights/safetensors/safetensorstest"
	"github.com/firesteel/firesteel/llm"
)

// stepRows is the number of tokens in a step of the engine, per thread.
const stepRows = 256

// kernelsOnly is used in place of a model path. The child then computes only the matrix products of
// a job, with the shapes of the engine. This measures the upper limit of the kernels. Each shape
// has one matrix, which stays in the cache if it fits.
const kernelsOnly = "kernels"

// product is a matrix, the number of rows in a step, and the number of times it is computed.
type product struct {
	linear      *nn.Linear
	rows, times int
}

// t5Products returns the products of a step in the steady state, in which sequences that read a
// number of tokens and generate steps tokens begin and end.
func t5Products(set *kernel.Set, c safetensorstest.T5, precision llm.Precision, read float64) []product {
	sequences := stepRows / (read + steps)
	in, out := int(sequences*read), int(sequences*steps)
	inner := c.NumHeads * c.DKV
	var all []product
	addIn := func(precision llm.Precision, rows, times, k, n int) {
		l := &nn.Linear{K: k, N: n}
		if precision == llm.Int8 {
			l.Int8 = kernel.NewMatrix8(n, k, make([]int8, kernel.Size8(n, k)))
		} else {
			l.Float32 = kernel.NewMatrix(n, k, make([]float32, kernel.Size(n, k)))
		}
		weights := make([]float32, kernel.Width*k)
		for i := range weights {
			weights[i] = float32(i%13) - 6
		}
		for p := range kernel.Pad(n) / kernel.Width {
			if precision == llm.Int8 {
				l.Int8.SetPanel(set, p, weights)
			} else {
				l.Float32.SetPanel(p, weights)
			}
		}
		all = append(all, product{l, rows, times})
	}
	add := func(rows, times, k, n int) { addIn(precision, rows, times, k, n) }
	for _, stack := range [][2]int{{in, c.NumLayers}, {out, c.NumDecoderLayers}} {
		add(stack[0], stack[1], c.DModel, 3*inner)
		add(stack[0], stack[1], inner, c.DModel)
		add(stack[0], stack[1], c.DModel, 2*c.DFF)
		add(stack[0], stack[1], c.DFF, c.DModel)
	}
	add(out, c.NumDecoderLayers, c.DModel, inner) // cross attention
	add(out, c.NumDecoderLayers*c.NumHeads, c.DKV, c.DModel)
	add(out, c.NumDecoderLayers*c.NumHeads, c.DModel, c.DKV)
	add(out, c.NumDecoderLayers, inner, c.DModel)
	addIn(llm.Int8, out, 1, c.DModel, c.VocabSize) // for float32 too: the shortlist of tokens
	return all
}

// multiply computes as many steps as the rows of the job take, on all threads.
func multiply(j job, precision llm.Precision, threads int) (outcome, error) {
	set, err := kernel.Select(os.Getenv("FIRESTEEL_ISA"))
	if err != nil {
		return outcome{}, err
	}
	read := 0.0
	for _, r := range j.Requests {
		read += float64(r.Tokens)
	}
	mean := read / float64(len(j.Requests))
	all := t5Products(set, safetensorstest.FlanT5Small(), precision, mean)
	// A step reads as many tokens as the first product, of the encoder, has rows.
	count := int(read / float64(all[0].rows))
	var workers sync.WaitGroup
	for thread := range threads {
		workers.Go(func() {
			var scratch nn.Scratch
			a, c := make([]float32, stepRows*kernel.Stride(1<<11)), make([]float32, stepRows*kernel.Stride(1<<15))
			for i := range a {
				a[i] = float32(i%17) - 8
			}
			for step := thread; step < count; step += threads {
				for _, p := range all {
					for range p.times {
						p.linear.Mul(set, &scratch, p.rows, a, kernel.Stride(p.linear.K), c, kernel.Stride(p.linear.N), false)
					}
				}
			}
		})
	}
	workers.Wait()
	return outcome{Units: len(j.Requests), Answers: make([]string, len(j.Requests))}, nil
}
