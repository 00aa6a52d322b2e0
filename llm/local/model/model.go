// Package model holds the networks: one file an architecture, which names the
// weights it reads and computes the scores of next tokens.
package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/llm/local/kernel"
	"github.com/firesteel/firesteel/llm/local/nn"
	"github.com/firesteel/firesteel/llm/weights/gguf"
)

// Network is a model of one architecture. It may be used by several goroutines
// at once, each with a State of its own.
type Network interface {
	// Context is the number of positions that the model was made for.
	Context() int
	// Vocabulary is the number of tokens that the model gives scores for.
	Vocabulary() int
	// Cache is what it keeps of each token.
	Cache() nn.CacheShape
	// NewState gives the memory for steps of at most rows tokens.
	NewState(rows int) State
	// Close releases the weights.
	Close() error
}

// State computes steps. It serves one goroutine.
type State interface {
	// Step runs the tokens of all spans through the network. For each token
	// that asks for it, in order, emit gets the scores (logits) of the next
	// token, which it must not keep. Where stop, which is called now and then,
	// says true, Step ends with ErrStopped.
	Step(spans []Span, stop func() bool, emit func(span, row int, logits []float32)) error
}

// Span is consecutive tokens of one sequence. The sequence's cache is grown by
// the step.
type Span struct {
	Cache *nn.Cache
	Rows  []Row
}

// Row is one token.
type Row struct {
	Token    int32
	Position int // in the text
	// View is what the token attends to; its own slot is the last in it.
	View   nn.View
	Logits bool // whether the scores of the next token are wanted
}

// ErrStopped: a step was told to stop.
var ErrStopped = errors.New("stopped")

// headRows is how many rows of logits are computed at a time.
const headRows = 24

// Load reads the network that a GGUF file holds, with the given number of
// goroutines. The file is not needed afterwards.
func Load(f *gguf.File, kernels *kernel.Set, threads int) (Network, error) {
	architecture, err := f.String("general.architecture")
	if err != nil {
		return nil, err
	}
	loaders := map[string]func(*gguf.File, *kernel.Set, int) (Network, error){"llama": loadLlama}
	load, ok := loaders[architecture]
	if !ok {
		var names []string
		for name := range loaders {
			names = append(names, name)
		}
		slices.Sort(names)
		return nil, fmt.Errorf("%s: it holds a model of the architecture %q, which is not supported; supported are: %s", f.Path, architecture, strings.Join(names, ", "))
	}
	return load(f, kernels, threads)
}
