// Package model implements the networks. Each architecture has a file, which defines the names of
// its weights and computes logits.
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

// Network is a model of one architecture. It is safe for concurrent use; each goroutine needs its
// own State.
type Network interface {
	// Context returns the number of positions of the model.
	Context() int
	// Vocabulary returns the number of tokens that have logits.
	Vocabulary() int
	// Size returns the size of a hidden state.
	Size() int
	// Cache returns the size of the keys and values of a token.
	Cache() nn.CacheShape
	// EncoderSize returns, for a network with an encoder, the number of numbers that it keeps of
	// each input token (see nn.EncoderOutput). It returns 0 for other networks.
	EncoderSize() int
	// Start returns, for a network with an encoder, the first token of the decoder; the prompt is
	// the input of the encoder. ok is false for other networks.
	Start() (token int32, ok bool)
	// Headless returns the reason why the network has no logits but hidden states only. It returns
	// "" if the network has logits.
	Headless() string
	// NewState returns the memory for steps of at most rows rows. Out.Best is below tokens, which is
	// at most Vocabulary. team may be nil.
	NewState(rows, tokens int, team *nn.Team) State
	// Parameters returns the number of weights.
	Parameters() int64
	// Bytes returns the memory of the weights in bytes.
	Bytes() int
	// Close releases the weights.
	Close() error
}

// State computes steps. It must be used by one goroutine at a time.
type State interface {
	// Step runs the tokens of all spans through the network. It calls emit, in order, for each
	// token that wants an output; emit must not keep the output. Step calls stop several times, and
	// returns ErrStopped if it returns true.
	Step(spans []Span, stop func() bool, emit func(span, row int, out Out)) error
}

// Span is consecutive tokens of one sequence. Step grows the cache of the sequence.
type Span struct {
	Cache *nn.Cache
	Rows  []Row
	// Encoded is, for a network with an encoder, the output of the encoder. If Input is not empty,
	// Step runs it through the encoder and sets Encoded.
	Encoded *nn.EncoderOutput
	Input   []int32
}

// Row is one token of a sequence.
type Row struct {
	Token    int32
	Position int // of the token in the sequence
	// View is the tokens to attend to. The last one is the token itself.
	View nn.View
	Want Want
}

// Want is the output that a row needs.
type Want int

const (
	Nothing Want = iota
	Logits       // the logits of the next token, by token, and the best token
	Best         // the token with the highest logit only; the first one of equals
	Hidden       // the final hidden state
)

// Out is the output of a row.
type Out struct {
	Values []float32 // Logits or Hidden
	Best   int32     // for Logits and Best; -1 if the logits are not finite
}

// ErrStopped is the error of a step that was stopped.
var ErrStopped = errors.New("stopped")

// loaders are the load functions by the name of the architecture in a GGUF file or a config.json.
var loaders = map[string]func(context.Context, *Source, llm.Precision, *kernel.Set, int) (Network, error){
	"llama": loadLlama, "LlamaForCausalLM": loadLlama, "LlamaModel": loadLlama,
	"qwen2": loadQwen2, "Qwen2ForCausalLM": loadQwen2, "Qwen2Model": loadQwen2,
	"qwen3": loadQwen3, "Qwen3ForCausalLM": loadQwen3, "Qwen3Model": loadQwen3,
	"gemma3": loadGemma3, "gemma-embedding": loadGemma3, "Gemma3ForCausalLM": loadGemma3, "Gemma3ForConditionalGeneration": loadGemma3, "Gemma3TextModel": loadGemma3,
	"T5ForConditionalGeneration": loadT5,
}

// Load loads the network of a source with the given number of goroutines. The network reads from
// the source, so the source must not be closed before the network.
func Load(ctx context.Context, s *Source, p llm.Precision, kernels *kernel.Set, threads int) (Network, error) {
	load, ok := loaders[s.Architecture]
	if !ok {
		var names []string
		for name := range loaders {
			names = append(names, name)
		}
		for name := range encoderLoaders {
			names = append(names, name)
		}
		slices.Sort(names)
		return nil, fmt.Errorf("%s: the architecture %q is not supported; use a model of one of %s, or a model behind an endpoint (openai:NAME@https://HOST/v1)", s.Path, s.Architecture, strings.Join(names, ", "))
	}
	return load(ctx, s, p, kernels, threads)
}
