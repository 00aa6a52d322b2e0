package engine

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/llm"
)

var _ llm.Embedder = (*Engine)(nil)

// Embed gives for each text a vector of its tokens' final hidden states, with a
// length of 1, as the model's files say: with the tokens around a text that its
// tokenizer adds, and by the pooling that sentence-transformers' or GGUF's settings
// name, or else by the mean. A text longer than the model takes is cut. Models that
// were not trained for it give vectors that are a rough measure of meaning only.
func (e *Engine) Embed(ctx context.Context, texts []string) ([]llm.Embedding, error) {
	if e.encodes {
		return nil, fmt.Errorf("%w: vectors of models with an encoder are not supported", llm.ErrModel)
	}
	if e.vectorsErr != nil {
		return nil, e.vectorsErr
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
	s := &sequence{}
	func() {
		defer panics.Catch(&s.err, "reading a text")
		before, after := e.tokens.Affixes()
		s.prompt = e.tokens.Append(slices.Clone(before), e.vectors.Prompt+text)
		most := e.info.Context
		if e.vectors.Tokens > 0 {
			most = min(most, e.vectors.Tokens)
		}
		if most -= len(after); len(s.prompt) > most {
			s.prompt, s.cut = s.prompt[:max(most, 0)], true
		}
		s.prompt = append(s.prompt, after...)
	}()
	s.pool = &pool{how: e.vectors.Pooling, count: len(s.prompt)}
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
	for _, x := range s.pool.state {
		length += x * x
	}
	length = math.Sqrt(length)
	if !(length > 0) || math.IsInf(length, 0) {
		out.Err = errNotFinite
		return out
	}
	out.Vector = make([]float32, len(s.pool.state))
	for i, x := range s.pool.state {
		out.Vector[i] = float32(x / length)
	}
	return out
}

// pool makes one vector, of any length, of a text's hidden states.
type pool struct {
	how   model.Pooling
	count int // tokens
	state []float64
}

// wants tells whether it is made of the state of the token at a place.
func (p *pool) wants(n int) bool {
	switch p.how {
	case model.First:
		return n == 0
	case model.Last:
		return n == p.count-1
	}
	return true
}

// add takes the state of the token at a place.
func (p *pool) add(n int, state []float32) {
	first := len(p.state) == 0
	if first {
		p.state = make([]float64, len(state))
	}
	for i, x := range state {
		switch x := float64(x); p.how {
		case model.Weighted:
			p.state[i] += float64(n+1) * x
		case model.Max:
			if first {
				p.state[i] = x
			}
			p.state[i] = max(p.state[i], x)
		default:
			p.state[i] += x
		}
	}
}
