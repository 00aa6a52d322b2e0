package local

import (
	"context"
	"fmt"
	"math"

	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/llm"
)

var _ llm.Embedder = (*Engine)(nil)

// Embed gives for each text the mean of its tokens' final hidden states, with a
// length of 1. A text longer than the context window is cut. Models that were
// not trained for it give vectors that are a rough measure of meaning only.
func (e *Engine) Embed(ctx context.Context, texts []string) ([]llm.Embedding, error) {
	if e.encodes {
		return nil, fmt.Errorf("%w: vectors of models with an encoder are not supported", llm.ErrModel)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	embeddings := make([]llm.Embedding, len(texts))
	places := map[string]*sequence{}
	var sequences []*sequence
	for _, text := range texts {
		if places[text] != nil {
			continue
		}
		s := e.toEmbed(text)
		places[text] = s
		if s.err == nil && len(s.prompt) > 0 {
			sequences = append(sequences, s)
		}
	}
	longestFirst(sequences)
	if err := e.scheduler.run(ctx, sequences); err != nil {
		return nil, err
	}
	for i, text := range texts {
		embeddings[i] = places[text].embedding()
	}
	return embeddings, nil
}

// toEmbed turns a text into tokens; a panic is the text's error.
func (e *Engine) toEmbed(text string) *sequence {
	s := &sequence{mean: []float64{}}
	func() {
		defer panics.Catch(&s.err, "reading a text")
		s.prompt = e.opening(text)
	}()
	if len(s.prompt) > e.info.Context {
		s.prompt, s.cut = s.prompt[:e.info.Context], true
	}
	return s
}

func (s *sequence) embedding() llm.Embedding {
	out := llm.Embedding{Tokens: len(s.prompt), Cut: s.cut, Err: s.err}
	if s.err == nil && len(s.prompt) == 0 {
		out.Err = fmt.Errorf("%w: its text has no tokens", llm.ErrRequest)
	}
	if out.Err != nil {
		return out
	}
	length := 0.0
	for _, x := range s.mean {
		length += x * x
	}
	length = math.Sqrt(length)
	if !(length > 0) || math.IsInf(length, 0) {
		out.Err = errNotFinite
		return out
	}
	out.Vector = make([]float32, len(s.mean))
	for i, x := range s.mean {
		out.Vector[i] = float32(x / length)
	}
	return out
}

// addHidden adds a token's hidden state.
func (s *sequence) addHidden(state []float32) {
	if len(s.mean) == 0 {
		s.mean = make([]float64, len(state))
	}
	for i, x := range state {
		s.mean[i] += float64(x)
	}
}
