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

var _ llm.Model = (*Engine)(nil)

// Embed returns a normalized vector for each text, computed from the final hidden states of its
// tokens. Prefix, suffix and pooling are those of the model's files; the default pooling is the
// mean. A text longer than the context is cut. For models that were not trained for embeddings the
// vectors are a rough measure of meaning only.
func (e *Engine) Embed(ctx context.Context, requests []llm.EmbedRequest) ([]llm.Embedding, error) {
	if e.encodes {
		return nil, fmt.Errorf("%w: embeddings of models with an encoder are not supported", llm.ErrModel)
	}
	if e.embeddingErr != nil {
		return nil, e.embeddingErr
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	embeddings := make([]llm.Embedding, len(requests))
	byRequest := map[llm.EmbedRequest]*sequence{}
	var sequences []*sequence
	for _, r := range requests {
		if byRequest[r] != nil {
			continue
		}
		s := e.embeddingSequence(r)
		byRequest[r] = s
		if s.err == nil && len(s.prompt) > 0 {
			sequences = append(sequences, s)
		}
	}
	longestFirst(sequences)
	if err := e.scheduler.run(ctx, sequences); err != nil {
		return nil, err
	}
	for i, r := range requests {
		embeddings[i] = byRequest[r].embedding()
	}
	return embeddings, nil
}

// embeddingSequence returns the sequence that computes the embedding of a text. A panic becomes the
// error of the text.
func (e *Engine) embeddingSequence(r llm.EmbedRequest) *sequence {
	s := &sequence{}
	func() {
		defer panics.Catch(&s.err, "reading a text")
		prefix, suffix := e.tokens.Affixes()
		prompt := e.embedding.Prompt
		if r.Prompt != "" {
			prompt = e.embedding.Prompts[r.Prompt]
		}
		s.prompt = e.tokens.Append(slices.Clone(prefix), prompt+r.Text)
		limit := e.info.Context
		if e.embedding.Tokens > 0 {
			limit = min(limit, e.embedding.Tokens)
		}
		if limit -= len(suffix); len(s.prompt) > limit {
			s.prompt, s.cut = s.prompt[:max(limit, 0)], true
		}
		s.prompt = append(s.prompt, suffix...)
	}()
	s.pooler = &pooler{pooling: e.embedding.Pooling, count: len(s.prompt)}
	return s
}

func (s *sequence) embedding() llm.Embedding {
	out := llm.Embedding{Tokens: len(s.prompt), Cut: s.cut, Err: s.err}
	if s.err == nil && len(s.prompt) == 0 {
		out.Err = fmt.Errorf("%w: the text has no tokens", llm.ErrRequest)
	}
	if out.Err != nil {
		return out
	}
	length := 0.0
	for _, x := range s.pooler.state {
		length += x * x
	}
	length = math.Sqrt(length)
	if !(length > 0) || math.IsInf(length, 0) {
		out.Err = errNotFinite
		return out
	}
	out.Vector = make([]float32, len(s.pooler.state))
	for i, x := range s.pooler.state {
		out.Vector[i] = float32(x / length)
	}
	return out
}

// pooler combines the hidden states of a text to one vector, which is not normalized.
type pooler struct {
	pooling model.Pooling
	count   int // tokens
	state   []float64
}

// wants reports whether the vector depends on the state of token n.
func (p *pooler) wants(n int) bool {
	switch p.pooling {
	case model.First:
		return n == 0
	case model.Last:
		return n == p.count-1
	}
	return true
}

// add adds the state of token n.
func (p *pooler) add(n int, state []float32) {
	first := len(p.state) == 0
	if first {
		p.state = make([]float64, len(state))
	}
	for i, x := range state {
		switch x := float64(x); p.pooling {
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
