// Package model holds the networks: one file an architecture, which names the
// weights it reads and computes the scores of next tokens.
package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/llm"
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
	// Memory is, for a network with an encoder, how many numbers it keeps of
	// each token that it has read; see nn.EncoderOutput.
	Memory() int
	// Start is, for a network with an encoder, the token that its answers begin
	// with: the prompt is the encoder's input.
	Start() (token int32, ok bool)
	// Headless says why the network has no scores of tokens and gives hidden
	// states only; empty if it has them.
	Headless() string
	// NewState gives the memory for steps of at most rows tokens. Of the
	// vocabulary only the first so many tokens may be answered. A team, which may
	// be nil, helps.
	NewState(rows, tokens int, team *nn.Team) State
	// Bytes is the memory that its weights take.
	Bytes() int
	// Close releases the weights.
	Close() error
}

// State computes steps. It serves one goroutine.
type State interface {
	// Step runs the tokens of all spans through the network. For each token
	// that asks for something, in order, emit gets it, and must not keep it. Where
	// stop, which is called now and then, says true, Step ends with ErrStopped.
	Step(spans []Span, stop func() bool, emit func(span, row int, out Out)) error
}

// Span is consecutive tokens of one sequence. The sequence's cache is grown by
// the step.
type Span struct {
	Cache *nn.Cache
	Rows  []Row
	// Memory, for a network with an encoder, is what it has read. Where there is
	// Input the step reads it, all of it, as each token sees all others, and puts
	// Memory here.
	Memory *nn.EncoderOutput
	Input  []int32
}

// Row is one token.
type Row struct {
	Token    int32
	Position int // in the text
	// View is what the token attends to; its own slot is the last in it.
	View nn.View
	Want Want
}

// Want is what is asked for after a row.
type Want int

const (
	Nothing Want = iota
	Logits       // the scores of the next token, by token, and the best
	Best         // the token of the greatest logit only, of equals the first
	Hidden       // the final hidden state
)

// Out is what a row gave.
type Out struct {
	Values []float32 // Logits or Hidden
	Best   int32     // of Logits or Best; -1 where logits are not finite
}

// ErrStopped: a step was told to stop.
var ErrStopped = errors.New("stopped")

// loaders are by the name that a GGUF file or a config.json has for an
// architecture.
var loaders = map[string]func(context.Context, *Source, llm.Precision, *kernel.Set, int) (Network, error){
	"llama": loadLlama, "LlamaForCausalLM": loadLlama, "LlamaModel": loadLlama,
	"qwen2": loadQwen2, "Qwen2ForCausalLM": loadQwen2, "Qwen2Model": loadQwen2,
	"qwen3": loadQwen3, "Qwen3ForCausalLM": loadQwen3, "Qwen3Model": loadQwen3,
	"gemma3": loadGemma3, "Gemma3ForCausalLM": loadGemma3, "Gemma3ForConditionalGeneration": loadGemma3, "Gemma3TextModel": loadGemma3,
	"T5ForConditionalGeneration": loadT5,
}

// Load reads the network of a source, with the given number of goroutines. It
// reads from the source as long as it is used, and does not close it.
func Load(ctx context.Context, s *Source, p llm.Precision, kernels *kernel.Set, threads int) (Network, error) {
	load, ok := loaders[s.Architecture]
	if !ok {
		var names []string
		for name := range loaders {
			names = append(names, name)
		}
		slices.Sort(names)
		return nil, fmt.Errorf("%s: it holds a model of the architecture %q, which is not supported; use a model of one of %s, or one behind an endpoint (openai:NAME@https://HOST/v1)", s.Path, s.Architecture, strings.Join(names, ", "))
	}
	return load(ctx, s, p, kernels, threads)
}

// size is a setting that gives a size.
type size struct {
	setting
	lo, hi int64
	to     *int
}

// readSizes reads settings; those that are not there and have a value already
// keep it.
func (s *Source) readSizes(sizes []size) error {
	for _, x := range sizes {
		if *x.to != 0 && !s.has(x.setting) {
			continue
		}
		n, err := s.integer(x.setting, x.lo, x.hi)
		if err != nil {
			return err
		}
		*x.to = n
	}
	return nil
}

// multiples checks that sizes are what the kernels can take.
func (s *Source) multiples(sizes map[string]int) error {
	for what, n := range sizes {
		if n == 0 || n%kernel.Width != 0 {
			return s.wrong("its %s are of size %d; only multiples of %d are supported", what, n, kernel.Width)
		}
	}
	return nil
}
